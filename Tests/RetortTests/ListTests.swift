import Basics
import Glibc
import ModelSimulator
import Retort
import Testing

@Suite(.timeLimit(.minutes(2))) struct ListTests {
    private func withServer<Value>(
        _ change: (inout SimulatorConfiguration) -> Void = { _ in }, _ body: (String) async throws -> Value
    ) async throws -> Value {
        var configuration = SimulatorConfiguration()
        change(&configuration)
        let server = try ModelSimulator(configuration)
        try server.start()
        defer { server.stop() }
        return try await body(try #require(server.baseURL))
    }

    private func options(_ change: (inout Retort.Options) -> Void = { _ in }) -> Retort.Options {
        var options = Retort.Options()
        options.apiKey = "k"
        options.maxTokens = 20
        change(&options)
        return options
    }

    private var prompts: [String] { (0..<300).map { "question \"\($0)\" of ∞" } }

    @Test func answersHaveThePlacesOfTheirPrompts() async throws {
        try await withServer { url in
            let first = try await Retort.answers(to: prompts, model: "m", baseURL: url, options: options())
            #expect(first.count == prompts.count && first.allSatisfy { $0.isAnswer && !$0.text.isEmpty })
            #expect(Set(first.map(\.text)).count > 250)
            // The server gives equal answers to equal prompts, so each answer can be matched to its prompt.
            let reversed = try await Retort.answers(
                to: prompts.reversed(), model: "m", baseURL: url, options: options())
            #expect(reversed.reversed().map(\.text) == first.map(\.text))
            #expect(first.allSatisfy { $0.completionTokens > 0 && $0.attempts == 1 })
        }
    }

    @Test func severalAnswersToAPrompt() async throws {
        try await withServer { url in
            let lists = try await Retort.answers(
                to: Array(prompts.prefix(10)), samples: 3, model: "m", baseURL: url,
                options: options { $0.temperature = 1 })
            #expect(lists.map(\.count) == Array(repeating: 3, count: 10))
        }
    }

    @Test func otherShapes() async throws {
        try await withServer { url in
            let chats = [[Retort.Message("system", "Be short."), Retort.Message("user", "Why?")]]
            let answers = try await Retort.answers(toChats: chats, model: "m", baseURL: url, options: options())
            let same = try await Retort.answers(
                to: ["Why?"], model: "m", baseURL: url, options: options { $0.system = "Be short." })
            #expect(answers.map(\.text) == same.map(\.text) && answers.count == 1)
            let plain = try await Retort.completions(of: ["def f"], model: "m", baseURL: url, options: options())
            #expect(plain[0].isAnswer)
            let filled = try await Retort.infills(
                between: [("def f(", "): pass")], model: "m", baseURL: url, options: options())
            #expect(filled[0].isAnswer)
            let none = try await Retort.answers(to: [], model: "m", baseURL: url)
            #expect(none.isEmpty)
        }
    }

    @Test func whatCannotBeAnsweredHasItsReasonInItsPlace() async throws {
        try await withServer {
            $0.faults = (try? FaultPlan(parsing: "content-filter=0.2")) ?? .none
        } _: { url in
            let answers = try await Retort.answers(to: prompts, model: "m", baseURL: url, options: options())
            let failed = answers.compactMap(\.failure)
            #expect(failed.count > 20 && failed.count < 120)
            #expect(Set(failed.map(\.name)) == ["content_filter"])
            #expect(answers.allSatisfy { $0.isAnswer != $0.text.isEmpty })
        }
    }

    @Test func aServerThatRefusesEverythingEndsIt() async throws {
        try await withServer {
            $0.faults = (try? FaultPlan(parsing: "401=1")) ?? .none
        } _: { url in
            let error = await #expect(throws: Retort.Failure.self) {
                _ = try await Retort.answers(to: prompts, model: "m", baseURL: url, options: options())
            }
            #expect(error?.code == .refused)
        }
    }

    @Test func aStreamGivesAllOfThem() async throws {
        try await withServer { url in
            var places: Set<Int> = []
            for try await arrival in Retort.stream(prompts, model: "m", baseURL: url, options: options()) {
                #expect(places.insert(arrival.index).inserted)
            }
            #expect(places.count == prompts.count)
        }
    }

    @Test func aScriptMayWait() async throws {
        try await withServer { url in
            let (prompts, options) = (Array(prompts.prefix(5)), options())
            let answers = await withCheckedContinuation { continuation in
                WorkThread.start {
                    continuation.resume(
                        returning: Result {
                            try Retort.answersBlocking(to: prompts, model: "m", baseURL: url, options: options)
                        })
                }
            }
            let list = try answers.get()
            #expect(list.count == 5)
        }
    }

    @Test func aStoreIsFilledOnce() async throws {
        var template = Array("/tmp/retort-library.XXXXXX".utf8CString)
        let folder = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer { _ = try? FolderRemoval.remove(folder) }
        let file = try #require(fopen("\(folder)/prompts.jsonl", "w"))
        for number in 0..<40 { fputs("{\"prompt\":\"number \(number)\"}\n", file) }
        fclose(file)
        try await withServer { url in
            let told = Locked<[Retort.Standing]>([])
            for _ in 0..<2 {
                let end = try await Retort.run(
                    ["\(folder)/prompts.jsonl"], into: "\(folder)/store", model: "m", baseURL: url,
                    arguments: ["--max-tokens", "20"]
                ) { standing in told.withLock { $0.append(standing) } }
                #expect(end.answered == 40 && end.failed == 0 && end.total == 40)
            }
            #expect(told.withLock { $0.last?.answered } == 40)
            let error = await #expect(throws: Retort.Failure.self) {
                try await Retort.run(
                    ["\(folder)/prompts.jsonl"], into: "\(folder)/store", model: "other", baseURL: url)
            }
            #expect(error?.code == .configuration)
        }
    }
}

private enum FolderRemoval {
    static func remove(_ path: String) throws {
        let process = ["rm", "-rf", "--", path]
        var arguments = process.map { strdup($0) } + [nil]
        defer { for text in arguments { free(text) } }
        var id = pid_t()
        guard posix_spawn(&id, "/bin/rm", nil, nil, &arguments, nil) == 0 else { return }
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0 { if errno != EINTR { break } }
    }
}
