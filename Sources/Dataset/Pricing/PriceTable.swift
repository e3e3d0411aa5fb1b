package import Basics
package import ModelAPI
import PromptSource
import SegmentStore

/// Prices by model name. File format: one line per model, four columns separated by spaces, in US dollars per million
/// tokens; `-` for the cached price if there is no discount; `#` begins a comment.
///
///     # version 2026-11
///     # model        input  cached  output
///     my-model       0.50   0.05    1.50
///     my-other       0.20   -       0.60
package struct PriceTable: Sendable, Hashable {
    private var prices: [String: TokenPrice] = [:]
    /// The name of the price list in records: the file's comment `# version NAME`, or a hash of the file.
    package private(set) var version: String

    /// The price of exactly this name; nil if it is not known.
    package subscript(model: String) -> TokenPrice? { prices[model] }

    /// Parses a price file. Throws `.configuration` with the file's name and the line.
    package init(parsing text: String, name: String) throws(RetortError) {
        version = Self.version(of: text)
        for (number, line) in Self.lines(of: text).enumerated() {
            let fields = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" || $0 == "\r" }
            guard !fields.isEmpty else { continue }
            let place = "\(name):\(number + 1)"
            guard fields.count == 4, let input = Self.price(fields[1]), let output = Self.price(fields[3]) else {
                throw Self.malformed(place, line)
            }
            guard let cached = fields[2] == "-" ? input : Self.price(fields[2]) else {
                throw Self.malformed(place, line)
            }
            guard prices[String(fields[0])] == nil else {
                throw RetortError(.configuration, "the model \(fields[0]) is listed twice", at: place)
            }
            prices[String(fields[0])] = TokenPrice(input: input, cachedInput: cached, output: output)
        }
    }

    /// Sets one model's price from the three columns after its name. Throws `.configuration` for anything else.
    package mutating func set(_ text: String, of model: String, at place: String) throws(RetortError) {
        let fields = text.split { $0 == " " || $0 == "\t" || $0 == "," }
        guard fields.count == 3, let input = Self.price(fields[0]), let output = Self.price(fields[2]),
            let cached = fields[1] == "-" ? input : Self.price(fields[1])
        else {
            throw RetortError(
                .configuration, "the price is not INPUT CACHED OUTPUT", at: place,
                cause: "it reads '\(text.prefix(60))'",
                remedy: "Write three prices in dollars per million tokens, - for no cached price: '0.27 0.07 1.10'.")
        }
        prices[model] = TokenPrice(input: input, cachedInput: cached, output: output)
        let hash = Array((version + model + fields.joined(separator: " ")).utf8).withUnsafeBytes {
            ContentHash.hash64($0)
        }
        version = "price-" + Hexadecimal.string(hash)
    }

    /// The table with all prices multiplied by `factor`, which its version mentions.
    package func scaled(by factor: Double) -> PriceTable {
        var scaled = self
        scaled.prices = prices.mapValues {
            TokenPrice(
                input: $0.input * factor, cachedInput: $0.cachedInput * factor, output: $0.output * factor)
        }
        scaled.version = "\(version) x \(factor.description) batch"
        return scaled
    }

    /// The table with the share of the price that an answer of the flexible tier costs.
    package func withFlex(share: Double) -> PriceTable {
        var flexible = self
        flexible.prices = prices.mapValues {
            var price = $0
            price.flexShare = share
            return price
        }
        return flexible
    }

    /// Maximum characters of a version.
    private static let versionLengthMax = 40

    private static func version(of text: String) -> String {
        for line in lines(of: text) {
            let words = line.split { $0 == " " || $0 == "\t" || $0 == "\r" }
            guard words.count == 3, words[0] == "#", words[1] == "version" else { continue }
            return String(words[2].prefix(versionLengthMax))
        }
        let hash = Array(text.utf8).withUnsafeBytes { ContentHash.hash64($0) }
        return "file-" + Hexadecimal.string(hash)
    }

    /// Swift counts a carriage return and the following line feed as one character.
    private static func lines(of text: String) -> [Substring] {
        text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    }

    private static func price(_ text: Substring) -> Double? {
        guard let first = text.utf8.first, first != UInt8(ascii: "-"), let price = Double(text), price.isFinite else {
            return nil
        }
        return price <= dollarsPerMillionMax ? price : nil
    }

    /// More than any model costs; a larger number is in another unit.
    private static let dollarsPerMillionMax = 100_000.0

    private static func malformed(_ place: String, _ line: Substring) -> RetortError {
        RetortError(
            .configuration, "the line is not a price", at: place, cause: "it reads '\(line.prefix(60))'",
            remedy: "Write: MODEL INPUT CACHED OUTPUT, in dollars per million tokens, - for no cached price.")
    }

    /// The user's file, or the built-in list prices.
    package static func load(_ path: String?) throws(RetortError) -> PriceTable {
        guard let path else { return builtIn }
        return try PriceTable(parsing: try TextFile.read(path), name: path)
    }

    /// When the built-in list was written.
    package static let builtInDate = "2025-08"

    /// Public list prices of standard requests, for names whose price is beyond doubt. All others are unknown.
    private static let builtInText = """
        # version list-\(builtInDate)
        # model            input  cached  output
        gpt-5              1.25   0.125   10.00
        gpt-5-mini         0.25   0.025    2.00
        gpt-5-nano         0.05   0.005    0.40
        gpt-4.1            2.00   0.50     8.00
        gpt-4.1-mini       0.40   0.10     1.60
        gpt-4.1-nano       0.10   0.025    0.40
        gpt-4o             2.50   1.25    10.00
        gpt-4o-mini        0.15   0.075    0.60
        claude-opus-4-1    15.00  1.50    75.00
        claude-sonnet-4-0  3.00   0.30    15.00
        """

    package static let builtIn: PriceTable = {
        guard let table = try? PriceTable(parsing: builtInText, name: "built-in prices") else {
            preconditionFailure("the built-in prices do not parse")
        }
        return table
    }()
}

/// Amounts of money as records and messages show them.
package enum Money {
    /// Appends nanodollars as a JSON number of dollars, exact, always with a decimal point: `0.0`, `0.00001225`.
    package static func append(_ nanodollars: Int, to bytes: inout [UInt8]) {
        if nanodollars < 0 { bytes.append(UInt8(ascii: "-")) }
        let (dollars, fraction) = nanodollars.magnitude.quotientAndRemainder(dividingBy: nanodollarsPerDollar)
        Decimal.append(UInt64(dollars), to: &bytes)
        bytes.append(UInt8(ascii: "."))
        var rest = fraction
        var place = nanodollarsPerDollar / 10
        repeat {
            let (digit, below) = rest.quotientAndRemainder(dividingBy: place)
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit))
            (rest, place) = (below, place / 10)
        } while rest > 0
    }

    /// The amount as text.
    package static func json(_ nanodollars: Int) -> String {
        var bytes: [UInt8] = []
        append(nanodollars, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let nanodollarsPerDollar: UInt = 1_000_000_000

    package static func dollars(_ nanodollars: Int) -> Double { Double(nanodollars) / 1e9 }

    /// Clamps invalid amounts, and amounts beyond what one request can cost.
    package static func nanodollars(_ dollars: Double) -> Int {
        guard dollars > 0 else { return 0 }
        return Int(min((dollars * 1e9).rounded(), dollarsMax * 1e9))
    }

    /// More than any real limit or record states.
    private static let dollarsMax = 1_000_000_000.0
}
