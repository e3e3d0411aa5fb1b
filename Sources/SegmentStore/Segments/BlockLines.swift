import Basics
import JSONText

/// Reads the lines of a block as records, and reports what is wrong with each.
struct BlockLines {
    let context: StoreContext
    private let parser = JSONParser()

    init(_ context: StoreContext) { self.context = context }

    enum Line {
        case record(RecordHead, RecordHint)
        case bad(String)
    }

    /// Classifies a line in the given lane.
    func read(_ line: [UInt8], in lane: Lane) -> Line {
        do throws(JSONError) {
            guard try parser.parse(line).root.kind == .object else { return .bad("not a JSON object") }
        } catch {
            return .bad("not JSON: \(error)")
        }
        guard let head = line.withUnsafeBytes({ RecordHead.parse($0) }) else {
            return .bad("it does not begin as a record does")
        }
        guard head.lane == lane else { return .bad("a record of the \(head.lane.directoryName)") }
        return .record(head, RecordHint(head: head, status: context.status(head)))
    }
}
