public import Basics

/// What an option or an operand accepts, which determines how its text is parsed, shown and completed.
public indirect enum ValueKind: Sendable, Hashable {
    /// No value: the option is given or not.
    case flag
    /// Any text.
    case string
    /// A path; completed as a file name, not checked.
    case path
    /// One of these words.
    case choice([String])
    /// A decimal integer within a range.
    case integer(ClosedRange<Int>)
    /// A decimal number within a range.
    case number(ClosedRange<Double>)
    /// A count of bytes: `4096`, `128K`, `1GiB` (powers of 1024) or `1GB` (powers of 1000).
    case size(ClosedRange<Int>)
    /// A length of time with its unit: `200ms`, `30s`, `1h30m`.
    case duration(ClosedRange<Interval>)
    /// One of these words, or else a value of the other kind: `auto` or an integer.
    case either([String], or: ValueKind)
    /// A decimal integer within a range, or else a value of the other kind: items or a length of time.
    case count(ClosedRange<Int>, or: ValueKind)
    /// Several values: the option may be repeated, and each text may contain several, separated by commas.
    case list(ValueKind)
    /// Several values, one each time the option is given; commas are part of the value.
    case repeated(ValueKind)

    /// Any duration that is not negative.
    public static let anyDuration = ValueKind.duration(.zero ... .longest)

    /// Whether the option has a value.
    public var takesValue: Bool { self != .flag }

    /// The kind of a list's elements; the kind itself if it is not a list.
    public var element: ValueKind {
        switch self {
        case .list(let element), .repeated(let element): element
        default: self
        }
    }

    /// Whether the option collects values instead of keeping the last one.
    public var isList: Bool {
        switch self {
        case .list, .repeated: true
        default: false
        }
    }

    /// The words permitted for this kind, for completion and help; empty if any text is.
    public var words: [String] {
        switch self {
        case .choice(let words): words
        case .either(let words, or: let other): words + other.words
        case .count(_, or: let other): other.words
        case .list(let element), .repeated(let element): element.words
        default: []
        }
    }

    /// Whether file names should be offered for completion.
    public var isPath: Bool {
        switch self {
        case .path: true
        case .either(_, or: let other), .count(_, or: let other): other.isPath
        case .list(let element), .repeated(let element): element.isPath
        default: false
        }
    }

    /// The default name of a value of this kind in help: `N`, `SIZE`, `WORD|WORD`.
    public var placeholder: String {
        switch self {
        case .flag: ""
        case .string: "TEXT"
        case .path: "PATH"
        case .choice(let words): words.joined(separator: "|")
        case .integer, .number: "N"
        case .size: "SIZE"
        case .duration: "DURATION"
        case .either(let words, or: let other): (words + [other.placeholder]).joined(separator: "|")
        case .count(_, or: let other): "N|\(other.placeholder)"
        case .list(let element): element.placeholder + ",..."
        case .repeated(let element): element.placeholder
        }
    }
}
