internal import Basics
internal import Glibc

/// Whether code from answers runs in a sandbox.
public enum SandboxMode: String, Sendable, CaseIterable {
    /// bubblewrap: no network, a read-only system, a private temporary folder, no other processes visible.
    case bubblewrap
    /// With the user's rights, but with resource limits.
    case none
}

/// How a program is isolated: the command that runs it.
struct Walls: Sendable {
    /// `asNobody` runs bubblewrap as the user nobody, so that the kernel counts the processes of a sandbox started by
    /// root.
    enum Form: Sendable, Hashable {
        case bubblewrap(asNobody: Bool)
        case none
    }

    let form: Form

    private static let bubblewrap = "/usr/bin/bwrap"
    private static let setpriv = "/usr/bin/setpriv"
    private static let nobody = "65534"
    /// Where a program's files are, and its working directory.
    static let folder = "/tmp"
    private static let path = "PATH=/usr/local/bin:/usr/bin:/bin"

    var needsFolder: Bool { form == .none }
    /// The folder by which commands name a program's files: their working directory.
    var programFolder: String { form == .none ? "." : Self.folder }

    /// Finds out how programs can be isolated on this machine. Blocks for some milliseconds. Throws `.configuration` if
    /// they cannot be.
    static func find(_ mode: SandboxMode) throws(RetortError) -> Walls {
        guard mode == .bubblewrap else { return Walls(form: .none) }
        guard access(bubblewrap, X_OK) == 0 else {
            throw RetortError(
                .configuration, "code from answers runs in a sandbox, and bubblewrap is not installed", at: bubblewrap,
                remedy: "Type: apt-get install bubblewrap. Or say --sandbox none, which runs it with your rights.")
        }
        var forms: [Form] = [.bubblewrap(asNobody: false)]
        if geteuid() == 0, access(setpriv, X_OK) == 0 { forms.insert(.bubblewrap(asNobody: true), at: 0) }
        var cause = ""
        for form in forms {
            let walls = Walls(form: form)
            let run = ProgramRun(command: ["/bin/true"], files: [.init(name: "file", bytes: [])])
            let result = try ProgramRunner(walls: walls).run(run)
            if result.isSuccess { return walls }
            cause = result.errors.isEmpty ? "bwrap gave no reason" : result.errors.trimmingBlanks
        }
        throw RetortError(
            .configuration, "the sandbox for code from answers cannot be made: user namespaces are closed here",
            cause: cause,
            remedy: "Open them (sysctl kernel.unprivileged_userns_clone=1 or user.max_user_namespaces; in a container, "
                + "--security-opt seccomp=unconfined), or say --sandbox none, which runs the code with your rights.")
    }

    /// The command for a run. `files` are open descriptors of the run's files; `folder` is where they are without a
    /// sandbox.
    func launch(_ run: ProgramRun, files: [Int32], folder: String?) -> Launch {
        let limited = ["/bin/sh", "-c", Self.limits(run.limits, changesTo: folder), "sh"] + run.command
        guard case .bubblewrap(let asNobody) = form else {
            let home = folder ?? Self.folder
            return Launch(command: limited, environment: [Self.path, "HOME=\(home)", "TMPDIR=\(home)", "LANG=C.UTF-8"])
        }
        var command =
            asNobody
            ? [Self.setpriv, "--reuid=\(Self.nobody)", "--regid=\(Self.nobody)", "--clear-groups", "--"] : []
        command += [Self.bubblewrap] + Self.walls(run.limits)
        for (place, file) in run.files.enumerated() {
            command += ["--perms", file.isExecutable ? "0555" : "0444"]
            command += ["--ro-bind-data", "\(3 + place)", "\(Self.folder)/\(file.name)"]
        }
        // The environment of bubblewrap itself is readable inside the sandbox.
        return Launch(command: command + ["--"] + limited, environment: [Self.path], files: files)
    }

    private static func walls(_ limits: ProgramLimits) -> [String] {
        var walls = [
            "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session",
            "--cap-drop", "ALL", "--hostname", "sandbox", "--clearenv",
            "--setenv", "PATH", "/usr/local/bin:/usr/bin:/bin", "--setenv", "HOME", folder, "--setenv", "TMPDIR",
            folder,
            "--setenv", "LANG", "C.UTF-8", "--ro-bind", "/usr", "/usr",
        ]
        for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
            var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
            let count = target.withUnsafeMutableBytes {
                readlink("/\(name)", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
            }
            if count > 0 {
                walls += ["--symlink", String(decoding: target[..<count], as: UTF8.self), "/\(name)"]
            } else {
                walls += ["--ro-bind-try", "/\(name)", "/\(name)"]
            }
        }
        for file in ["/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d"] {
            walls += ["--ro-bind-try", file, file]
        }
        let size = "\(limits.diskMebibytes << 20)"
        // The root and /dev are in memory, so their writable parts need a size limit.
        return walls + [
            "--proc", "/proc", "--dev", "/dev", "--size", size, "--tmpfs", "/dev/shm", "--remount-ro", "/dev",
            "--size", size, "--tmpfs", folder, "--chdir", folder, "--remount-ro", "/",
        ]
    }

    /// Shell commands that set the limits. If memory runs out, the kernel ends the program first.
    private static func limits(_ limits: ProgramLimits, changesTo folder: String?) -> String {
        var words = ["echo 1000 >/proc/self/oom_score_adj 2>/dev/null"]
        words.append("ulimit -c 0")
        words.append("ulimit -t \(limits.processorSeconds)")
        words.append("ulimit -n \(limits.openFilesMax)")
        // POSIX: `ulimit -f` counts blocks of 512 bytes.
        words.append("ulimit -f \(limits.diskMebibytes << 11)")
        if folder == nil {
            // dash has -p where other shells have -u. Outside a sandbox the limit would count all processes of the
            // user.
            words.append("ulimit -p \(limits.processesMax) 2>/dev/null || ulimit -u \(limits.processesMax)")
        }
        if let memory = limits.memoryMebibytes { words.append("ulimit -v \(memory << 10)") }
        if let folder { words.append("cd '\(folder)' || exit 1") }
        return words.joined(separator: "; ") + #"; exec "$@""#
    }
}
