public import JSONText
public import ModelAPI

/// What the record of a request needs when its answer arrives: one line of the batch's file of items.
public struct BatchItem: Sendable, Hashable {
    public var customID: String
    public var id: [UInt8]
    public var sample: UInt32
    public var row: UInt64
    public var fingerprint: UInt64
    /// Attempts in this run of batches and in earlier runs.
    public var attempts: Int
    /// Of `attempts`, those before this run first sent the request. A correction counts its attempts separately.
    public var attemptsBefore: Int
    public var corrections: Int
    public var tokens: Int
    /// Nanodollars.
    public var costMax: Int
    /// Whether the row names the model.
    public var namesModel: Bool
    /// Whether it is a retry: the store already has its failure, with fewer attempts.
    public var isRetry = false
    public var roundsCount: UInt32
    public var roundsNanodollars: Int
    /// The members of the record that describe the request.
    public var asked: [UInt8]
    /// A JSON object.
    public var metadata: [UInt8]
    public var request: ModelRequest

    public init(
        customID: String = "", id: [UInt8], sample: UInt32, row: UInt64, fingerprint: UInt64, attempts: Int = 0,
        attemptsBefore: Int = 0, corrections: Int = 0, tokens: Int = 0, costMax: Int = 0, namesModel: Bool = false,
        roundsCount: UInt32 = 0,
        roundsNanodollars: Int = 0, asked: [UInt8], metadata: [UInt8], request: ModelRequest
    ) {
        self.customID = customID
        self.id = id
        self.sample = sample
        self.row = row
        self.fingerprint = fingerprint
        self.attempts = attempts
        self.attemptsBefore = attemptsBefore
        self.corrections = corrections
        self.tokens = tokens
        self.costMax = costMax
        self.namesModel = namesModel
        self.roundsCount = roundsCount
        self.roundsNanodollars = roundsNanodollars
        self.asked = asked
        self.metadata = metadata
        self.request = request
    }

    public static func == (a: BatchItem, b: BatchItem) -> Bool { a.line == b.line }
    public func hash(into hasher: inout Hasher) { hasher.combine(line) }

    /// The line, without its line feed.
    public var line: [UInt8] {
        var output = Array(#"{"custom_id":"#.utf8)
        JSONString.append(customID, to: &output)
        output += Array(#","id":"#.utf8)
        JSONString.append(id, to: &output)
        output += Array(
            (#","sample":\#(sample),"row":"\#(row)","fingerprint":"\#(fingerprint)","attempts":\#(attempts),"#
                + #""corrections":\#(corrections),"tokens":\#(tokens),"cost_max":\#(costMax),"#
                + #""names_model":\#(namesModel),"rounds":\#(roundsCount),"rounds_cost":\#(roundsNanodollars),"asked":"#)
                .utf8)
        // Stored as a part of an object, unchanged.
        JSONString.append(asked, to: &output)
        if isRetry { output += Array(#","retry":true"#.utf8) }
        output += Array(#","metadata":"#.utf8) + OneLine.text(metadata)
        output += Array(#","path":"#.utf8)
        JSONString.append(request.path, to: &output)
        output += Array(#","body":"#.utf8) + OneLine.text(request.body)
        output.append(UInt8(ascii: "}"))
        return output
    }

    /// Nil if the JSON is not an item line.
    public init?(_ root: JSONValue) {
        func count(_ key: StaticString) -> Int? { root[key]?.int.flatMap { $0 >= 0 ? $0 : nil } }
        guard let customID = root["custom_id"]?.string, let id = root["id"]?.stringBytes,
            let sample = count("sample").flatMap({ UInt32(exactly: $0) }),
            let row = root["row"]?.string.flatMap({ UInt64($0) }),
            let fingerprint = root["fingerprint"]?.string.flatMap({ UInt64($0) }), let attempts = count("attempts"),
            let corrections = count("corrections"), let tokens = count("tokens"), let costMax = count("cost_max"),
            attempts <= BatchNumber.most, corrections <= BatchNumber.most,
            let rounds = count("rounds").flatMap({ UInt32(exactly: $0) }), let roundsCost = count("rounds_cost"),
            let asked = root["asked"]?.stringBytes, let metadata = root["metadata"], let path = root["path"]?.string,
            let body = root["body"]
        else { return nil }
        self.init(
            customID: customID, id: id, sample: sample, row: row, fingerprint: fingerprint, attempts: attempts,
            attemptsBefore: count("attempts_before") ?? 0, corrections: corrections,
            tokens: BatchNumber.clamped(tokens),
            costMax: costMax, namesModel: root["names_model"]?.bool ?? false, roundsCount: rounds,
            roundsNanodollars: roundsCost,
            asked: asked, metadata: Array(metadata.raw), request: ModelRequest(path: path, body: Array(body.raw)))
        isRetry = root["retry"]?.bool ?? false
    }
}
