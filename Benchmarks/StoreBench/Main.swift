import Basics
import Glibc
import SegmentStore

/// What the store costs. `store-bench [RECORDS] [DIRECTORY]`; a million short records in a new directory of /tmp by
/// default. `store-bench lookups RECORDS STORE` asks a store that is left of that once more. `store-bench sizes FILE`
/// compares block sizes and levels on the lines of a JSONL file, `store-bench packing FILE` numbers of threads that compress.
@main struct StoreBench {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        if arguments.first == "sizes", let path = arguments.dropFirst().first {
            return try SizeTable(lines: StoredLines(path)).run()
        }
        if arguments.first == "packing", let path = arguments.dropFirst().first {
            return try PackingTable(lines: StoredLines(path)).run()
        }
        if arguments.first == "fill", arguments.count == 3,
            let records = arguments.dropFirst().first.flatMap({ Int($0) })
        {
            let table = RateTable(directory: arguments.last!, records: records)
            return try table.append(to: arguments.last! + "/killed", dies: true)
        }
        if arguments.first == "lookups", arguments.count == 3,
            let records = arguments.dropFirst().first.flatMap({ Int($0) })
        {
            return try RateTable(directory: "", records: records).lookups(arguments.last!)
        }
        let records = arguments.first.flatMap { Int($0) } ?? 1_000_000
        var template = Array("/tmp/store-bench-XXXXXX".utf8CString)
        let made = mkdtemp(&template).map { String(cString: $0) }
        guard let directory = arguments.dropFirst().first ?? made else { fatalError("mkdtemp: \(errno)") }
        try RateTable(directory: directory, records: records).run()
        print("left in \(directory)")
    }
}

/// One row of a plain table.
func row(_ name: String, _ value: String, _ mark: String = "") {
    let pad = String(repeating: " ", count: max(1, 44 - name.count))
    print("\(name)\(pad)\(value)\(mark.isEmpty ? "" : "   (mark: \(mark))")")
}

/// With maximum three digits after the point.
func decimal(_ value: Double) -> String {
    let thousandths = Int((value * 1000).rounded())
    let fraction = String(1000 + abs(thousandths) % 1000).dropFirst()
    return "\(thousandths < 0 ? "-" : "")\(abs(thousandths) / 1000).\(fraction)"
}

/// CPU seconds of this process, all threads.
func processSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func wallSeconds() -> Double { Double(Instant.now.nanoseconds) / 1e9 }

/// Anonymous resident memory in MB: what mapped files take is not counted.
func anonymousMegabytes() -> Double {
    guard let file = fopen("/proc/self/status", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, 256, file) != nil {
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if text.hasPrefix("RssAnon:") { return (Double(text.filter(\.isNumber)) ?? 0) / 1024 }
    }
    return 0
}
