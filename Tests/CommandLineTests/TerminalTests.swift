import CommandLine
import Glibc
import Testing

@Suite struct TerminalTests {
    @Test func theUsersChoiceWins() {
        let noColor = ["NO_COLOR": "1", "TERM": "dumb"]
        #expect(Palette(.always, isTerminal: false, environment: noColor).isColored)
        #expect(!Palette(.never, isTerminal: true, environment: [:]).isColored)
    }

    @Test func autoColoursTerminalsThatWantIt() {
        func auto(_ isTerminal: Bool, _ environment: [String: String]) -> Bool {
            Palette(.auto, isTerminal: isTerminal, environment: environment).isColored
        }
        #expect(auto(true, [:]))
        #expect(auto(true, ["TERM": "xterm", "NO_COLOR": ""]))
        #expect(!auto(false, ["TERM": "xterm"]))
        #expect(!auto(true, ["NO_COLOR": "0"]))
        #expect(!auto(true, ["TERM": "dumb"]))
    }

    @Test func stylesWrapTheText() {
        #expect(Palette.colored.red("x") == "\u{1B}[31mx\u{1B}[0m")
        #expect(Palette.colored.bold("") == "")
        let plain = Palette.plain
        for style in [plain.bold, plain.dim, plain.red, plain.green, plain.yellow, plain.cyan] {
            #expect(style("x") == "x")
        }
    }

    @Test func aPipeIsNoTerminal() throws {
        let pipe = try TestPipe()
        #expect(Terminal.of(pipe.writeEnd) == Terminal(isTerminal: false, width: 80))
        #expect(Terminal.of(pipe.writeEnd, environment: ["COLUMNS": "132"]).width == 132)
        for nonsense in ["", "0", "-4", "wide"] {
            #expect(Terminal.of(pipe.writeEnd, environment: ["COLUMNS": nonsense]).width == 80)
        }
    }

    @Test func aPseudoTerminalTellsItsWidth() throws {
        // How Linux opens a pseudo terminal: ptmx(4), ioctl_tty(2).
        let getNumber: UInt = 0x8004_5430
        let setLock: UInt = 0x4004_5431
        let main = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        try #require(main >= 0)
        defer { close(main) }
        var number: Int32 = 0
        var lock: Int32 = 0
        try #require(ioctl(main, setLock, &lock) == 0 && ioctl(main, getNumber, &number) == 0)
        let name = "/dev/pts/\(number)"
        let side = open(name, O_RDWR | O_NOCTTY)
        try #require(side >= 0)
        defer { close(side) }
        var size = winsize(ws_row: 24, ws_col: 97, ws_xpixel: 0, ws_ypixel: 0)
        try #require(ioctl(side, UInt(TIOCSWINSZ), &size) == 0)
        #expect(Terminal.of(side, environment: ["COLUMNS": "132"]) == Terminal(isTerminal: true, width: 97))
    }

    @Test func theEnvironmentIsReadByName() {
        let values = ProcessStart.environment()
        #expect(values["PATH"]?.isEmpty == false)
        #expect(values["SURELY_NOT_SET_ANYWHERE"] == nil)
    }
}
