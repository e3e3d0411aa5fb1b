import Basics
import Foundation
import JSONSchema
import JSONText

/// `schema-bench SCHEMA.json VALUES.jsonl [ROUNDS]`: microseconds of CPU for parsing and for checking one value, and how
/// many values are valid, so that another validator's verdicts can be compared.
@main
struct Main {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3 else {
            print("usage: schema-bench SCHEMA.json VALUES.jsonl [ROUNDS]")
            exit(64)
        }
        let schema = try JSONSchema(Array(try Data(contentsOf: URL(fileURLWithPath: arguments[1]))))
        let lines = Array(try Data(contentsOf: URL(fileURLWithPath: arguments[2]))).split(separator: 0x0A).map(
            Array.init)
        let rounds = arguments.count > 3 ? Int(arguments[3]) ?? 1 : 1
        let parser = JSONParser()
        let validator = SchemaValidator(schema)
        var valid = 0
        let parsing = try cpuMicroseconds { for _ in 0..<rounds { for line in lines { _ = try parser.parse(line) } } }
        let values = try lines.map { try parser.parse($0).root }
        let checking = try cpuMicroseconds {
            for _ in 0..<rounds { for value in values where try validator.isValid(value) { valid += 1 } }
        }
        let count = Double(rounds * values.count)
        let bytes = lines.map(\.count).reduce(0, +)
        print("values \(values.count), valid \(valid / rounds), bytes a value \(bytes / max(1, values.count))")
        print("parsing \(hundredths(parsing / count)) us, checking \(hundredths(checking / count)) us")
    }

    private static func cpuMicroseconds(_ work: () throws -> Void) rethrows -> Double {
        let start = clock()
        try work()
        return Double(clock() - start) / Double(CLOCKS_PER_SEC) * 1e6
    }

    private static func hundredths(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
