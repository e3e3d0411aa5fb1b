internal import Basics
internal import JSONText

/// The result of a program, stored as the `value` of its opinion.
public struct TestReport: Sendable, Hashable {
    enum Reason: String, Sendable {
        case passed
        case noCode = "no_code"
        /// A test failed, or the output differs.
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
    /// A hash of the code and its tests; empty if there is no code.
    var program = ""

    static let noCode = TestReport(reason: .noCode)

    var json: [UInt8] {
        var json = Array(#"{"reason":"\#(reason.rawValue)","passed":\#(passed),"tests":\#(tests)"#.utf8)
        if let language { json += Array(#","language":"\#(language.rawValue)""#.utf8) }
        if !program.isEmpty { json += Array(#","program":"\#(program)""#.utf8) }
        json += Array(#","seconds":\#((time.seconds * 1000).rounded() / 1000)}"#.utf8)
        return json
    }

    /// Returns the newer opinion's value, marked with `"flipped":true` if the older opinion is on the same program and
    /// tests with the opposite verdict, or already has the mark.
    public static func flagged(_ value: [UInt8], passes: Bool, before: [UInt8], passed: Bool) -> [UInt8] {
        let parser = JSONParser()
        guard let new = try? parser.parse(value).root, let old = try? parser.parse(before).root,
            let program = new["program"]?.string, program == old["program"]?.string,
            passes != passed || old["flipped"]?.bool == true, new["flipped"] == nil,
            let end = value.lastIndex(of: UInt8(ascii: "}"))
        else { return value }
        return value[..<end] + Array(#","flipped":true}"#.utf8)
    }
}
