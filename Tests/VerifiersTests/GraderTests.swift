import Basics
import JSONText
import Testing

@testable import Verifiers

struct GraderTests {
    private func request(_ row: String, _ text: String, value: String? = nil) -> VerifierRequest {
        var response: [UInt8] = []
        JSONString.append(text, to: &response)
        return VerifierRequest(
            id: [0x61], row: Array(row.utf8), messages: Array("[]".utf8), response: response,
            value: value.map { Array($0.utf8) })
    }

    private func passes(_ spec: String, _ row: String, _ text: String, value: String? = nil) async throws -> Bool {
        let verifier = try VerifierSpec(spec).verifier(VerifierOptions(workers: 1, environment: [:]))
        return try await verifier.judge(request(row, text, value: value)).pass
    }

    @Test(arguments: [
        (#""72""#, "She sold 48 + 24 = 72 clips.", true),
        (#""Half of 48 is 24. #### 72""#, "So the answer is **72**.", true),
        ("72", "72.0", true), ("72", "7.2", false), ("72", "no number", false),
        ("1234567", "It is $1,234,567.", true), ("-3", "x = -3", true), ("3", "x = -3", false),
        ("5", "10-5", true), ("7", "#### 7\nThat was line 2", true), ("7", #"\boxed{7} of 100"#, true),
        ("0.75", #"\boxed{\frac{3}{4}}"#, true), ("-0.5", #"\boxed{-\frac{1}{2}}"#, true), ("0.75", "It is 3/4", true),
        ("602000", "6.02e5", true), ("9007199254740993", "9007199254740992", false), ("0.1", ".1", true),
        ("10", "From 1, 2, 10", true), ("3", #"\boxed{x = 3}, not 4"#, true), ("-7", "−7", true),
        (#""$-12.50""#, "-$12.5", true),
    ])
    func theFinalNumberIsCompared(_ field: String, _ text: String, _ expected: Bool) async throws {
        #expect(try await passes("number:answer", #"{"answer":\#(field)}"#, text) == expected, "\(text)")
    }

    @Test(arguments: [
        (#""Paris""#, " Paris\n", true), (#""Paris""#, "Paris.", false), ("3", "3.0", true), ("true", "true", true),
        (#"{"a":[1,2]}"#, #"{ "a": [1, 2.0] }"#, true), ("3", "4", false),
    ])
    func textsAndValuesAreCompared(_ field: String, _ text: String, _ expected: Bool) async throws {
        #expect(try await passes("equals:meta.answer", #"{"meta":{"answer":\#(field)}}"#, text) == expected)
    }

    @Test func theFoundValueIsComparedToo() async throws {
        let row = #"{"answer":{"a":1}}"#
        #expect(try await passes("equals:answer", row, "Here it is: {\"a\":1}", value: #"{"a":1}"#))
        #expect(try await !passes("equals:answer", row, "Here it is: {\"a\":2}", value: #"{"a":2}"#))
    }

    @Test func patternsAndJSON() async throws {
        #expect(try await passes("regex:^ye+s$", "{}", "yeees"))
        #expect(try await !passes("regex:^ye+s$", "{}", "no"))
        #expect(try await passes("json", "{}", "```json\n[1]\n```"))
        #expect(try await !passes("json", "{}", "none"))
    }

    @Test func aPatternThatExplodesIsTheVerifiersFailure() async throws {
        let text = String(repeating: "a", count: 40) + "b"
        await #expect(throws: RetortError.self) { try await passes("regex:^(a|aa)+$", "{}", text) }
    }

    @Test func aMissingFieldIsTheVerifiersFailureAndNamesThoseThatAreThere() async throws {
        do {
            _ = try await passes("equals:answer", #"{"question":"?","solution":1}"#, "x")
            Issue.record("a missing field was accepted")
        } catch let error as RetortError {
            #expect(error.description == "the row has no field 'answer'. Its fields: question, solution.")
        }
    }

    @Test func specsAreReadFromTheirTexts() throws {
        #expect(try VerifierSpec("tests") == .tests)
        #expect(try VerifierSpec("number:a.b") == .number(field: "a.b"))
        #expect(try VerifierSpec("python3 grade.py --x:y") == .command("python3 grade.py --x:y"))
        #expect(try VerifierSpec("tests:x") == .command("tests:x"))
        #expect(throws: RetortError.self) { try VerifierSpec("equals") }
        #expect(throws: RetortError.self) { try VerifierSpec(" ") }
        #expect(throws: RetortError.self) { try VerifierSpec("regex:(").verifier(.init(workers: 1, environment: [:])) }
        let long = try VerifierSpec(String(repeating: "x", count: 500)).name
        #expect(long.utf8.count <= VerifierSpec.nameBytesMax)
        #expect(try long != VerifierSpec(String(repeating: "x", count: 501)).name)
    }

    /// No text makes the search for numbers trap or hang.
    @Test func numbersInRubbish() {
        var generator = SystemRandomNumberGenerator()
        let pieces = Array(#"0123456789.,-+/eE$ \boxed{}frac{#"#).map(String.init)
        let alphabet = pieces + [#"\frac{"#, #"\frac{1}{"#, #"\boxed{"#, "}{", "#### ", "\u{2212}"]
        for _ in 0..<10_000 {
            let parts = (0..<Int.random(in: 0..<40, using: &generator)).map { _ in alphabet.randomElement()! }
            let text = Array(parts.joined().utf8)
            if let number = FinalNumber(in: text) { #expect(number.double.isFinite) }
        }
    }
}
