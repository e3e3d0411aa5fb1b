package import Basics
package import Dataset
import JSONText
import ModelAPI
package import PromptSource
package import ResponseGenerator
import SegmentStore

/// Rows that wait for others to share a request with. A value; rows share a request only if everything except their own
/// text is equal.
package struct RowGroups {
    /// What rows of one request have in common.
    package struct Key: Hashable {
        /// A hash of the text around the rows and of their other parameters.
        package var hash: UInt64
        /// The samples of a row are different items.
        package var sample: UInt32
    }

    package struct Member {
        package var item: Item<ItemContext>
        package var prompt: PromptRow
        /// For messages.
        package var place: String
    }

    private let count: Int
    private var open: [Key: [Member]] = [:]
    /// In the order in which they were opened.
    private var order: [Key] = []
    private var bytes = 0

    /// Maximum open groups, and bytes of their rows' requests; beyond that, the oldest is sent as it is.
    package static let openMax = 256
    package static let bytesMax = 16 << 20

    package init(count: Int) { self.count = count }

    /// Adds a row. Returns the groups that are sent now.
    package mutating func take(_ member: Member, _ key: Key) -> [[Member]] {
        if open[key] == nil { order.append(key) }
        open[key, default: []].append(member)
        bytes += member.item.request.body.count
        var done: [[Member]] = []
        if open[key]?.count == count { done.append(remove(key)) }
        while order.count > Self.openMax || bytes > Self.bytesMax, let oldest = order.first {
            done.append(remove(oldest))
        }
        return done
    }

    /// All open groups.
    package mutating func takeAll() -> [[Member]] {
        var all: [[Member]] = []
        while let oldest = order.first { all.append(remove(oldest)) }
        return all
    }

    private mutating func remove(_ key: Key) -> [Member] {
        order.removeAll { $0 == key }
        let members = open.removeValue(forKey: key) ?? []
        bytes -= members.reduce(0) { $0 + $1.item.request.body.count }
        return members
    }
}

extension RowPlanner {
    /// Throws for a row that cannot share a request. Parameters that describe the whole answer cannot be supported.
    package func checkItem(_ prompt: PromptRow) throws(RetortError) {
        guard settings.items != nil else { return }
        let unheeded = prompt.members.first { ["tools", "tool_choice", "response_format"].contains($0.name) }
        var what = unheeded.map { "a row with \($0.name)" }
        if prompt.remarks.contains(.isRecord) { what = "a record of a store" }
        if !sharesTemplate, NumberedPrompt(prompt.shape, with: splitter) == nil {
            what = "a row that is more than one text of the user, behind one of the system,"
        }
        guard let what else { return }
        throw RetortError(
            .badInput, "\(what) cannot share a prompt with others",
            remedy: "Leave --items-per-request out for such rows.")
    }

    /// Whether the template itself describes several rows.
    package var sharesTemplate: Bool { settings.template?.loopsOverItems ?? false }

    /// Holds items back until there are enough for a request. Returns those that are sent now.
    package func grouped(
        _ items: [Item<ItemContext>], _ prompt: PromptRow, _ row: Row
    ) throws(RetortError) -> [Item<ItemContext>] {
        var ready: [Item<ItemContext>] = []
        for item in items {
            guard item.history == nil else {
                ready.append(item)
                continue
            }
            let key = RowGroups.Key(hash: groupHash(prompt), sample: item.context.key.sample)
            let member = RowGroups.Member(item: item, prompt: prompt, place: input.place(of: row))
            for group in groups.take(member, key) { ready += try together(group) }
        }
        return ready
    }

    /// The items that no other row has joined.
    package func takeOpen() throws(RetortError) -> [Item<ItemContext>] {
        var ready: [Item<ItemContext>] = []
        for group in groups.takeAll() { ready += try together(group) }
        return ready
    }

    private func groupHash(_ prompt: PromptRow) -> UInt64 {
        var text: [UInt8] = []
        if sharesTemplate {
            text = parser.surroundings(ofItem: prompt.text, count: settings.items?.count ?? 1)
        } else {
            for turn in NumberedPrompt(prompt.shape, with: splitter)?.lead ?? [] { text += turn + [0] }
        }
        for member in prompt.members { text += Array(member.name.utf8) + [0] + member.value + [0] }
        return text.withUnsafeBytes { ContentHash.hash64($0) }
    }

    /// The items of one request; separate items if they cannot be combined.
    private func together(_ group: [RowGroups.Member]) throws(RetortError) -> [Item<ItemContext>] {
        var items = group.map(\.item)
        guard items.count > 1, let option = settings.items, let request = request(for: group, option) else {
            return items
        }
        let (price, place) = (items[0].context.price, group[0].place)
        let shared = SharedRequest(
            name: Self.name(of: items), request: request, count: items.count,
            estimatedTokens: TokenEstimate.tokens(of: request, completionTokensMax: limit(of: group)),
            costMax: try settings.pricing.costMax(of: request, price: price, with: splitter) { place },
            division: ArrayDivision(splitsThinking: settings.splitsThinking, repairs: option.repairs),
            partsOnFailure: true)
        for index in items.indices { items[index].shared = shared }
        return items
    }

    /// The maximum length of an answer to all of them; nil if there is no limit.
    private func limit(of group: [RowGroups.Member]) -> Int? {
        (group[0].prompt.completionTokensMax ?? settings.parameters.completionTokensMax)?
            .multipliedSaturated(by: group.count)
    }

    private func request(for group: [RowGroups.Member], _ option: ItemsOption) -> ModelRequest? {
        let shape: PromptRow.Shape?
        if sharesTemplate {
            shape = try? parser.shape(ofItems: group.map(\.prompt.text))
        } else {
            let prompts = group.compactMap { NumberedPrompt($0.prompt.shape, with: splitter) }
            shape = prompts.count == group.count ? NumberedPrompt.together(prompts) : nil
        }
        guard let shape else { return nil }
        var members = group[0].prompt.members.map { BodyMember(name: $0.name, value: $0.value) }
        if let limit = limit(of: group) {
            let names = ["max_tokens", "max_completion_tokens"]
            let own = members.first { names.contains($0.name) }?.name
            members.removeAll { names.contains($0.name) }
            let name = own ?? (settings.parameters.maxCompletionTokens == nil ? names[0] : names[1])
            members.append(BodyMember(name: name, value: Array(String(limit).utf8)[...]))
        }
        guard let request = try? settings.builder.request(requestInput(shape), members: members, with: splitter) else {
            return nil
        }
        return AddedInstructions.request(
            request, saying: option.demand(group.count), in: settings.builder.dialect, with: splitter)
    }
}
