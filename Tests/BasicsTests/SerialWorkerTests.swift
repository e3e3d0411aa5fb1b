import Basics
import Testing

@Suite(.timeLimit(.minutes(1))) struct SerialWorkerTests {
    private static let failure = RetortError(.io, "no more", remedy: "None.")

    @Test(arguments: [true, false]) func runsEveryStepInOrder(_ onThread: Bool) throws {
        let worker = SerialWorker(onThread: onThread, stepsMax: 3)
        let seen = Locked<[Int]>([])
        for number in 0..<1000 {
            try worker.submit { seen.withLock { $0.append(number) } }
        }
        try worker.drain()
        #expect(seen.withLock { $0 } == Array(0..<1000))
    }

    @Test(arguments: [true, false]) func throwsWhatAStepThrewAndDropsTheRest(_ onThread: Bool) throws {
        let worker = SerialWorker(onThread: onThread, stepsMax: 2)
        let ran = Locked(0)
        #expect(throws: RetortError.self) {
            for number in 0..<1000 {
                try worker.submit { () throws(RetortError) in
                    ran.withLock { $0 += 1 }
                    if number == 10 { throw Self.failure }
                }
            }
        }
        worker.settle()
        #expect(ran.withLock { $0 } == 11)
        if onThread { #expect(throws: RetortError.self) { try worker.drain() } }
    }

    @Test func holdsUpACallerWhoIsFarAhead() throws {
        let worker = SerialWorker(onThread: true, stepsMax: 2)
        let submitted = Monitor(0)
        let seen = Locked<Int?>(nil)
        for _ in 0..<100 {
            try worker.submit {
                // The first step blocks until three are submitted: it and one more may run, two may wait.
                let count = submitted.wait { $0 >= 3 ? $0 : nil }
                seen.withLock { $0 = $0 ?? count }
            }
            submitted.update { $0 += 1 }
        }
        try worker.drain()
        #expect(try #require(seen.withLock { $0 }) <= 4)
    }

    @Test func endsItsThreadWhenReleased() {
        final class Token: Sendable {
            let released: Monitor<Bool>
            init(_ released: Monitor<Bool>) { self.released = released }
            deinit { released.update { $0 = true } }
        }
        let released = Monitor(false)
        do {
            let worker = SerialWorker(onThread: true, stepsMax: 2)
            let token = Token(released)
            try? worker.submit { _ = token }
        }
        // The thread has released what it held.
        released.wait { $0 ? () : nil }
    }
}
