import Testing

@testable import HTTPTransport

@Suite struct AnswerMemoryTests {
    private let memory = AnswerMemory()

    @Test func findsWhatTheConnectionHasBrought() {
        #expect(memory.note(7, connection: 1, isFirst: true) == .new)
        #expect(memory.note(8, connection: 1, isFirst: false) == .new)
        #expect(memory.note(7, connection: 1, isFirst: false) == .repeated)
        #expect(memory.note(8, connection: 2, isFirst: true) == .new)
        #expect(memory.note(7, connection: 2, isFirst: false) == .new)
    }

    @Test func twoFirstAnswersShowThatTheServerRepeatsItself() {
        #expect(memory.note(7, connection: 1, isFirst: true) == .new)
        #expect(memory.note(7, connection: 2, isFirst: true) == .new)
        #expect(memory.note(7, connection: 1, isFirst: false) == .new)
        #expect(memory.note(7, connection: 3, isFirst: false) == .new)
    }

    @Test func whatIsLearntIsNotFoundAgain() {
        for connection in 0..<2 as Range<UInt64> {
            #expect(memory.note(7, connection: connection, isFirst: false) == .new)
        }
        #expect(memory.note(7, connection: 1, isFirst: false) == .repeated)
        memory.learn(7)
        #expect(memory.note(7, connection: 0, isFirst: false) == .new)
    }

    @Test func remembersAQuarterOfItsRoomWithoutALoss() {
        let count = UInt64(AnswerMemory.slotCount / 16)
        // The hashes of a server are spread evenly.
        func hash(_ number: UInt64) -> UInt64 { number &* 0xD6E8_FEB8_6659_FD93 ^ number << 7 }
        for number in 0..<count { #expect(memory.note(hash(number), connection: 9, isFirst: false) == .new) }
        let lost = (0..<count).count { memory.note(hash($0), connection: 9, isFirst: false) == .new }
        #expect(lost < Int(count / 50))
    }

    @Test func aServerThatOftenRepeatsItselfIsLeftAlone() {
        for hash in 0...UInt64(AnswerMemory.repeatableMax) { memory.learn(hash) }
        #expect(memory.isIndifferent)
        for _ in 0..<2 { #expect(memory.note(7, connection: 1, isFirst: false) == .new) }
    }
}
