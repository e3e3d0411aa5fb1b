package import Basics
package import CommandLine
package import Dataset
package import ModelAPI
package import PromptSource
package import ResponseGenerator
import SegmentStore

/// `--n`: several samples of a row with one request.
package enum ChoicesOption {
    package static let option = OptionSpec(
        "n", kind: .integer(1...ChoiceDivision.choicesMax), valueName: "N",
        summary: "N answers from one request (n), each a sample of its own; with --samples S a row has S x N",
        details: """
            The prompt is paid once for N answers, if the server supports n: chat and completions. Each answer is \
            checked by itself and has its part of the tokens and the cost; the parts add up to the bill. Missing and \
            rejected answers are requested again alone. --n may differ from run to run of a store.
            """, group: ParameterOptions.group, default: "1")

    /// Answers per request. Throws if the API does not support it.
    package static func choices(_ command: ParsedCommand, _ endpoint: RequestBuilder.Endpoint) throws(RetortError)
        -> Int
    {
        let count = command.integer("n")
        guard count > 1 else { return 1 }
        func refuse(_ why: String, _ remedy: String) -> RetortError {
            RetortError(.configuration, why, at: command.origin(of: "n"), remedy: remedy)
        }
        guard endpoint.dialect.hasChoices else {
            throw refuse(
                "\(endpoint.dialect.name) has no n: one request has one answer",
                "Give --samples \(count): each sample is a request of its own.")
        }
        if command.stringIfSet("via") == "batch" {
            throw refuse("--n is for live requests, not for --via batch", "Give --samples \(count).")
        }
        if command.isGiven("reuse") || command.isGiven("reuse-from") {
            throw refuse("--n and --reuse do not go together", "Leave one of the two out.")
        }
        if command.isGiven("until-accepted") {
            throw refuse(
                "--n and --until-accepted do not go together", "Give --samples \(count): samples are drawn as needed.")
        }
        guard command.integer("samples") * count <= ParameterOptions.samplesMax else {
            throw refuse(
                "--samples \(command.integer("samples")) times --n \(count) are more than "
                    + "\(ParameterOptions.samplesMax) samples", "Give less of one of the two.")
        }
        return count
    }
}

extension RowPlanner {
    /// Groups the samples of a row into requests for several answers.
    package func share(_ items: inout [Item<ItemContext>], _ prompt: PromptRow, _ row: Row) throws(RetortError) {
        let together = items.indices.filter { items[$0].history == nil }
        var rest = together[...]
        while rest.count > 1 {
            let group = rest.prefix(settings.choices)
            rest = rest.dropFirst(settings.choices)
            guard group.count > 1 else { return }
            let shared = try request(forSamples: group.map { items[$0] }, prompt, row)
            for index in group { items[index].shared = shared }
        }
    }

    /// Checks batch rows against `--n`.
    package func checkChoices(_ shape: PromptRow.Shape) throws(RetortError) {
        guard settings.choices > 1, case .batch = shape else { return }
        throw RetortError(
            .badInput, "a batch row is sent unchanged, so --n does not apply to it",
            remedy: "Give --samples in place of --n: each sample is a request of its own.")
    }

    private func request(
        forSamples items: [Item<ItemContext>], _ prompt: PromptRow, _ row: Row
    ) throws(RetortError) -> SharedRequest {
        let request = ChoiceDivision.request(items[0].request, asking: items.count)
        let limit = prompt.completionTokensMax ?? settings.parameters.completionTokensMax
        return SharedRequest(
            name: Self.name(of: items), request: request, count: items.count,
            estimatedTokens: TokenEstimate.tokens(
                of: request, completionTokensMax: limit.map { $0.multipliedSaturated(by: items.count) }),
            costMax: try settings.pricing.costMax(of: request, price: items[0].context.price, with: splitter) {
                input.place(of: row)
            },
            division: ChoiceDivision(), partsOnFailure: false)
    }

    /// A hash of the items' keys: no two requests with answers on disk are for the same items.
    package static func name(of items: [Item<ItemContext>]) -> UInt64 {
        items.map(\.context.key.hash).withUnsafeBytes { ContentHash.hash64($0) }
    }
}
