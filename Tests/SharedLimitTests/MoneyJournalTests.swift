import Basics
import Glibc
import Testing

@testable import SharedLimit

/// The limiter's state after any change of its file: it is a state that was written, or the file is rejected.
@Suite struct MoneyJournalTests {
    private let path: String

    init() throws {
        var template = Array("/tmp/retort-money-XXXXXX".utf8CString)
        path = try #require(mkdtemp(&template).map { String(cString: $0) }) + "/state"
    }

    private func bytes() throws -> [UInt8] {
        let file = try #require(fopen(path, "r"))
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 10_000)
        let count = fread(&bytes, 1, bytes.count, file)
        return Array(bytes.prefix(count))
    }

    private func put(_ bytes: [UInt8]) throws {
        let file = try #require(fopen(path, "w"))
        defer { fclose(file) }
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    }

    private func written() throws -> (bytes: [UInt8], steps: [[String: Int]]) {
        var steps: [[String: Int]] = [[:]]
        let journal = try MoneyJournal(path)
        #expect(!journal.isRestart)
        for number in 1...12 {
            try journal.note("client-\(number % 3)", limit: number * 1000)
            steps.append(journal.money)
        }
        return (try bytes(), steps)
    }

    /// A kill, or a disk that has lost the end: the remaining state is one that was current at some moment.
    @Test func cutOffAnywhereItIsAsItWas() throws {
        let (bytes, steps) = try written()
        var last = 0
        for count in 0...bytes.count {
            try put(Array(bytes.prefix(count)))
            let journal = try MoneyJournal(path)
            #expect(journal.isRestart)
            let step = try #require(steps.lastIndex(of: journal.money))
            #expect(step >= last)
            last = step
            // It continues after it.
            try journal.note("later", limit: 5)
            #expect(journal.money["later"] == 5)
        }
        #expect(last == steps.count - 1)
    }

    @Test func aFlippedBitIsNeverAnotherAmount() throws {
        let (bytes, steps) = try written()
        var refused = 0
        for index in bytes.indices {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[index] ^= 1 << UInt8(bit)
                try put(damaged)
                do throws(RetortError) {
                    let money = try MoneyJournal(path).money
                    #expect(money == steps.last, "byte \(index), bit \(bit)")
                } catch {
                    #expect(error.code == .damagedData)
                    refused += 1
                }
            }
        }
        #expect(refused > bytes.count * 6)
    }

    @Test func aStateOfVersionOneGoesOn() throws {
        try put(Array((#"{"format":"retort limit","version":1}"# + "\n" + #"{"client":"a","limit":7}"# + "\n").utf8))
        let journal = try MoneyJournal(path)
        #expect(journal.money == ["a": 7])
        try journal.note("b", limit: 8)
    }
}
