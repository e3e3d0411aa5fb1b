import Glibc

/// Opens files that another process may have replaced by something else.
public enum RegularFile {
    /// Opens a file for reading without following a link or blocking on a pipe that has no writer. The caller closes
    /// the descriptor.
    ///
    /// Throws the system's error, or `.damagedData` if it is not a regular file.
    public static func openToRead(_ path: String) throws(RetortError) -> (descriptor: Int32, bytes: Int) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw .system(errno, "open", path) }
        var status = stat()
        let isKnown = fstat(descriptor, &status) == 0
        let number = errno
        if isKnown, status.st_mode & S_IFMT == S_IFREG { return (descriptor, Int(status.st_size)) }
        close(descriptor)
        throw isKnown ? RetortError(.damagedData, "it is not a regular file", at: path) : .system(number, "open", path)
    }
}
