internal import Basics
internal import Glibc

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The lease book as stored in a file between two requests.
struct LeaseBookImage: Codable {
    static let formatName = "retort limit of a machine"

    var format = formatName
    /// The boot that the times belong to: the monotonic clock restarts with each boot.
    var boot: String
    var terms: LimitTerms
    var epoch: UInt64
    var next: Int64
    var pace: Double
    var paceUpdated: Int64
    var paceSettled: Int64
    var present: [String]
    var before: [String]
    var began: Int64
    var money: [String: Int]

    init(_ book: LeaseBook, boot: String) {
        self.boot = boot
        (terms, epoch, next) = (book.terms, book.epoch, book.next.nanoseconds)
        (pace, paceUpdated, paceSettled) = (
            book.pace.share, book.pace.updated.nanoseconds, book.pace.settled.nanoseconds
        )
        (present, before, began) = (
            Array(book.active.present), Array(book.active.before), book.active.began.nanoseconds
        )
        money = book.moneyByClient
    }
}

/// A limiter for several processes on one machine, without a server: the lease book is a file; each client locks it,
/// reads it, takes a lease and writes it back.
final class FileExchange: LeaseExchange {
    private let path: String
    private let terms: LimitTerms
    private let boot: String

    static let bytesMax = 16 << 20

    /// Throws `.configuration` if the file has other limits.
    init(_ path: String, _ terms: LimitTerms) throws(RetortError) {
        guard !terms.isEmpty else {
            throw RetortError(
                .usage, "--limit file:\(path) has no limits to share",
                remedy: "Give each run the same --rps, --rpm, --tpm or --max-cost: together they keep to it.")
        }
        self.path = path
        self.terms = terms
        boot = Self.bootID()
    }

    func lease(_ request: LeaseRequest) throws(RetortError) -> Lease {
        let lock = try lockFile()
        defer { close(lock) }
        let now = Instant.now
        var book = try load(at: now)
        let lease = book.lease(request, at: now)
        if !request.client.isEmpty { try save(book) }
        return lease
    }

    private func load(at now: Instant) throws(RetortError) -> LeaseBook {
        guard let bytes = try contents() else {
            return LeaseBook(terms, epoch: .random(in: 1...UInt64(1 << 53)), isRestart: false, at: now)
        }
        guard let image = try? JSONDecoder().decode(LeaseBookImage.self, from: Data(bytes)),
            image.format == LeaseBookImage.formatName, image.money.values.allSatisfy({ $0 >= 0 }),
            image.money.count <= LeaseBook.clientsMax
        else {
            throw RetortError(
                .configuration, "not a limit that runs share", at: path,
                remedy: "Name the file of another --limit file:PATH, or one that does not exist.")
        }
        guard image.terms == terms else {
            throw RetortError(
                .configuration, "other runs share another limit there", at: path,
                cause: "it is \(image.terms.words), this run's is \(terms.words)",
                remedy: "Give each run the same limits, or remove the file when none is running.")
        }
        let isOfThisBoot = image.boot == boot && image.next <= (now + .seconds(86_400)).nanoseconds
        guard isOfThisBoot else {
            return LeaseBook(
                terms, money: image.money, epoch: .random(in: 1...UInt64(1 << 53)), isRestart: false, at: now)
        }
        return LeaseBook(image)
    }

    private func save(_ book: LeaseBook) throws(RetortError) {
        guard let data = try? JSONEncoder().encode(LeaseBookImage(book, boot: boot)) else {
            throw RetortError(.io, "the limit cannot be encoded", at: path)
        }
        let temporary = path + ".tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .system(errno, "open", temporary) }
        defer { close(descriptor) }
        let bytes = Array(data)
        guard write(descriptor, bytes, bytes.count) == bytes.count else { throw .system(errno, "write", temporary) }
        // Spent money must survive a power cut; the pace is not worth a sync.
        if terms.moneyMax != nil, fdatasync(descriptor) != 0 { throw .system(errno, "fdatasync", temporary) }
        guard rename(temporary, path) == 0 else { throw .system(errno, "rename", path) }
    }

    /// A separate file, since the book's is replaced. Blocks on the lock, which is held for microseconds.
    private func lockFile() throws(RetortError) -> Int32 {
        let name = path + ".lock"
        let descriptor = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .system(errno, "open", name) }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else {
                let error = RetortError.system(errno, "flock", name)
                close(descriptor)
                throw error
            }
        }
        return descriptor
    }

    private func contents() throws(RetortError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .system(errno, "open", path)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= Self.bytesMax
        else {
            throw RetortError(.configuration, "not a limit that runs share", at: path)
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        let count = read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw .system(errno, "read", path) }
        return Array(bytes.prefix(count))
    }

    private static func bootID() -> String {
        guard let file = fopen("/proc/sys/kernel/random/boot_id", "re") else { return "" }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = fread(&buffer, 1, buffer.count, file)
        return String(decoding: buffer.prefix(count).prefix { $0 != 0x0A }, as: UTF8.self)
    }
}

extension LimitTerms {
    /// The limits in words.
    public var words: String {
        var parts: [String] = []
        if let requestsPerSecond { parts.append("\(requestsPerSecond) requests/s") }
        if let requestsPerMinute { parts.append("\(requestsPerMinute) requests/min") }
        if let tokensPerMinute { parts.append("\(tokensPerMinute) tokens/min") }
        if let moneyMax { parts.append("$\(Double(moneyMax) / 1e9)") }
        return parts.isEmpty ? "none" : parts.joined(separator: ", ")
    }
}
