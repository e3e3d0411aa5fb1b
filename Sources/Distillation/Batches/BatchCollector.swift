package import Basics
package import BatchDelivery
import HTTPTransport
import JSONText
import ModelAPI
import ResponseGenerator
import SegmentStore

/// Maps each item of a batch to its position in the file of items. Eight bytes per item, while the batch is collected.
package struct BatchItemIndex {
    private let reader: LineReader
    private var places: [(offset: Int, bytes: Int)] = []
    private let parser = JSONParser()

    package init(_ path: String, expecting count: Int) throws(RetortError) {
        reader = try LineReader(path)
        places.reserveCapacity(min(count, 1 << 20))
        while let (offset, line) = try reader.next() { places.append((offset, line.count)) }
        guard places.count == count else {
            throw Self.damaged(path, "it has \(places.count) lines in place of \(count)")
        }
    }

    package static func damaged(_ path: String, _ cause: String) -> RetortError {
        RetortError(
            .damagedData, "the file of a batch's items is damaged", at: path, cause: cause,
            remedy: "Put the file back as it was: the batch's answers belong to these items.")
    }

    package var count: Int { places.count }

    package func item(_ number: Int) throws(RetortError) -> BatchItem {
        let (offset, bytes) = places[number]
        let line = try reader.line(at: offset, bytes: bytes)
        guard let root = try? parser.parse(line).root, let item = BatchItem(root) else {
            throw Self.damaged("item \(number + 1)", "the line is not an item")
        }
        return item
    }

    /// The first item of a batch; nil if it has none.
    package static func first(_ path: String) throws(RetortError) -> BatchItem? {
        guard let (_, line) = try LineReader(path).next(), let root = try? JSONParser().parse(line).root else {
            return nil
        }
        return BatchItem(root)
    }

    /// Reads a batch's items one after another.
    package static func forEach(
        _ path: String, _ visit: (BatchItem) throws(RetortError) -> Void
    ) throws(RetortError) {
        let parser = JSONParser()
        let reader = try LineReader(path)
        while let (_, line) = try reader.next() {
            guard let root = try? parser.parse(line).root, let item = BatchItem(root) else {
                throw damaged(path, "a line is not an item")
            }
            try visit(item)
        }
    }
}

extension LineReader {
    /// A result longer than any permitted answer is treated as missing.
    package convenience init(ofResults path: String) throws(RetortError) {
        try self.init(path, lineBytesMax: LineReader.resultBytesMax, skipsLonger: true)
    }
}

/// A first pass over a batch's result files: finds out which of its lines are there.
package struct BatchResultSurvey {
    package private(set) var isThere: [Bool]
    /// Lines that name a request of another batch.
    package private(set) var foreign = 0
    package private(set) var own = 0
    /// Whether a line has an answer with a 2xx status.
    package private(set) var hasSuccess = false

    /// Nil if it was interrupted.
    package init?(
        _ files: [String], mark: String, count: Int, _ dialect: any BatchDialect, isStopping: () -> Bool
    ) throws(RetortError) {
        isThere = Array(repeating: false, count: count)
        let parser = JSONParser()
        for file in files {
            let reader = try LineReader(ofResults: file)
            while let (_, line) = try reader.next() {
                if isStopping() { return nil }
                // A truncated or invalid line is treated as missing.
                guard let root = try? parser.parse(line).root, let result = dialect.result(root) else { continue }
                guard let number = CustomID.number(result.customID, mark: mark), number < count else {
                    foreign += 1
                    continue
                }
                own += 1
                if case .reply(200, _) = result.kind { hasSuccess = true }
                isThere[number] = true
            }
        }
    }

    package var isWhole: Bool { isThere.allSatisfy { $0 } }
    package var isForeign: Bool { own == 0 && foreign > 0 }
}
