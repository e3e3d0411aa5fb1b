import Testing

@testable import CommandLine

@Suite struct SuggestionTests {
    @Test(arguments: [
        ("", "", 0), ("abc", "abc", 0), ("abc", "", 3), ("", "abc", 3), ("kitten", "sitting", 3), ("ab", "ba", 1),
        ("modle", "model", 1), ("ca", "abc", 3),
    ])
    func distances(a: String, b: String, distance: Int) {
        #expect(Suggestion.distance(a, b) == distance)
        #expect(Suggestion.distance(b, a) == distance)
    }

    @Test func theNearestWins() {
        #expect(Suggestion.nearest(to: "modal", among: ["metal", "model", "medal"]) == "model")
        #expect(Suggestion.nearest(to: "retyr", among: ["report", "retry"]) == "retry")
        #expect(Suggestion.nearest(to: "conc", among: ["concurrency", "color"]) == "concurrency")
    }

    @Test func nothingNearIsNothing() {
        #expect(Suggestion.nearest(to: "temperature", among: ["out", "model"]) == nil)
        #expect(Suggestion.nearest(to: "zz", among: ["out"]) == nil)
        #expect(Suggestion.nearest(to: "x", among: []) == nil)
    }

    @Test func aVariableThatIsNearlyAnOptionsIsSeen() {
        var spec = Sample.run
        spec.environmentPrefix = "STILL_"
        let environment = [
            "STILL_MAX_COST": "1", "STILL_MAXCOST": "1", "STILL_JOBS": "2", "STILL_JBOS": "2",
            "STILL_NOTHING_OF_THE_KIND": "3",
            "HEAT": "1",
        ]
        let found = spec.misspeltVariables(in: environment).map { "\($0.name) \($0.meant)" }
        #expect(found == ["STILL_JBOS STILL_JOBS", "STILL_MAXCOST STILL_MAX_COST"])
        #expect(Sample.run.misspeltVariables(in: environment).isEmpty)
    }
}
