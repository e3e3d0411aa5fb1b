public import Basics

extension FaultPlan {
    /// Reads rates and outages: `429=0.02,500=0.01,hang=0.1%,down=20s@5s`. A share is a number from 0 to 1 or a
    /// percentage; `down=LENGTH@START` may be repeated. Throws a configuration error that names the part it cannot read.
    public init(parsing specification: String) throws(RetortError) {
        for part in Self.parts(of: specification) {
            let (name, value) = try Self.pair(part, in: specification, example: "429=0.02")
            if name == "down" {
                outages.append(try Self.outage(value, part: part, in: specification))
            } else {
                let fault = try Self.fault(name, in: specification)
                guard let share = Self.share(value) else {
                    throw Self.refusal(
                        "\"\(value)\" is not a share of requests", part: part, in: specification,
                        remedy: "Give a number from 0 to 1, or a percentage such as 2%.")
                }
                rates.append(Rate(fault, share))
            }
        }
        // Tolerance for rounding: ten times 0.1 is not exactly 1.
        guard rates.reduce(0, { $0 + $1.share }) <= 1 + 1e-9 else {
            throw RetortError(
                .configuration, "the shares of the faults add up to more than 1", at: specification,
                remedy: "Lower some of them.")
        }
    }

    /// Reads a script that applies to every item: `1=500,2=429,3-5=hang` gives the faults of the first, the second, and
    /// the third to fifth attempt.
    public static func script(parsing specification: String) throws(RetortError) -> [Step] {
        var steps: [Step] = []
        for part in parts(of: specification) {
            let (name, value) = try pair(part, in: specification, example: "1=500")
            let bounds = name.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { Int($0) }
            guard let first = bounds[0], let last = bounds[bounds.count - 1], first >= 1, first <= last else {
                throw refusal(
                    "\"\(name)\" is not an attempt", part: part, in: specification,
                    remedy: "Attempts count from 1: write 2=429, or 1-3=500 for the first three.")
            }
            steps.append(Step(first...last, try fault(value, in: specification)))
        }
        return steps
    }

    private static func parts(of specification: String) -> [Substring] {
        specification.isEmpty ? [] : specification.split(separator: ",", omittingEmptySubsequences: false)
    }

    private static func pair(
        _ part: Substring, in specification: String, example: String
    ) throws(RetortError) -> (Substring, Substring) {
        let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty else {
            throw refusal(
                "\"\(part)\" is not of the form NAME=VALUE", part: part, in: specification,
                remedy: "Write it like \(example).")
        }
        return (sides[0], sides[1])
    }

    private static func fault(_ name: Substring, in specification: String) throws(RetortError) -> Fault {
        guard let fault = Fault(rawValue: String(name)) else {
            throw RetortError(
                .configuration, "\"\(name)\" is not a fault", at: specification,
                remedy: "The faults are \(Fault.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
        return fault
    }

    private static func share(_ text: Substring) -> Double? {
        let isPercentage = text.hasSuffix("%")
        guard let number = Double(isPercentage ? text.dropLast() : text) else { return nil }
        let share = isPercentage ? number / 100 : number
        return share >= 0 && share <= 1 ? share : nil
    }

    private static func outage(
        _ text: Substring, part: Substring, in specification: String
    ) throws(RetortError) -> Outage {
        let sides = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard sides.count == 2, let length = DurationText.seconds(sides[0]), let start = DurationText.seconds(sides[1])
        else {
            throw refusal(
                "\"\(text)\" is not an outage", part: part, in: specification,
                remedy: "Write down=LENGTH@START, such as down=20s@5s: down for 20 s, 5 s after the start.")
        }
        return Outage(start: .seconds(start), length: .seconds(length))
    }

    private static func refusal(
        _ message: String, part: Substring, in specification: String, remedy: String
    ) -> RetortError {
        RetortError(
            .configuration, message, at: specification == part ? specification : "\(part) in \(specification)",
            remedy: remedy)
    }
}
