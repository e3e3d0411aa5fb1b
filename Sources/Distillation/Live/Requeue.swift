package import Basics
package import Dataset
import JSONText
package import ModelAPI
package import ResponseGenerator
package import SegmentStore

/// `ctl DIR requeue ID`: finds failed items to send again during the run. Any thread.
package struct Requeue: Sendable {
    package let settings: RunSettings
    package let store: RecordStore
    package let issued: IssuedKeys
    package let verifier: RunVerifier?

    /// A failed item that can be sent again.
    package struct Found: Sendable {
        package var item: Item<ItemContext>
        package var failureClass: FailureClass
    }

    /// The failed samples of a row. Each is returned once until it has an outcome.
    ///
    /// Throws `.configuration` with the reason if there is nothing to send again.
    package func take(_ id: String) throws(RetortError) -> [Found] {
        let reader = try StoreReader(store.root, options: StoreAccess.options(reading: store))
        let prior = try PriorRounds(of: store, settings.generator.classifier, verifier: verifier)
        let told = try ToldSchema(settings, of: store.manifest)
        let parser = JSONParser()
        var found: [Found] = []
        var answered = 0
        var underWay = 0
        for sample in 0..<UInt32(clamping: store.manifest.samples) {
            let key = RecordKey(id: Array(id.utf8), sample: sample)
            if issued.contains(key.hash) {
                underWay += 1
                continue
            }
            guard let record = try reader.record(key) else { continue }
            guard let className = record.head.failureClass else {
                answered += 1
                continue
            }
            guard let failureClass = FailureClass(rawValue: className),
                failureClass != .badInput
            else {
                throw RetortError(
                    .configuration, "the row of this item is bad, so there is no request to send again",
                    at: RunRecord.cut(id), remedy: "Correct the row, then run with --on-change rerun.")
            }
            var item = try FailedItems.item(
                record, nil, told: told, settings.pricing, parser, model: settings.parameters.model)
            if let prior { item.history = ItemHistory(rounds: try prior.soFar(key)) }
            guard issued.insert(key.hash, row: record.head.row) == nil else { continue }
            found.append(Found(item: item, failureClass: failureClass))
        }
        guard found.isEmpty else { return found }
        let reason =
            answered > 0
            ? "the item has an answer"
            : underWay > 0 ? "the item is in flight, or waits for a retry" : "no such item yet"
        throw RetortError(
            .configuration, reason, at: RunRecord.cut(id),
            remedy: answered > 0
                ? "An answer is not requested twice; --on-change rerun sends rows again that have changed."
                : "`requeue` is for items that have failed; ids are compared byte by byte.")
    }
}
