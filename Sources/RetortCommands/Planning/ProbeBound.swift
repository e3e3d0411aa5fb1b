import Basics
import JSONText
import ModelAPI
import SegmentStore

/// What `--schema-by auto` asks before the first item, at most.
struct ProbeBound: Hashable {
    var requests: Int
    var nanodollars: Int?
    /// Of all answers; nil where they have no bound.
    var tokens: Int?

    var bound: (nanodollars: Int?, tokens: Int)? { tokens.map { (nanodollars, $0) } }

    /// Nil where the server is not probed: it is said how it is told, or the store knows.
    init?(_ settings: RunSettings, _ manifest: StoreManifest) throws(RetortError) {
        guard settings.check != nil, settings.telling.means == nil, FoundMeans(of: manifest, for: settings) == nil
        else { return nil }
        let requests = try SchemaProbe.requests(settings)
        self.requests = requests.count
        let bounds = requests.map { settings.pricing.bound(of: $0, with: JSONParser()) }
        tokens = bounds.reduce(0) { sum, one in sum.flatMap { sum in one.map { sum.addingSaturated($0.tokens) } } }
        nanodollars = bounds.reduce(0) { sum, one in
            sum.flatMap { sum in one?.nanodollars.map { sum.addingSaturated($0) } }
        }
    }
}
