import Basics

/// The members of a segment in order, read and verified by a thread that is a few chunks ahead.
///
/// Used by one thread. The reading thread ends when the members do, or when this is released.
final class MembersAhead {
    typealias Member = (header: BlockHeader, bytes: ArraySlice<UInt8>)

    private struct State {
        var stretches: [[Member]] = []
        var isAtEnd = false
        var error: RetortError?
        var isReleased = false
    }

    private enum Next {
        case stretch([Member])
        case end(RetortError?)
    }

    /// Maximum chunks of about `StoreLimits.copyBufferBytes` that wait.
    private static let stretchesMax = 4

    private let shared: Monitor<State>?
    private var cursor: MemberCursor
    private var stretch: ArraySlice<Member> = []

    init(_ cursor: MemberCursor, onThread: Bool) {
        self.cursor = cursor
        guard onThread else {
            shared = nil
            return
        }
        let shared = Monitor(State())
        self.shared = shared
        WorkThread.start { Self.read(cursor, shared) }
    }

    deinit { shared?.update { $0.isReleased = true } }

    /// The next member, compressed; nil at the end. Throws what `MemberCursor.next` throws.
    func next() throws(RetortError) -> Member? {
        guard let shared else {
            guard let member = try cursor.next() else { return nil }
            return (member.header, member.member)
        }
        if stretch.isEmpty {
            let next: Next = shared.wait { state in
                if !state.stretches.isEmpty { return .stretch(state.stretches[0]) }
                return state.isAtEnd ? .end(state.error) : nil
            }
            switch next {
            case .stretch(let members):
                stretch = members[...]
                shared.update { _ = $0.stretches.removeFirst() }
            case .end(let error):
                if let error { throw error }
                return nil
            }
        }
        return stretch.popFirst()
    }

    private static func read(_ cursor: MemberCursor, _ shared: Monitor<State>) {
        var cursor = cursor
        while true {
            let (members, isAtEnd, error) = readStretch(&cursor)
            shared.update { state in
                if !members.isEmpty { state.stretches.append(members) }
                state.isAtEnd = isAtEnd
                state.error = error
            }
            if isAtEnd { return }
            let goesOn = shared.wait { state -> Bool? in
                state.isReleased ? false : state.stretches.count < Self.stretchesMax ? true : nil
            }
            if !goesOn { return }
        }
    }

    private static func readStretch(_ cursor: inout MemberCursor) -> ([Member], isAtEnd: Bool, RetortError?) {
        var members: [Member] = []
        var bytes = 0
        do throws(RetortError) {
            while bytes < StoreLimits.copyBufferBytes {
                guard let next = try cursor.next() else { return (members, true, nil) }
                members.append((next.header, next.member))
                bytes += next.header.memberBytes
            }
            return (members, false, nil)
        } catch {
            return (members, true, error)
        }
    }
}
