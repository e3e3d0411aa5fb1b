public import Basics
internal import JSONText

/// All combinations of several lists, as rows of an input that are generated while reading. The combinations take no
/// memory, whatever their number, and reading can begin at any of them.
///
/// A row is an object with the combination's values, `copy` if a combination has several rows, `draw` if combinations
/// are drawn, and an `id` built from these.
public final class Matrix: Sendable, Hashable {
    /// One list.
    public struct Axis: Sendable, Hashable {
        /// The field name in the rows.
        public var name: String
        /// JSON values, all different.
        public var values: [[UInt8]]
        /// The relative frequency of each value when combinations are drawn; nil: equal.
        public var weights: [Double]?

        public init(name: String, values: [[UInt8]], weights: [Double]? = nil) {
            self.name = name
            self.values = values
            self.weights = weights
        }
    }

    /// A condition: for some axes, the indexes of the values that match. A combination matches when all these axes
    /// match.
    public struct Rule: Sendable, Hashable {
        public var matches: [Int: Set<Int>]

        public init(matches: [Int: Set<Int>]) { self.matches = matches }
    }

    /// Maximum values of one axis.
    public static let valuesMax = 1 << 20
    public static let axesMax = 32
    /// Maximum rows of a matrix.
    public static let rowsMax: UInt64 = 1 << 53
    /// Fields that the matrix generates.
    public static let ownFields: Set<String> = ["id", "custom_id", "uid", "copy", "draw"]

    public let axes: [Axis]
    /// Combinations that have no rows.
    let excluded: [Rule]
    /// If not empty, only combinations that match one of these rules have rows.
    let wanted: [Rule]
    let copies: UInt64
    /// Combinations to draw; nil: each combination occurs once.
    let draws: UInt64?
    let seed: UInt64
    /// Identifies the matrix among others.
    let identity: Hash128
    /// For each axis, the number of consecutive combinations that share one of its values.
    private let strides: [UInt64]
    private let sums: [[Double]]
    /// For each axis, the texts that look like another of its values, such as "1" and 1.
    private let lookalikes: [Set<Int>]

    /// The number of combinations before exclusion.
    public let combinations: UInt64

    /// Throws `.configuration` when there are no rows or too many.
    ///
    /// - Parameters:
    ///   - copies: rows per combination, minimum 1.
    ///   - draws: how many combinations are drawn, independently of each other; nil: all of them, with the last axis
    ///     varying fastest.
    ///   - seed: determines the draws.
    public init(
        _ axes: [Axis], excluding excluded: [Rule] = [], only wanted: [Rule] = [], copies: Int = 1, draws: Int? = nil,
        seed: Int = 1
    ) throws(RetortError) {
        precondition(axes.allSatisfy { !$0.values.isEmpty } && copies > 0, "an axis has values, a combination rows")
        self.axes = axes
        self.excluded = excluded
        self.wanted = wanted
        self.copies = UInt64(copies)
        self.draws = draws.map { UInt64(max(0, $0)) }
        self.seed = UInt64(bitPattern: Int64(seed))
        var strides = [UInt64](repeating: 1, count: axes.count)
        var product: UInt64 = 1
        for index in axes.indices.reversed() {
            strides[index] = product
            let (next, overflow) = product.multipliedReportingOverflow(by: UInt64(axes[index].values.count))
            product = overflow ? .max : next
        }
        self.strides = strides
        combinations = product
        sums = axes.map { axis in
            var sum = 0.0
            return (axis.weights ?? [Double](repeating: 1, count: axis.values.count)).map { weight in
                sum += weight
                return sum
            }
        }
        lookalikes = axes.map(Self.lookalikes)
        identity = Self.identity(axes, excluded, wanted, [copies, draws ?? -1, seed])
        let (rows, overflow) = (self.draws ?? product).multipliedReportingOverflow(by: self.copies)
        guard !overflow, product <= Self.rowsMax, rows <= Self.rowsMax else {
            throw RetortError(
                .configuration, "the matrix has more than \(Self.rowsMax) rows", remedy: "Take a sample: N of them.")
        }
    }

