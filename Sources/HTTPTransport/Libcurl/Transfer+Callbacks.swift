internal import Basics
internal import CCurl
internal import ModelAPI

/// Called by libcurl, on the loop's thread, while the lane holds the transfer.
extension Transfer {
    func installCallbacks() {
        let context = Unmanaged.passUnretained(self).toOpaque()
        _ = retort_easy_set_pointer(easy, CURLOPT_PRIVATE, context)
        _ = retort_easy_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
        _ = retort_easy_set_pointer(easy, CURLOPT_WRITEDATA, context)
        _ = retort_easy_set_writer(easy, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            Transfer.with(context) { $0.receive(body: UnsafeRawBufferPointer(start: bytes, count: size * count)) }
        }
        _ = retort_easy_set_pointer(easy, CURLOPT_HEADERDATA, context)
        _ = retort_easy_set_writer(easy, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            Transfer.with(context) { $0.receive(header: UnsafeRawBufferPointer(start: bytes, count: size * count)) }
        }
        lane.installSocketCallbacks(on: easy)
    }

    private static func with(_ context: UnsafeMutableRawPointer?, _ body: (Transfer) -> Int) -> Int {
        Unmanaged<Transfer>.fromOpaque(context!)._withUnsafeGuaranteedRef(body)
    }

    /// Returns the bytes taken; any other number ends the transfer.
    private func receive(body bytes: UnsafeRawBufferPointer) -> Int {
        progress.lastByte = lane.loop.turnStart
        guard response.count + bytes.count <= responseBytesMax else {
            isTooLarge = true
            return 0
        }
        response.append(bytes)
        if let tap, contentEncoding.isEmpty { tap.received(bytes, status: status) }
        return bytes.count
    }

    private func receive(header bytes: UnsafeRawBufferPointer) -> Int {
        progress.lastByte = lane.loop.turnStart
        let line = bytes.bindMemory(to: UInt8.self)
        guard headers.read(line) == .status else {
            if let encoding = ResponseHeaders.contentEncoding(line) { contentEncoding = encoding }
            return bytes.count
        }
        statusLines += 1
        contentEncoding = ""
        if !settings.sharesConnections, !bytes.starts(with: "HTTP/1.".utf8) { isWrongVersion = true }
        return hasTooManyInterim || isWrongVersion ? 0 : bytes.count
    }
}
