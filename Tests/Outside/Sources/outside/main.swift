// Asks a server for answers and fills a store: `outside BASE-URL PROMPTS-FILE STORE`.
import Retort
import SegmentStore

let (url, file, store) = (CommandLine.arguments[1], CommandLine.arguments[2], CommandLine.arguments[3])

let prompts = (0..<100).map { "What is \($0) squared?" }
let answers = try await Retort.answers(to: prompts, model: "m", baseURL: url)
print("\(answers.count) answers, the first of \(answers[0].completionTokens) tokens")

let end = try await Retort.run([file], into: store, model: "m", baseURL: url) { standing in
    print("\(standing.answered) answered")
}
print("\(end.answered) in the store")

do {
    _ = try await Retort.answers(to: ["a"], model: "m", baseURL: "ftp://127.0.0.1")
} catch {
    print("refused: \(error.code.rawValue)")
}

struct Enough: Error {}
do {
    let reader = try StoreReader(store)
    var seen = 0
    try reader.walk(.responses) { _ in
        seen += 1
        if seen == 10 { throw Enough() }
        return true
    }
} catch let error as StoreError {
    print("the store: \(error.message)")
} catch is Enough {
    print("enough records")
}