    public static func == (a: Matrix, b: Matrix) -> Bool { a.identity == b.identity }

    public func hash(into hasher: inout Hasher) { hasher.combine(identity) }

    private static func identity(_ axes: [Axis], _ excluded: [Rule], _ wanted: [Rule], _ numbers: [Int]) -> Hash128 {
        var text: [UInt8] = []
        func add(_ bytes: some Sequence<UInt8>) {
            text += bytes
            text.append(0)
        }
        for axis in axes {
            add(axis.name.utf8)
            axis.values.forEach(add)
            for weight in axis.weights ?? [] { add(String(weight.bitPattern).utf8) }
            text.append(1)
        }
        for rules in [excluded, wanted] {
            for rule in rules {
                for (axis, values) in rule.matches.sorted(by: { $0.key < $1.key }) {
                    add("\(axis):\(values.sorted())".utf8)
                }
                text.append(2)
            }
            text.append(3)
        }
        add("\(numbers)".utf8)
        return text.withUnsafeBytes { ContentHash.hash128($0) }
    }

    /// The number of rows, if it is known without generating them; else nil.
    public var rowCount: UInt64? {
        excluded.isEmpty && wanted.isEmpty ? positions : nil
    }

    /// The number of positions that can hold a row.
    var positions: UInt64 { (draws ?? combinations) * copies }

    /// Limit of the search for a combination with rows: combinations tried, times the conditions that each is compared
    /// with.
    static let passedMax = 2_000_000
    static let stepsMax = 64_000_000

    /// Whether there is any row. Throws `.configuration` when the search takes too long.
    public func hasRows() throws(RetortError) -> Bool { try row(from: 0) != nil }

    // MARK: Rows

    /// The first row at or after a position, and the position after it; nil if none is left.
    ///
    /// Throws `.configuration` when too many combinations without rows have to be skipped.
    ///
    /// - Parameter stepsMax: combinations times conditions.
    func row(
        from position: UInt64, stepsMax: Int = Matrix.stepsMax
    ) throws(RetortError) -> (row: [UInt8], next: UInt64)? {
        var position = position
        var passed = 0
        let conditions = max(1, excluded.count + wanted.count)
        while position < positions {
            passed += draws == nil ? 1 : Self.triesMax
            guard passed <= Self.passedMax, (passed - 1).multipliedSaturated(by: conditions) < stepsMax else {
                let most = min(Self.passedMax, stepsMax / conditions)
                throw RetortError(
                    .configuration, "exclude or where leave out more than \(most) combinations one by one",
                    cause: conditions > 1 ? "each is compared with \(conditions) conditions" : nil,
                    remedy: "Put the lists that the conditions name first, or leave the values out of the lists.")
            }
            let (number, copy) = position.quotientAndRemainder(dividingBy: copies)
            if draws != nil {
                if let values = draw(number) { return (text(values, copy: copy, draw: number), position + 1) }
                position = (number + 1) * copies
                continue
            }
            let values = digits(number)
            if let next = firstAfterRefused(values, number) {
                position = next < combinations ? next * copies : positions
                continue
            }
            return (text(values, copy: copy, draw: nil), position + 1)
        }
        return nil
    }

    private func digits(_ number: UInt64) -> [Int] {
        axes.indices.map { Int(number / strides[$0] % UInt64(axes[$0].values.count)) }
    }

    /// For a combination without rows, the next one that may have some: combinations that share all the values that
    /// caused the exclusion are skipped together.
    private func firstAfterRefused(_ values: [Int], _ number: UInt64) -> UInt64? {
        var stride: UInt64?
        for rule in excluded where rule.matches.allSatisfy({ $1.contains(values[$0]) }) {
            let last = rule.matches.keys.max() ?? 0
            stride = max(stride ?? 0, strides[last])
        }
        if stride == nil, !wanted.isEmpty {
            var least: UInt64?
            for rule in wanted {
                let failing = rule.matches.filter { !$1.contains(values[$0]) }.keys.min()
                guard let failing else { return nil }
                least = min(least ?? .max, strides[failing])
            }
            stride = least
        }
        return stride.map { (number / $0 + 1) * $0 }
    }

