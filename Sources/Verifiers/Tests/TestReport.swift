internal import Basics
internal import JSONText

/// What became of a program, as the `value` of its opinion.
struct TestReport: Sendable, Hashable {
    enum Reason: String, Sendable {
        case passed
        case noCode = "no_code"
        /// A test said no, or the output is another one.
        case wrong
        /// The program ended with an error.
        case error
        case compilation
        case time
        case output
    }

    var reason: Reason
    var passed = 0
    var tests = 0
    var language: ProgramLanguage?
    var time = Interval.zero

    static let noCode = TestReport(reason: .noCode)

    var json: [UInt8] {
        var json = Array(#"{"reason":"\#(reason.rawValue)","passed":\#(passed),"tests":\#(tests)"#.utf8)
        if let language { json += Array(#","language":"\#(language.rawValue)""#.utf8) }
        json += Array(#","seconds":\#((time.seconds * 1000).rounded() / 1000)}"#.utf8)
        return json
    }

    /// The report with the mark of a test that did not say the same twice.
    static func flagged(_ json: [UInt8]?) -> [UInt8]? {
        guard let json, json.last == UInt8(ascii: "}") else { return json }
        return json.dropLast() + Array(#","flipped":true}"#.utf8)
    }
}
