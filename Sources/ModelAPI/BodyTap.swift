/// Sees the body of a reply while it comes, for clients that read along. It changes nothing for the exchange, whose reply is
/// whole or none.
public protocol BodyTap: AnyObject, Sendable {
    /// An exchange begins. The one before, if there was one, is over.
    func began()

    /// A part of a body that is not compressed. On the transport's thread: it must not block.
    func received(_ bytes: UnsafeRawBufferPointer, status: Int)
}
