/// Runs a Python program and then the statements that test it, in one process, and reports the result of each.
///
/// Before the program begins, the harness reads a secret word from its input. It writes the word for each statement
/// that passes, so a program that exits early or writes to the output passes nothing.
enum PythonHarness {
    static let programName = "main.py"
    static let testsName = "tests.txt"

    /// The statements, each preceded by its length in bytes.
    static func tests(_ statements: [String]) -> [UInt8] {
        statements.flatMap { Array("\($0.utf8.count)\n\($0)".utf8) }
    }

    /// `-S` skips the search for site packages, which takes most of Python's start-up time. Debian's own packages are
    /// still found.
    static func command(_ python: String) -> [String] { [python, "-I", "-S", "-c", source] }

    private static let source = """
        import builtins, os, sys
        def harness():
            word = sys.stdin.readline().strip().encode()
            builtins.exit = builtins.quit = sys.exit
            version = "python%d.%d" % sys.version_info[:2]
            sys.path += ["/usr/local/lib/%s/dist-packages" % version, "/usr/lib/python3/dist-packages"]
            channel = os.dup(1)
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 0)
            os.dup2(null, 1)
            statements = []
            with open("tests.txt", "rb") as file:
                while length := file.readline(): statements.append(file.read(int(length)))
            module = type(sys)("program")
            sys.modules["program"] = module
            space = module.__dict__
            with open("main.py", "rb") as file: program = file.read()
            write = os.write
            exec(compile(program, "main.py", "exec"), space)
            failed = False
            for number, statement in enumerate(statements):
                try:
                    exec(compile(statement, "test", "exec"), space)
                    write(channel, b"%d %s" % (number, word))
                except BaseException as error:
                    if not failed:
                        import linecache, traceback
                        lines = statement.decode(errors="replace").splitlines(True)
                        linecache.cache["test"] = (len(statement), None, lines, "test")
                        trace = [line for line in traceback.format_exception(error) if "<string>" not in line]
                        text = statement.decode() if len(statements) > 1 else ""
                        os.write(2, (text + "\\n" + "".join(trace)).encode(errors="replace"))
                    failed = True
        harness()
        """
}
