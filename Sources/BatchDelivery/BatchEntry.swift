import Basics
import JSONText

/// The progress of a batch as recorded in the batch journal. Each stage is on disk before the next step is taken.
public enum BatchStage: Sendable, Hashable {
    /// Its requests are in a file of this store. An upload may have begun.
    case planned
    /// The provider has its file.
    case uploaded(file: String)
    /// The call that creates it may have been sent.
    case creating
    case created(batch: String)
    /// A batch that was assumed to be this one holds other requests.
    case foreign(batch: String)
    /// The provider had no capacity: the batch is created again from the same file. The id is empty if no batch was
    /// created.
    case postponed(batch: String)
    /// The provider's last report.
    case seen(total: Int, succeeded: Int, failed: Int, expires: Int)
    case ended(String)
    /// No change of the batch; only the uncertain cost has changed.
    case counted
    /// Its unanswered requests are sent live, although the provider may still answer and bill them; their maximum cost
    /// in nanodollars.
    case overtaken(cost: Int)
    /// All its results are in the store; the other requests are pending.
    case collected(String)
}

/// One line of the batch journal.
public struct BatchEntry: Sendable, Hashable {
    public var number: Int
    public var stage: BatchStage
    /// Seconds since 1970.
    public var time: Int
    /// The maximum cost of requests without a record, except those of open batches, in nanodollars.
    public var uncertain: Int
    /// For `planned`: the batch.
    public var plan: BatchPlan?

    public init(number: Int, _ stage: BatchStage, time: Int, uncertain: Int = 0, plan: BatchPlan? = nil) {
        self.number = number
        self.stage = stage
        self.time = time
        self.uncertain = uncertain
        self.plan = plan
    }
}

/// The description of a batch, fixed before anything is sent.
public struct BatchPlan: Sendable, Hashable {
    /// The name of its file: a hash of its content.
    public var name: String
    /// Identifies its results.
    public var mark: String
    public var path: String
    public var window: String
    /// The server's URL, without secrets.
    public var server: String
    public var requests: Int
    public var bytes: Int
    public var tokens: Int
    /// Nanodollars.
    public var costMax: Int
    /// A hash of the job that planned it; empty in old journals.
    public var job: String
    /// The model of its requests; empty if they name none, and in old journals.
    public var model: String

    public init(
        name: String, mark: String, path: String, window: String, server: String, requests: Int, bytes: Int,
        tokens: Int, costMax: Int, job: String = "", model: String = ""
    ) {
        self.job = job
        self.model = model
        self.name = name
        self.mark = mark
        self.path = path
        self.window = window
        self.server = server
        self.requests = requests
        self.bytes = bytes
        self.tokens = tokens
        self.costMax = costMax
    }

    public var title: BatchTitle { BatchTitle(name: name, path: path, window: window, model: model) }
}

extension BatchEntry {
    /// The line, with its line feed.
    var line: [UInt8] {
        var output = Array(#"{"batch":\#(number),"stage":"#.utf8)
        JSONString.append(stage.name, to: &output)
        switch stage {
        case .planned, .creating, .counted: break
        case .uploaded(let text), .created(let text), .foreign(let text), .postponed(let text), .ended(let text),
            .collected(let text):
            output += Array(#","text":"#.utf8)
            JSONString.append(text, to: &output)
        case .overtaken(let cost): output += Array(#","cost":\#(cost)"#.utf8)
        case .seen(let total, let succeeded, let failed, let expires):
            output += Array(
                #","total":\#(total),"succeeded":\#(succeeded),"failed":\#(failed),"expires":\#(expires)"#.utf8)
        }
        if let plan {
            for (name, text) in [
                ("name", plan.name), ("mark", plan.mark), ("path", plan.path), ("window", plan.window),
                ("server", plan.server), ("job", plan.job), ("model", plan.model),
            ] {
                output += Array(",\"\(name)\":".utf8)
                JSONString.append(text, to: &output)
            }
            output += Array(
                #","requests":\#(plan.requests),"bytes":\#(plan.bytes),"tokens":\#(plan.tokens),"cost_max":\#(plan.costMax)"#
                    .utf8)
        }
        output += Array(",\"uncertain\":\(uncertain),\"time\":\(time)".utf8)
        return output + Self.sum(of: output[...]) + Array("}\n".utf8)
    }

    private static let sumName = Array(#","sum":""#.utf8)

    /// The last member of a line: a hash of the text before it.
    private static func sum(of bytes: ArraySlice<UInt8>) -> [UInt8] {
        sumName + Array(Hexadecimal.string(bytes.withUnsafeBytes { ContentHash.hash64($0) }).utf8) + [0x22]
    }

    /// Whether a line is complete and unchanged. Old lines have no checksum.
    static func isWhole(_ line: ArraySlice<UInt8>) -> Bool {
        let rest = line.dropLast(sumName.count + 16 + 2)
        guard line[rest.endIndex...].starts(with: sumName) else { return true }
        return line[rest.endIndex...].dropLast().elementsEqual(sum(of: rest))
    }

    /// Nil if the JSON is not a journal line.
    init?(_ root: JSONValue) {
        guard let number = root["batch"]?.int, number > 0, let name = root["stage"]?.string,
            let stage = BatchStage(name, root)
        else { return nil }
        self.init(
            number: number, stage, time: BatchNumber.of(root["time"]), uncertain: max(0, root["uncertain"]?.int ?? 0))
        guard case .planned = stage else { return }
        func text(_ key: StaticString) -> String? { root[key]?.string }
        func count(_ key: StaticString) -> Int? { root[key]?.int.flatMap { $0 >= 0 ? BatchNumber.clamped($0) : nil } }
        guard let file = text("name"), let mark = text("mark"), let path = text("path"), let window = text("window"),
            let server = text("server"), let requests = count("requests"), let bytes = count("bytes"),
            let tokens = count("tokens"), let costMax = root["cost_max"]?.int, costMax >= 0
        else { return nil }
        plan = BatchPlan(
            name: file, mark: mark, path: path, window: window, server: server, requests: requests, bytes: bytes,
            tokens: tokens, costMax: costMax, job: text("job") ?? "", model: text("model") ?? "")
    }
}

extension BatchStage {
    var name: String {
        switch self {
        case .planned: "planned"
        case .uploaded: "uploaded"
        case .creating: "creating"
        case .created: "created"
        case .foreign: "foreign"
        case .postponed: "postponed"
        case .seen: "seen"
        case .ended: "ended"
        case .counted: "counted"
        case .overtaken: "overtaken"
        case .collected: "collected"
        }
    }

    init?(_ name: String, _ root: JSONValue) {
        let text = root["text"]?.string
        switch (name, text) {
        case ("planned", _): self = .planned
        case ("creating", _): self = .creating
        case ("counted", _): self = .counted
        case ("uploaded", let text?): self = .uploaded(file: text)
        case ("created", let text?): self = .created(batch: text)
        case ("foreign", let text?): self = .foreign(batch: text)
        case ("postponed", let text?): self = .postponed(batch: text)
        case ("ended", let text?): self = .ended(text)
        case ("collected", let text?): self = .collected(text)
        case ("overtaken", _): self = .overtaken(cost: max(0, root["cost"]?.int ?? 0))
        case ("seen", _):
            func count(_ key: StaticString) -> Int { BatchNumber.of(root[key]) }
            self = .seen(
                total: count("total"), succeeded: count("succeeded"), failed: count("failed"),
                expires: count("expires"))
        default: return nil
        }
    }
}
