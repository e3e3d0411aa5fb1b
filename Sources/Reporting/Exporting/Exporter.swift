package import Basics
import Dataset
import JSONText
package import SegmentStore

/// Which records are exported.
package struct ExportFilter {
    package var finishReasons: Set<String> = []
    /// The model as named in the record.
    package var model: String?
    package var charactersMin: Int?
    package var charactersMax: Int?
    /// By conditions, verdicts and other samples; nil: no such selection.
    package var selection: ExportSelection?

    package init(
        finishReasons: Set<String> = [], model: String? = nil, charactersMin: Int? = nil, charactersMax: Int? = nil,
        selection: ExportSelection? = nil
    ) {
        self.finishReasons = finishReasons
        self.model = model
        self.charactersMin = charactersMin
        self.charactersMax = charactersMax
        self.selection = selection
    }

    /// Throws the reason why the record is left out.
    package func check(_ record: ExportedRecord) throws(LeftOut) {
        if !finishReasons.isEmpty, !finishReasons.contains(record.finishReason) { throw .finish }
        if let model, record.view.text(.model) != model { throw .model }
        try selection?.check(record.view)
        guard charactersMin != nil || charactersMax != nil else { return }
        let characters = record.responseCharacters
        if let charactersMin, characters < charactersMin { throw .short }
        if let charactersMax, characters > charactersMax { throw .long }
    }
}

/// Streams the successes of a store into one file, or into a training and a test file.
package struct Exporter {
    package var filter: ExportFilter
    package var renderer: ExportRenderer
    /// The share of ids in the test part.
    package var testFraction = 0.0
    package let output: OutputFile
    package let test: OutputFile?

    package init(
        filter: ExportFilter, renderer: ExportRenderer, testFraction: Double = 0.0, output: OutputFile,
        test: OutputFile?
    ) {
        self.filter = filter
        self.renderer = renderer
        self.testFraction = testFraction
        self.output = output
        self.test = test
    }

    package struct Report {
        package var written = 0
        package var writtenToTest = 0
        package var leftOut: [LeftOut: Int] = [:]
        /// Records in which an unpaired surrogate was replaced, now or when they were written.
        package var replaced = 0
        /// Lines without members that no format supports, and the names of those.
        package var reduced = 0
        package var reducedNames: Set<String> = []
        package var damage: [Damage] = []
    }

    /// Maximum names of lost members that are shown.
    package static let reducedNamesMax = 8

    package func run(_ reader: StoreReader) throws(RetortError) -> Report { try run(ExportedStores(reader)) }

    /// Memory is one block of records, whatever the store's size. Files get their final names only after everything is
    /// written.
    package func run(_ stores: ExportedStores) throws(RetortError) -> Report {
        var report = Report()
        let survey = try ExportSurvey(self, stores)
        let sinks = try sinks(survey.columns)
        for line in survey.first { try self.take(line, survey.columns, sinks, &report) }
        var ordinal = 0
        var damage: [Damage] = []
        func take(_ record: StoredRecord) throws(RetortError) {
            defer { ordinal += 1 }
            if !survey.places.contains(ordinal) { try self.take(record, survey.columns, sinks, &report) }
        }
        try stores.forEachAnswer(onDamage: { damage.append($0) }, take)
        report.damage = damage
        try sinks.output.finish()
        try sinks.test?.finish()
        return report
    }

    private typealias Sinks = (output: ExportSink, test: ExportSink?)

    private func sinks(_ columns: ExportColumns) throws(RetortError) -> Sinks {
        let container = renderer.container
        let table = container == .lines ? [] : try renderer.table(columns)
        let test = try test.map { file throws(RetortError) in try ExportSink(file, container, columns: table) }
        return (try ExportSink(output, container, columns: table), test)
    }

    private func take(
        _ stored: StoredRecord, _ columns: ExportColumns, _ sinks: Sinks, _ report: inout Report
    ) throws(RetortError) {
        let record = try parsed(stored)
        let prepared: ExportRenderer.Prepared
        var line: [UInt8]
        do throws(LeftOut) {
            prepared = try prepare(record)
            line = try renderer.line(prepared, columns)
        } catch {
            report.leftOut[error, default: 0] += 1
            return
        }
        if JSONString.hasLoneSurrogate(line[...]) {
            var clean: [UInt8] = []
            JSONString.appendReplacingLoneSurrogates(line[...], to: &clean)
            line = clean
            report.replaced += 1
        } else if record.hasReplacedText {
            report.replaced += 1
        }
        let dropped = prepared.dropped
        if !dropped.isEmpty {
            report.reduced += 1
            report.reducedNames.formUnion(dropped.prefix(max(0, Self.reducedNamesMax - report.reducedNames.count)))
        }
        if let test = sinks.test, isTest(stored) {
            report.writtenToTest += 1
            try test.take(line)
        } else {
            report.written += 1
            try sinks.output.take(line)
        }
    }

    package func parsed(_ stored: StoredRecord) throws(RetortError) -> ExportedRecord {
        guard let root = try? renderer.parser.parse(stored.line).root else {
            throw RetortError(
                .damagedData, "the record of \(stored.head.key) is not JSON",
                remedy: "Run `retort verify --deep` to see what else is damaged.")
        }
        return ExportedRecord(root)
    }

    /// Throws the reason why the record is not exported.
    package func prepare(_ record: ExportedRecord) throws(LeftOut) -> ExportRenderer.Prepared {
        try filter.check(record)
        return try renderer.prepare(record)
    }

    /// Whether the record belongs to the test part.
    package func isTest(_ record: StoredRecord) -> Bool {
        test != nil && Self.isTest(record.head.key.id, fraction: testFraction)
    }

    /// Whether an id belongs to the test part: decided by its hash alone, so that all samples of an id stay together
    /// and a later export of a grown store decides the same.
    package static func isTest(_ id: [UInt8], fraction: Double) -> Bool {
        let hash = id.withUnsafeBytes { ContentHash.hash64($0, seed: splitSeed) }
        return Double(hash >> 11) * 0x1p-53 < fraction
    }

    /// Different from the seeds of the store's keys.
    private static let splitSeed: UInt64 = 0x7370_6C69_7400_0001
}
