import Basics
import CommandLine
import Testing

@Suite struct UsageErrorTests {
    private func expect(_ line: String, _ description: String, sourceLocation: SourceLocation = #_sourceLocation) {
        let error = Sample.error(line)
        #expect(error?.code == .usage, sourceLocation: sourceLocation)
        #expect(error?.description == description, sourceLocation: sourceLocation)
    }

    @Test func unknownOptions() {
        expect("run i --modle x", "run: unknown option --modle. Did you mean --model? See `still run --help`.")
        expect(
            "run i --no-strct",
            "run: unknown option --no-strct. Did you mean --no-strict? See `still run --help`.")
        expect("run i --max 3", "run: unknown option --max. Did you mean --max-cost? See `still run --help`.")
        expect("run i --zzzzzz", "run: unknown option --zzzzzz. See `still run --help`.")
        expect("run i -xZ", "run: unknown option -Z. See `still run --help`.")
        expect("--colour never run", "unknown option --colour. Did you mean --color? See `still --help`.")
    }

    @Test func anOptionOfAnotherCommand() {
        expect(
            "get s --timeout 3s", "get: unknown option --timeout. It is an option of run. See `still get --help`."
        )
    }

    @Test func hiddenOptionsAreNotSuggested() {
        #expect(Sample.error("run i --trase")?.description.contains("--trace") == false)
    }

    @Test func unknownCommands() {
        expect("rnu i", "unknown command 'rnu'. Did you mean run? See `still --help`.")
        expect("help gte", "unknown command 'gte'. Did you mean get? See `still --help`.")
        expect("distil", "unknown command 'distil'. See `still --help`.")
        expect("", "no command given. See `still --help`.")
    }

    @Test func missingAndNeedlessValues() {
        expect("run i --out", "run: --out needs a value DIR. See `still run --help`.")
        expect(
            "run i --out --model x",
            "run: --out needs a value DIR, but --model follows; if that is the value, write --out=--model. "
                + "See `still run --help`.")
        expect(
            "run i -o -x",
            "run: --out needs a value DIR, but -x follows; if that is the value, write --out=-x. "
                + "See `still run --help`.")
        expect("run i --strict=yes", "run: --strict takes no value, but 'yes' was given. See `still run --help`.")
        expect("run i -x=yes", "run: --strict takes no value, but 'yes' was given. See `still run --help`.")
    }

    @Test func operands() {
        expect(
            "run", "run: missing INPUT (file, folder, or - for standard input). See `still run --help`.")
        expect("get", "get: missing STORE (the store). See `still get --help`.")
        expect("probe 1 2", "probe: unexpected argument '2'. See `still probe --help`.")
        expect("probe 10", "probe N: '10' is out of range: -9 to 9. See `still probe --help`.")
    }

    @Test func values() {
        expect("run i -j 0", "--jobs: '0' is out of range: 1 to 4096, and not auto. See `still run --help`.")
        expect(
            "run i -r length,short",
            "--reject: 'short' is not one of length, empty. See `still run --help`.")
    }

    @Test func theEnvironmentIsNamed() {
        let error = Sample.error(["run", "i"], environment: ["STILL_JOBS": "none"])
        #expect(error?.code == .configuration)
        #expect(
            error?.description == "$STILL_JOBS: 'none' is not an integer, and not auto. "
                + "Correct the variable or give --jobs. See `still run --help`.")
        #expect(Sample.error(["run", "i", "-j1"], environment: ["STILL_JOBS": "none"]) == nil)
    }
}
