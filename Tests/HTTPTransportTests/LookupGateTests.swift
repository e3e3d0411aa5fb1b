import Basics
import ModelAPI
import Testing

@testable import HTTPTransport

@Suite struct LookupGateTests {
    private func gate(admitting count: Int) -> LookupGate<Int> {
        var gate = LookupGate<Int>()
        let admitted = (1...count).filter { gate.admit($0) }
        #expect(admitted == [1])
        return gate
    }

    @Test func opensForAllWhenTheAddressIsKnown() {
        var gate = gate(admitting: 4)
        #expect(!gate.isOpen)
        #expect(gate.socketOpened() == .start([2, 3, 4]))
        #expect(gate.isOpen)
        #expect(gate.socketOpened() == .nothing)
        #expect(gate.admit(5) == true)
    }

    @Test func failsAllTogetherAndTriesAgain() {
        var gate = gate(admitting: 3)
        #expect(gate.ended(1, .failed) == .fail([2, 3]))
        #expect(gate.admit(4) == true)
        #expect(gate.admit(5) == false)
        #expect(gate.socketOpened() == .start([5]))
    }

    @Test func aCancelledProbeIsFollowedByTheNext() {
        var gate = gate(admitting: 3)
        #expect(gate.ended(1, .cancelled) == .start([2]))
        #expect(gate.ended(2, .cancelled) == .start([3]))
        #expect(gate.ended(3, .cancelled) == .nothing)
        #expect(gate.admit(4) == true)
    }

    @Test func aCancelledWaiterIsForgotten() {
        var gate = gate(admitting: 3)
        #expect(gate.ended(2, .cancelled) == .nothing)
        #expect(gate.socketOpened() == .start([3]))
    }

    @Test func anAnswerOpensItToo() {
        var gate = gate(admitting: 2)
        #expect(gate.ended(1, .other) == .start([2]))
        #expect(gate.isOpen)
        gate.forget()
        #expect(!gate.isOpen)
    }

    @Test(.timeLimit(.minutes(1))) func aHundredExchangesForAnUnknownHostFailWithOneLookup() async throws {
        try await withTransport(.init(baseURL: "http://nosuchhost.invalid")) { transport, _ in
            let failures = await withTaskGroup(of: TransportFailure?.self) { group in
                for _ in 0..<100 { group.addTask { await transport.send(anyRequest).failure } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(failures.count == 100)
            #expect(failures.allSatisfy { $0?.kind == .unresolved })
            #expect(transport.statistics.inFlight == 0)
        }
    }
}
