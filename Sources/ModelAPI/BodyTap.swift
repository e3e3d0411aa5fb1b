/// Receives the body of a reply while it arrives, for clients that read a stream. It does not affect the exchange,
/// whose reply is complete or missing.
public protocol BodyTap: AnyObject, Sendable {
    /// An exchange begins. The previous one, if any, is over.
    func began()

    /// A part of an uncompressed body. On the transport's thread: must not block.
    func received(_ bytes: UnsafeRawBufferPointer, status: Int)
}
