package import Basics
import Dataset
import JSONText
import ModelAPI
package import SegmentStore

/// The maximum that `--schema-by auto` sends before the first item.
package struct ProbeBound: Hashable {
    package var requests: Int
    package var nanodollars: Int?
    /// Tokens of all answers; nil if unbounded.
    package var tokens: Int?

    package var bound: (nanodollars: Int?, tokens: Int)? { tokens.map { (nanodollars, $0) } }

    /// Nil if the server is not probed: the means are given, or the store knows them.
    package init?(_ settings: RunSettings, _ manifest: StoreManifest) throws(RetortError) {
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
