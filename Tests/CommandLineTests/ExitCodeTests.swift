import Basics
import CommandLine
import Testing

@Suite struct ExitCodeTests {
    @Test func everyErrorCodeHasItsStatus() {
        let expected: [RetortError.Code: Int32] = [
            .usage: 64, .inputMissing: 66, .badInput: 65, .io: 74, .noSpace: 74, .busy: 73, .damagedData: 65,
            .configuration: 78, .refused: 77, .incomplete: 75, .notFound: 1, .interrupted: 130,
        ]
        for code in RetortError.Code.allCases {
            #expect(ExitCode(code).rawValue == expected[code], "\(code)")
        }
    }

    @Test func anErrorOfAnotherKindIsIO() {
        #expect(ExitCode(CancellationError()) == .io)
        #expect(ExitCode(RetortError(.refused, "no")) == .refused)
    }

    @Test func aBrokenPipeIsNoFailure() {
        #expect(ExitCode(RetortError.brokenPipe) == .ok)
        #expect(!RetortError(.io, "the system refused").isBrokenPipe)
    }

    @Test func everyStatusSaysWhatItMeans() {
        #expect(Set(ExitCode.allCases.map(\.summary)).count == ExitCode.allCases.count)
    }

    @Test func commandsListTheirCodesInOrder() {
        #expect(Sample.run.allExitCodes == [.ok, .usage, .inputMissing, .incomplete, .refused])
    }
}
