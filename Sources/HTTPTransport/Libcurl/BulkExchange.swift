internal import Basics
internal import CCurl
internal import Glibc

/// The source of a bulk exchange's body and the target of its response. Used by one thread.
final class BulkExchange {
    private(set) var reply: [UInt8] = []
    private(set) var headers: [(name: String, value: String)] = []
    private(set) var isTooLarge = false
    /// A local error.
    private(set) var trouble: RetortError?

    private let call: BulkCall
    private let isCancelled: () -> Bool
    private var head: [UInt8] = []
    private var tail: [UInt8] = []
    private var source: Int32 = -1
    private var fileBytes = 0
    /// Bytes of the body that were passed to libcurl.
    private var sent = 0
    private var target: Int32 = -1
    private var taken = 0
    private var status = 0

    private static let headersMax = 100

    /// Opens the files. Throws system errors.
    init(_ call: BulkCall, isCancelled: @escaping () -> Bool) throws(RetortError) {
        self.call = call
        self.isCancelled = isCancelled
        switch call.body {
        case .none: break
        case .bytes(let bytes): head = bytes
        case .file(let path, let before, let after):
            (head, tail) = (before, after)
            (source, fileBytes) = try RegularFile.openToRead(path)
        }
        if let path = call.target {
            // The existing file may not be regular, or may have other names.
            _ = unlink(path)
            target = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
            guard target >= 0 else { throw .system(errno, "open", path) }
        }
    }

    func close() {
        for descriptor in [source, target] where descriptor >= 0 { _ = Glibc.close(descriptor) }
    }

    func install(on easy: UnsafeMutableRawPointer, method: String) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        if call.body == .none, method == "GET" {
            _ = retort_easy_set_long(easy, CURLOPT_HTTPGET, 1)
        } else {
            _ = retort_easy_set_offset(
                easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(head.count + fileBytes + tail.count))
            _ = retort_easy_set_pointer(easy, CURLOPT_READDATA, context)
            _ = retort_easy_set_writer(easy, CURLOPT_READFUNCTION) { bytes, size, count, context in
                BulkExchange.with(context) {
                    $0.read(into: UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
                }
            }
        }
        _ = retort_easy_set_pointer(easy, CURLOPT_CUSTOMREQUEST, method)
        _ = retort_easy_set_pointer(easy, CURLOPT_WRITEDATA, context)
        _ = retort_easy_set_writer(easy, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            BulkExchange.with(context) { $0.take(UnsafeRawBufferPointer(start: bytes, count: size * count)) }
        }
        _ = retort_easy_set_pointer(easy, CURLOPT_HEADERDATA, context)
        _ = retort_easy_set_writer(easy, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            BulkExchange.with(context) { $0.take(header: UnsafeRawBufferPointer(start: bytes, count: size * count)) }
        }
    }

    private static func with(_ context: UnsafeMutableRawPointer?, _ body: (BulkExchange) -> Int) -> Int {
        Unmanaged<BulkExchange>.fromOpaque(context!)._withUnsafeGuaranteedRef(body)
    }

    /// libcurl's code for aborting while it reads a body.
    private static let abort = 0x1000_0000

    private func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        if isCancelled() { return Self.abort }
        let count: Int
        if sent < head.count {
            count = copy(head[sent...], to: buffer)
        } else if sent < head.count + fileBytes {
            let left = head.count + fileBytes - sent
            count = pread(source, buffer.baseAddress, min(buffer.count, left), sent - head.count)
            guard count > 0 else {
                trouble = .system(count < 0 ? errno : EIO, "read", "the file of the batch")
                return Self.abort
            }
        } else {
            count = copy(tail[(sent - head.count - fileBytes)...], to: buffer)
        }
        sent += count
        return count
    }

    private func copy(_ bytes: ArraySlice<UInt8>, to buffer: UnsafeMutableRawBufferPointer) -> Int {
        let piece = bytes.prefix(buffer.count)
        buffer.copyBytes(from: piece)
        return piece.count
    }

    /// Returns the bytes taken; any other number ends the exchange.
    private func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        if isCancelled() { return 0 }
        if target >= 0, status / 100 == 2 {
            taken += bytes.count
            // The length of a chunked response is not announced.
            guard taken <= BulkTransport.fileBytesMax else {
                isTooLarge = true
                return 0
            }
            var written = 0
            while written < bytes.count {
                let count = write(target, bytes.baseAddress! + written, bytes.count - written)
                guard count > 0 else {
                    trouble = .system(errno, "write", call.target ?? "")
                    return 0
                }
                written += count
            }
            return bytes.count
        }
        guard reply.count + bytes.count <= BulkTransport.replyBytesMax else {
            isTooLarge = true
            return 0
        }
        reply.append(contentsOf: bytes)
        return bytes.count
    }

    private func take(header bytes: UnsafeRawBufferPointer) -> Int {
        let line = String(decoding: bytes, as: UTF8.self)
        if line.hasPrefix("HTTP/") {
            let words = line.split(separator: " ")
            status = words.count > 1 ? Int(words[1].prefix(3)) ?? 0 : 0
            headers = []
        } else if let colon = line.firstIndex(of: ":"), headers.count < Self.headersMax {
            let value = line[line.index(after: colon)...].filter { $0 != "\r\n" && $0 != "\n" }
            headers.append((line[..<colon].lowercased(), String(value.drop { $0 == " " })))
        }
        return bytes.count
    }
}
