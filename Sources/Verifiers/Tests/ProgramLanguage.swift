internal import Glibc

/// The languages in which answers are run. Debian has the interpreters and compilers.
enum ProgramLanguage: String, Sendable, CaseIterable {
    case python
    case javascript
    case bash
    case perl
    case ruby
    case lua
    case php
    case c
    case cpp

    /// By the language tag of a code block; nil for an unsupported language.
    init?(tag: String) {
        switch tag.lowercased() {
        case "python", "py", "python3", "py3", "python2", "pycon": self = .python
        case "javascript", "js", "node", "nodejs": self = .javascript
        case "bash", "sh", "shell", "zsh": self = .bash
        case "perl", "pl": self = .perl
        case "ruby", "rb": self = .ruby
        case "lua": self = .lua
        case "php": self = .php
        case "c": self = .c
        case "c++", "cpp", "cc", "cxx": self = .cpp
        default: return nil
        }
    }

    var fileName: String {
        switch self {
        case .python: "main.py"
        case .javascript: "main.js"
        case .bash: "main.sh"
        case .perl: "main.pl"
        case .ruby: "main.rb"
        case .lua: "main.lua"
        case .php: "main.php"
        case .c: "main.c"
        case .cpp: "main.cpp"
        }
    }

    /// The programs that can run or compile it, in order of preference, and the Debian package of one.
    private var programs: (paths: [String], package: String) {
        switch self {
        case .python: (["/usr/bin/python3"], "python3")
        case .javascript: (["/usr/bin/node", "/usr/local/bin/node"], "nodejs")
        case .bash: (["/usr/bin/bash", "/bin/bash"], "bash")
        case .perl: (["/usr/bin/perl"], "perl")
        case .ruby: (["/usr/bin/ruby"], "ruby")
        case .lua: (["/usr/bin/lua", "/usr/bin/lua5.4", "/usr/bin/lua5.3"], "lua5.4")
        case .php: (["/usr/bin/php"], "php-cli")
        case .c: (["/usr/bin/gcc"], "gcc")
        case .cpp: (["/usr/bin/g++"], "g++")
        }
    }

    /// The Debian package to install.
    var package: String { programs.package }

    /// Nil where it is not installed.
    var program: String? { programs.paths.first { access($0, X_OK) == 0 } }

    var isCompiled: Bool { self == .c || self == .cpp }

    /// The command that runs a program's file in the working folder. For a compiled language the file is the
    /// executable.
    func command(_ program: String, _ folder: String) -> [String] {
        switch self {
        case .python: [program, "-I", "\(folder)/\(fileName)"]
        case .javascript: [program, "--max-old-space-size=1024", "\(folder)/\(fileName)"]
        case .c, .cpp: ["\(folder)/main"]
        default: [program, "\(folder)/\(fileName)"]
        }
    }

    /// The command that compiles the file and writes the executable to its output.
    func compilation(_ program: String, _ folder: String) -> [String] {
        let source = "\(folder)/\(fileName)"
        let script = "'\(program)' -O1 -o \(folder)/main-built '\(source)' -lm && cat \(folder)/main-built"
        return ["/bin/sh", "-c", script]
    }

    /// Limit of the address space. V8 reserves much that it never uses.
    var memoryMebibytes: Int? { self == .javascript ? nil : ProgramLimits().memoryMebibytes }
}
