package import Basics
import Glibc

/// Files readable only by this user, in directories where other users may create files.
package enum OwnFile {
    /// Opens a file at its end, or creates it; it can also be read. Throws `.configuration` for a link, for anything
    /// but a regular file, and for another user's file; does not wait for the reader of a pipe. Other users'
    /// permissions are removed.
    package static func openToAppend(_ path: String) throws(RetortError) -> Int32 {
        let flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
        let descriptor = open(path, flags, 0o600)
        guard descriptor >= 0 else {
            if errno == ELOOP { throw refused("a link", path) }
            throw .system(errno, "open", path)
        }
        var status = stat()
        let isKnown = fstat(descriptor, &status) == 0
        if isKnown, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(), status.st_nlink == 1,
            fchmod(descriptor, 0o600) == 0
        {
            return descriptor
        }
        close(descriptor)
        throw refused(status.st_mode & S_IFMT == S_IFREG ? "another user's file" : "no file", path)
    }

    private static func refused(_ what: String, _ path: String) -> RetortError {
        RetortError(
            .configuration, "\(what) is in the place of this user's log", at: path,
            remedy: "Remove it, or give the store another place.")
    }
}
