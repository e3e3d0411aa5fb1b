/// Sentences with placeholders and the alternatives that fill them, stored as flat bytes: a choice is one draw and one
/// copy.
struct Grammar {
    /// A list of alternatives, concatenated.
    private struct Pool {
        private var bytes: [UInt8] = []
        private var ends: [Int] = [0]

        init(_ alternatives: [String]) {
            for alternative in alternatives {
                bytes += Array(alternative.utf8)
                ends.append(bytes.count)
            }
        }

        func append(_ random: inout SplitMix64, to output: inout [UInt8]) {
            let choice = random.below(ends.count - 1)
            output.append(contentsOf: bytes[ends[choice]..<ends[choice + 1]])
        }
    }

    private enum Part {
        case literal([UInt8])
        case pool(Int)
        /// A word quoted from the prompt.
        case word
    }

    private let pools: [Pool]
    private let sentences: [[Part]]
    /// Used when the prompt has no word to quote.
    private let wordless: Pool

    /// `sentences` contain `$x`, where `x` is a key of `pools`, or `$w` for a word of the prompt.
    init(sentences: [String], pools: [Character: [String]], wordless: [String]) {
        let keys = pools.keys.sorted()
        self.pools = keys.map { Pool(pools[$0]!) }
        self.wordless = Pool(wordless)
        self.sentences = sentences.map { sentence in
            var parts: [Part] = []
            for (index, piece) in sentence.split(separator: "$", omittingEmptySubsequences: false).enumerated() {
                var text = piece
                if index > 0 {
                    let key = text.removeFirst()
                    if key == "w" {
                        parts.append(.word)
                    } else {
                        guard let pool = keys.firstIndex(of: key) else { preconditionFailure("no pool \(key)") }
                        parts.append(.pool(pool))
                    }
                }
                if !text.isEmpty { parts.append(.literal(Array(text.utf8))) }
            }
            return parts
        }
    }

    /// Appends one sentence without a space after it.
    func appendSentence(quoting words: [ArraySlice<UInt8>], _ random: inout SplitMix64, to output: inout [UInt8]) {
        for part in sentences[random.below(sentences.count)] {
            switch part {
            case .literal(let text): output.append(contentsOf: text)
            case .pool(let index): pools[index].append(&random, to: &output)
            case .word: appendWord(words, &random, to: &output)
            }
        }
    }

    func appendWord(_ words: [ArraySlice<UInt8>], _ random: inout SplitMix64, to output: inout [UInt8]) {
        if words.isEmpty {
            wordless.append(&random, to: &output)
        } else {
            output.append(contentsOf: words[random.below(words.count)])
        }
    }
}

extension Grammar {
    /// Explanatory English in a teacher's tone.
    static let prose = Grammar(
        sentences: [
            "$O, $w $v $o.",
            "$O, $w $v $o, $b.",
            "The $a $n of $w $v $o.",
            "The $n behind \"$w\" is $a: it $v $o, $b.",
            "$O, the $n $v $o, and $w follows from that.",
            "Note that $w is not the same as $w; the $a $n $v $o.",
            "Consider $w first: $o $p, $b.",
            "If the $n of $w $p, then $o $p as well.",
            "A $a $n helps here: take $w, look at $o, and compare the two.",
            "This is why $w $v $o.",
            "$O, one can ask whether $w really $v $o; in most cases it does, $b.",
            "- $w: a $a $n that $v $o",
        ],
        pools: [
            "O": [
                "First", "In practice", "More precisely", "As a rule", "At the same time", "By contrast", "In short",
                "Historically", "From another side", "Step by step", "Seen more closely", "To begin with",
                "For this reason", "In the simplest case", "Taken together", "On the other hand",
            ],
            "a": [
                "central", "simple", "hidden", "practical", "common", "formal", "subtle", "useful", "first",
                "remaining",
                "familiar", "strict", "gradual", "typical", "small", "weak", "decisive", "measured",
            ],
            "n": [
                "idea", "structure", "reason", "meaning", "limit", "cost", "example", "rule", "history", "pattern",
                "question", "definition", "measure", "mechanism", "balance", "argument", "assumption", "result",
            ],
            "v": [
                "depends on", "explains", "changes", "rests on", "is bounded by", "makes room for", "can be reduced to",
                "is easy to confuse with", "leads to", "is older than", "competes with", "adds little to",
                "is measured against", "gives meaning to", "is independent of",
            ],
            "o": [
                "the order of the steps", "what was known before", "the units that are used", "a small set of cases",
                "the way the parts fit together", "the reader's own examples", "the choice of a baseline",
                "how often it is repeated", "a single observation", "the shape of the data", "its weakest link",
                "the evidence at hand", "both sides of the equation", "the number of participants",
                "the place where it begins", "what we are willing to assume",
            ],
            "b": [
                "because nothing else constrains it", "which is easy to check by hand", "although exceptions exist",
                "so the two should be kept apart", "as a short calculation shows", "provided that the inputs are sound",
                "and the difference grows with time", "even when the numbers are small",
                "which beginners often overlook", "since each part can be tested alone",
                "unless the context says otherwise", "and that is the point of the exercise",
            ],
            "p": [
                "stays the same", "grows slowly", "matters less", "can be ignored", "must be stated", "becomes visible",
                "is worth a second look", "turns out to be enough", "decides the matter", "has to be estimated",
            ],
        ],
        wordless: ["the subject", "the task", "this approach", "the material", "the input", "such a case"])
}
