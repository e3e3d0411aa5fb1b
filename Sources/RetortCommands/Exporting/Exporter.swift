import Basics
import JSONText
import SegmentStore

/// Which records an export takes.
struct ExportFilter {
    var finishReasons: Set<String> = []
    /// The model as the record names it.
    var model: String?
    var charactersMin: Int?
    var charactersMax: Int?

    /// Throws why the record is left out.
    func check(_ record: ExportedRecord) throws(LeftOut) {
        if !finishReasons.isEmpty, !finishReasons.contains(record.finishReason) { throw .finish }
        if let model, record.root["model"]?.string != model { throw .model }
        guard charactersMin != nil || charactersMax != nil else { return }
        let characters = record.responseCharacters
        if let charactersMin, characters < charactersMin { throw .short }
        if let charactersMax, characters > charactersMax { throw .long }
    }
}

/// Streams the successes of a store into one file, or into a training and a test file.
struct Exporter {
    var filter: ExportFilter
    var renderer: ExportRenderer
    /// The share of ids that goes to `test`.
    var testFraction = 0.0
    let output: OutputFile
    let test: OutputFile?

    struct Report {
        var written = 0
        var writtenToTest = 0
        var leftOut: [LeftOut: Int] = [:]
        var damage: [Damage] = []
    }

    /// Memory is one block of records, whatever the store's size. Nothing is given its name before all is written.
    func run(_ reader: StoreReader) throws(RetortError) -> Report {
        var report = Report()
        let parser = JSONParser()
        func take(_ record: StoredRecord) throws(RetortError) {
            guard let root = try? parser.parse(record.line).root else {
                throw RetortError(
                    .damagedData, "the record of \(record.head.key) is not JSON", at: reader.root,
                    remedy: "Run `retort verify --deep` to see what else is damaged.")
            }
            switch line(ExportedRecord(root)) {
            case .failure(let reason): report.leftOut[reason, default: 0] += 1
            case .success(let line):
                if let test, Self.isTest(record.head.key.id, fraction: testFraction) {
                    report.writtenToTest += 1
                    try test.line(line)
                } else {
                    report.written += 1
                    try output.line(line)
                }
            }
        }
        var damage: [Damage] = []
        try reader.forEach(.responses, onDamage: { damage.append($0) }, take)
        report.damage = damage
        try output.finish()
        try test?.finish()
        return report
    }

    private func line(_ record: ExportedRecord) -> Result<[UInt8], LeftOut> {
        do throws(LeftOut) {
            try filter.check(record)
            return .success(try renderer.line(record))
        } catch {
            return .failure(error)
        }
    }

    /// Whether an id belongs to the test part: decided by its hash alone, so that all samples of an id stay together
    /// and a later export of a grown store decides the same.
    static func isTest(_ id: [UInt8], fraction: Double) -> Bool {
        let hash = id.withUnsafeBytes { ContentHash.hash64($0, seed: splitSeed) }
        return Double(hash >> 11) * 0x1p-53 < fraction
    }

    /// Apart from the seeds of the store's keys.
    private static let splitSeed: UInt64 = 0x7370_6C69_7400_0001
}
