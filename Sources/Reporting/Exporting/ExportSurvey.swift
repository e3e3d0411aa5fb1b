package import Basics
import JSONText
package import SegmentStore

/// A first pass over everything that will be exported: finds the members that lines need, and the records that must
/// come first.
///
/// Readers take a member's type from the first lines they see. So for each member that some lines lack, a line that has
/// it comes first in each of the files; the others have null there.
package struct ExportSurvey {
    package private(set) var columns = ExportColumns()
    /// The records that come first, in order.
    package private(set) var first: [StoredRecord] = []
    /// Their indexes in the order of reading.
    package private(set) var places: Set<Int> = []

    private struct Column: Hashable {
        /// The column's number; fields come after members.
        var number: Int
        var isTest: Bool
    }

    /// Reads each record of the store once, unless the format has no such members.
    package init(_ exporter: Exporter, _ stores: ExportedStores) throws(RetortError) {
        let renderer = exporter.renderer
        var hasFields = false
        if case .fields(let names) = renderer.metadata {
            hasFields = true
            columns.metadata = names.map { _ in ValueColumn() }
        }
        let isTable = renderer.container != .lines
        if isTable, renderer.format == .json { columns.values = renderer.declared }
        let needsNone = !isTable && renderer.format == .json || renderer.format == .alpaca || renderer.format == .text
        if !hasFields, needsNone { return }
        var seen: Set<Column> = []
        var ordinal = 0
        var survey = self
        func look(_ stored: StoredRecord) throws(RetortError) {
            defer { ordinal += 1 }
            let record = try exporter.parsed(stored)
            guard let prepared = try? exporter.prepare(record) else { return }
            if isTable, let value = prepared.value { try survey.columns.values.note(value) }
            let isTest = exporter.isTest(stored)
            let found = survey.note(prepared).filter { seen.insert(Column(number: $0, isTest: isTest)).inserted }
            guard !found.isEmpty else { return }
            survey.first.append(stored)
            survey.places.insert(ordinal)
        }
        try stores.forEachAnswer(onDamage: { _ in }, look)
        self = survey
    }

    /// The numbers of the columns in which a record has a value.
    private mutating func note(_ prepared: ExportRenderer.Prepared) -> [Int] {
        let members = prepared.columns
        columns.members.formUnion(members)
        var numbers = members.map(\.rawValue)
        for (index, value) in prepared.fields.enumerated() {
            guard let value, value.kind != .null else { continue }
            columns.metadata[index].note(value)
            numbers.append(ExportColumn.allCases.count + index)
        }
        return numbers
    }
}
