import SegmentStore
import Testing

@testable import StageSource

@Suite("The names of a store's items")
struct ItemNameTests {
    private func name(_ id: String, _ sample: UInt32 = 0, samples: Int = 1) -> String {
        String(decoding: ItemName.name(of: RecordKey(id, sample: sample), samples: samples), as: UTF8.self)
    }

    @Test("Ids are kept; further samples are numbered")
    func kept() {
        #expect(name("q-17") == "q-17")
        #expect(name("q-17", samples: 4) == "q-17")
        #expect(name("q-17", 2, samples: 4) == "q-17#2")
        #expect(name("q#2") == "q#2")
        #expect(name("q#2", samples: 4) == "q#2#0")
        #expect(name("q#", 1, samples: 4) == "q##1")
    }

    @Test("No two items have one name, and each name leads back to its item")
    func unique() {
        var names: Set<[UInt8]> = []
        for id in ["a", "a#1", "a#1#0", "a#0", "a#01", "a#", "#1", "", "a#999999999", "a#9999999999"] {
            for sample in 0..<3 as Range<UInt32> {
                let key = RecordKey(id, sample: sample)
                let name = ItemName.name(of: key, samples: 3)
                #expect(names.insert(name).inserted, "\(key) has the name of another item")
                #expect(ItemName.key(of: name, samples: 3) == key)
            }
            #expect(ItemName.key(of: ItemName.name(of: RecordKey(id), samples: 1), samples: 1) == RecordKey(id))
        }
    }

    @Test("A generation's ids tell the lineage, and lead back", arguments: ["a", "a#2", "a~2", "~3", ""])
    func generations(id: String) {
        let first = Array(id.utf8)
        let second = ItemName.next(2, first)
        let third = ItemName.next(3, second)
        #expect(String(decoding: second, as: UTF8.self) == id + "~2")
        #expect(String(decoding: third, as: UTF8.self) == id + "~3")
        #expect(ItemName.before(3, third) == second && ItemName.before(2, second) == first)
        #expect(ItemName.next(nil, first) == first && ItemName.before(nil, first) == first)
    }
}
