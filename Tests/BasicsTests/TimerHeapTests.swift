import Basics
import TestSupport
import Testing

@Suite struct TimerHeapTests {
    private func at(_ nanoseconds: Int64) -> Instant { Instant(nanoseconds: nanoseconds) }

    @Test func firesInOrderOfDeadlineThenOfInsertion() {
        var heap = TimerHeap<String>()
        for (name, deadline) in [("c", 30), ("a", 10), ("b1", 20), ("b2", 20), ("d", 40)] as [(String, Int64)] {
            heap.insert(name, at: at(deadline), id: heap.reserve())
        }
        #expect(heap.earliest == at(10))
        #expect(heap.popDue(at(9)) == nil)
        var fired: [String] = []
        while let (_, name) = heap.popDue(at(30)) { fired.append(name) }
        #expect(fired == ["a", "b1", "b2", "c"])
        #expect(heap.count == 1)
    }

    @Test func removesOnce() {
        var heap = TimerHeap<Int>()
        let id = heap.reserve()
        heap.insert(7, at: at(1), id: id)
        #expect(heap.remove(id: id) == 7)
        #expect(heap.remove(id: id) == nil)
        #expect(heap.popDue(at(99)) == nil)
        #expect(heap.earliest == nil)
    }

    @Test func agreesWithASortedListUnderRandomUse() {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        var heap = TimerHeap<UInt64>()
        var model: [(deadline: Int64, id: UInt64)] = []
        for _ in 0..<5000 {
            if random.next() % 3 != 0 || model.isEmpty {
                let deadline = Int64(random.next() % 50)
                let id = heap.reserve()
                heap.insert(id, at: at(deadline), id: id)
                model.append((deadline, id))
            } else if random.next() % 2 == 0 {
                let index = Int(random.next() % UInt64(model.count))
                #expect(heap.remove(id: model[index].id) == model[index].id)
                model.remove(at: index)
            } else {
                let least = model.min { ($0.deadline, $0.id) < ($1.deadline, $1.id) }!
                #expect(heap.popDue(at(50))?.payload == least.id, "seed \(seed)")
                model.removeAll { $0.id == least.id }
            }
            #expect(heap.count == model.count)
        }
    }
}