    private func isRefused(_ values: [Int]) -> Bool { firstAfterRefused(values, 0) != nil }

    // MARK: Draws

    /// Maximum draws tried to find one combination that has rows.
    private static let triesMax = 1000

    private func draw(_ number: UInt64) -> [Int]? {
        for attempt in 0..<UInt64(Self.triesMax) {
            var state = mixed(mixed(seed &+ 0x9E37_79B9_7F4A_7C15 &* (number &+ 1)) ^ attempt)
            let values = axes.indices.map { index in
                state = mixed(state &+ 0x9E37_79B9_7F4A_7C15)
                return pick(sums[index], Double(state >> 11) / Double(1 << 53))
            }
            if !isRefused(values) { return values }
        }
        return nil
    }

    /// The finalizer of splitmix64.
    private func mixed(_ value: UInt64) -> UInt64 {
        var value = value
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    /// The index of the first cumulative sum above a share of the last one.
    private func pick(_ sums: [Double], _ share: Double) -> Int {
        let wanted = share * (sums.last ?? 0)
        var (low, high) = (0, sums.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if sums[middle] > wanted { high = middle } else { low = middle + 1 }
        }
        return low
    }

    // MARK: Texts

    private func text(_ values: [Int], copy: UInt64, draw: UInt64?) -> [UInt8] {
        var row = Array(#"{"id":"#.utf8)
        JSONString.append(id(values, copy: copy, draw: draw), to: &row)
        for (axis, value) in zip(axes, values) {
            row.append(UInt8(ascii: ","))
            JSONString.append(axis.name, to: &row)
            row.append(UInt8(ascii: ":"))
            row += axis.values[value]
        }
        if copies > 1 { row += #","copy":\#(copy + 1)"#.utf8 }
        if let draw { row += #","draw":\#(draw + 1)"#.utf8 }
        row.append(UInt8(ascii: "}"))
        return row
    }

    /// Maximum bytes of an id that shows all values; a longer id ends in a hash of them.
    private static let idBytesMax = 200
    private static let idBytesShown = 160

    private func id(_ values: [Int], copy: UInt64, draw: UInt64?) -> String {
        var id = draw.map { "draw=\($0 + 1)," } ?? ""
        for (index, (axis, value)) in zip(axes, values).enumerated() {
            if index > 0 { id += "," }
            let plain = Self.plain(axis.values[value])
            // Quotes keep "1" apart from 1.
            id += axis.name + "=" + (lookalikes[index].contains(value) ? "\"\(plain)\"" : plain)
        }
        if id.utf8.count > Self.idBytesMax {
            let hash = Array(id.utf8).withUnsafeBytes { ContentHash.hash64($0) }
            var shown = id.unicodeScalars.prefix(Self.idBytesShown)
            while String(shown).utf8.count > Self.idBytesShown { shown.removeLast() }
            id = String(shown) + "~" + Hexadecimal.string(hash)
        }
        // The first copy keeps the id that it has without copies.
        return copy > 0 ? id + ",copy=\(copy + 1)" : id
    }

    private static func lookalikes(_ axis: Axis) -> Set<Int> {
        let sign = UInt8(ascii: "\"")
        let others = Set(axis.values.lazy.filter { $0.first != sign }.map(plain))
        guard !others.isEmpty else { return [] }
        return Set(
            axis.values.indices.filter { axis.values[$0].first == sign && others.contains(plain(axis.values[$0])) })
    }

    /// A value in an id, with the separators of ids percent-encoded.
    private static func plain(_ value: [UInt8]) -> String {
        let isText = value.first == UInt8(ascii: "\"")
        let bytes = isText ? JSONString.unescape(value.dropFirst().dropLast()) : value
        return PercentEncoding.text(of: ReadableID.bytes(of: bytes)) { byte in
            byte >= 0x20 && byte != 0x7F && !",=%~\"".utf8.contains(byte)
        }
    }
}
