import Basics
package import Dataset
package import JSONText
import ModelAPI
package import PromptSource
package import SegmentStore

/// Decides which rows belong to a shard. The result depends on the row alone, so that all shards agree. Used by one
/// thread.
package struct ShardSieve {
    package let shard: Shard
    private let endpoint: RequestBuilder.Endpoint
    private let parser: PromptParser
    private let scheme: RowScheme
    private let splitter: JSONParser

    package init(
        _ shard: Shard, _ settings: RunSettings, _ parser: PromptParser, _ scheme: RowScheme, _ splitter: JSONParser
    ) {
        self.shard = shard
        endpoint = settings.endpoint
        self.parser = parser
        self.scheme = scheme
        self.splitter = splitter
    }

    /// The same with a parser of its own.
    package init(_ shard: Shard, _ settings: RunSettings, _ input: InputSet, _ scheme: RowScheme) {
        let parser = PromptParser(
            input, template: settings.template, metadataOnly: settings.metadataOnly, sendsMembers: scheme == .values)
        self.init(shard, settings, parser, scheme, JSONParser())
    }

    /// For a valid row: by its id, or by its prompt, so that identical rows are in one shard.
    package func takes(_ prompt: PromptRow) -> Bool {
        if let id = prompt.explicitID { return shard.contains(Shard.hash(of: id)) }
        let asked = AskedMembers.members(prompt.shape, endpoint: endpoint, with: splitter)
        let hash = AskedMembers.hash(asked, prompt.members, scheme, with: splitter)
        return shard.contains(Shard.hash(of: GeneratedNames.name(hash, 0, "")))
    }

    /// For a malformed row: by its id if that can be read, or by its text.
    package func takes(badRow row: Row) -> Bool {
        let text = row.readableID(with: splitter) ?? Array(row.excerpt)
        return shard.contains(Shard.hash(of: text))
    }

    package func takes(_ row: Row) -> Bool {
        guard let prompt = try? parser.parse(row) else { return takes(badRow: row) }
        return takes(prompt)
    }
}
