import Basics
import ModelAPI
import Testing

@testable import ResponseGenerator

@Suite struct RefusalWatchTests {
    private func watch(_ equalMax: Int = 32, worked: Bool = false) -> RefusalWatch {
        RefusalWatch(equalMax: equalMax, hasWorkedBefore: worked)
    }

    private func settlement(_ serial: UInt64, body: Int = 0) -> Settlement {
        let ticket = Ticket(serial: serial, request: ModelRequest(path: "/", body: []))
        let failure = ItemFailure(.badRequest, "no", status: 400, body: [UInt8](repeating: 1, count: body))
        return Settlement(
            ticket: ticket, result: .failure(failure), latency: .zero, finishedAt: Instant(nanoseconds: 0))
    }

    /// Refuses an item and holds it if the watch says so.
    private func refuse(
        _ watch: inout RefusalWatch, _ suspect: Refusal.Suspect, _ serial: UInt64, text: String = "no",
        namesModel: Bool = false
    ) -> RefusalWatch.Fate {
        let fate = watch.refused(Refusal(suspect, .badRequest, text), status: 400, namesModel: namesModel)
        if fate == .hold { watch.hold(settlement(serial), suspect, namesModel: namesModel) }
        return fate
    }

    @Test(arguments: [Refusal.Suspect.permission, .model, .address])
    func aFewItemsConfirmWhatAllShare(suspect: Refusal.Suspect) {
        var watch = watch()
        for serial in 0..<2 as Range<UInt64> {
            #expect(refuse(&watch, suspect, serial) == .hold)
            #expect(watch.error == nil)
        }
        #expect(refuse(&watch, suspect, 2) == .hold)
        #expect(watch.error == Refusal(suspect, .badRequest, "no").error)
        // A request in flight succeeds, so only the three items are at fault.
        #expect(watch.worked().map(\.ticket.serial) == [0, 1, 2])
        #expect(watch.error == nil && watch.heldCount == 0)
        #expect(refuse(&watch, suspect, 3) == .settle, "from now on the item alone is at fault")
    }

    @Test(arguments: [Refusal.Suspect.permission, .model, .address])
    func fewerConfirmWhenNothingElseIsLeft(suspect: Refusal.Suspect) {
        var watch = watch()
        _ = refuse(&watch, suspect, 0)
        let end = watch.ended()
        #expect(end.failed.isEmpty && end.error == Refusal(suspect, .badRequest, "no").error)
    }

    @Test func aKeyIsProofUntilItHasWorked() {
        var watch = watch()
        #expect(refuse(&watch, .key, 0) == .stop)
        _ = watch.worked()
        // The key may have run out of quota: three refusals in a row show it.
        #expect(refuse(&watch, .key, 1) == .hold)
        #expect(watch.worked().count == 1)
        for serial in 2..<5 as Range<UInt64> { #expect(refuse(&watch, .key, serial) == .hold) }
        #expect(watch.error?.code == .refused)
        var late = self.watch()
        _ = late.worked()
        _ = refuse(&late, .key, 0)
        #expect(late.ended().failed.count == 1, "at the end of a run that worked it has failed")
    }

    @Test func anItemThatNamesItsModelSpeaksForItself() {
        var watch = watch()
        for serial in 0..<31 as Range<UInt64> {
            #expect(refuse(&watch, .model, serial, text: "model m\(serial) unknown", namesModel: true) == .hold)
        }
        #expect(watch.error == nil)
        _ = refuse(&watch, .model, 31, text: "model m31 unknown", namesModel: true)
        #expect(watch.error != nil, "but not for the whole input")
        var other = self.watch()
        #expect(refuse(&other, .key, 0, namesModel: true) == .hold)
    }

    @Test func equalRejectionsStopTheRun() {
        var watch = watch()
        for serial in 0..<31 as Range<UInt64> {
            #expect(refuse(&watch, .request, serial, text: "row \(serial): bad 'p\(serial)'") == .hold)
        }
        #expect(watch.error == nil)
        #expect(refuse(&watch, .request, 31, text: "row 31: bad 'q'") == .hold && watch.error != nil)
    }

    @Test func unequalOnesStopItLater() {
        var watch = watch(10)
        var count = 0
        while watch.error == nil, count < 1000 {
            let text = String((0...count).map { _ in "x" })
            _ = refuse(&watch, .request, UInt64(count), text: text)
            count += 1
        }
        #expect(count == 40)
    }

    @Test func rejectionsAreFailuresWhenTheInputEndsBefore() {
        var watch = watch()
        for serial in 0..<5 as Range<UInt64> { _ = refuse(&watch, .request, serial) }
        _ = refuse(&watch, .permission, 5)
        let end = watch.ended()
        #expect(end.failed.map(\.ticket.serial) == [0, 1, 2, 3, 4])
        #expect(end.error?.code == .refused && watch.heldCount == 0)
    }

    @Test(arguments: [Refusal.Suspect.shape, .length])
    func whatIsPaidOrTheItemsOwnIsRecordedAtOnce(suspect: Refusal.Suspect) {
        var watch = watch(8)
        var count = 0
        while watch.error == nil, count < 1000 {
            #expect(refuse(&watch, suspect, UInt64(count)) == .settle)
            count += 1
        }
        #expect(count == (suspect == .shape ? 8 : 32))
        #expect(watch.heldCount == 0)
    }

    @Test func aRunThatWorksEndsOnlyAfterManyInARow() {
        var watch = watch(8)
        for round in 0..<100 {
            if round % 31 == 0 { _ = watch.worked() }
            #expect(refuse(&watch, .request, UInt64(round)) == .settle)
        }
        #expect(watch.error == nil)
        for round in 0..<32 { _ = refuse(&watch, .permission, UInt64(round), text: "account closed") }
        #expect(watch.error != nil)
        var lengths = self.watch(8)
        _ = lengths.worked()
        for round in 0..<500 { _ = refuse(&lengths, .length, UInt64(round)) }
        #expect(lengths.error == nil, "an input sorted by length is no reason")
    }

    @Test func earlierAnswersSpeakForKeyAndModel() {
        var watch = watch(worked: true)
        for serial in 0..<5 as Range<UInt64> { #expect(refuse(&watch, .permission, serial) == .hold) }
        #expect(watch.error == nil)
        #expect(watch.ended().failed.count == 5)
        #expect(refuse(&watch, .key, 9) == .stop)
    }

    @Test func certificatesAreProofUntilOneWasGood() {
        var watch = watch()
        #expect(refuse(&watch, .certificate, 0) == .stop)
        _ = watch.worked()
        #expect(refuse(&watch, .certificate, 0) == .retry)
    }

    @Test func theLimitCanBeLifted() {
        var watch = watch(0)
        for serial in 0..<500 as Range<UInt64> { #expect(refuse(&watch, .request, serial) == .settle) }
        #expect(watch.error == nil)
    }

    @Test func bodiesThatAreHeldAreBounded() {
        var watch = watch(1000)
        for serial in 0..<200 as Range<UInt64> {
            watch.hold(settlement(serial, body: 65_536), .request, namesModel: false)
        }
        let bytes = watch.ended().failed.reduce(0) { sum, settlement in
            guard case .failure(let failure) = settlement.result else { return sum }
            return sum + failure.body.count
        }
        #expect(bytes < 65 * 65_536 + 200 * 1024)
    }
}

@Suite struct ErrorTallyTests {
    @Test(arguments: [
        ("HTTP 400: row 17 is bad", "HTTP 400: row 99812 is bad", true),
        ("request req_011CSHoEeq: no", "request req_77aaBBx9: no", true),
        ("Invalid 'messages[3]'", "Invalid 'tools[0].name'", true),
        ("the model `nope` does not exist", "the model `gpt-9` does not exist", true),
        ("used $0.13 of $0.10", "used $1.25 of $1.20", true),
        ("8f14e45f-ceea-467f-a2d1-11aa: x", "c9f0f895-fb98-4b91-99c5-22bb: x", true),
        ("can't do, won't", "can't say, won't", false),
        ("HTTP 400: bad temperature", "HTTP 400: bad seed", false),
        ("", "x", false), ("'", "\"", false), ("a 'b", "a 'c", false),
        (#"not JSON: {"id":"a1","te"#, #"not JSON: {"id":"b2","text":"half of"#, true),
        (#"not JSON: {"id":"a1","n":1"#, #"not JSON: {"id":"a1","n":[{"b":"}"},"#, true),
        (#"not JSON: {"#, #"not JSON: {"choices":[{"text":"a \"b\"}..."#, true),
        (#"not JSON: [{"a"#, #"not JSON: {"a"#, false),
        (#"no JSON: {"a"#, #"a gap: {"a"#, false),
        (#"bad {"a":"b"} seed"#, #"bad {"a":"b"} temperature"#, false),
        ("value {a is bad", "value {b is bad", false),
    ])
    func whatDiffersFromItemToItemDoesNotCount(one: String, other: String, isEqual: Bool) {
        #expect((ErrorText.kind(of: one) == ErrorText.kind(of: other)) == isEqual)
    }

    @Test func theMostFrequentAreShownFirst() {
        var tally = ErrorTally()
        for number in 0..<10 { tally.note("HTTP 429: wait \(number) s") }
        for number in 0..<4 { tally.note("HTTP 500: rank \(number)") }
        tally.note("connection refused")
        tally.note("rare")
        #expect(tally.isChanged)
        #expect(
            tally.takeTop() == [
                ErrorCount(text: "HTTP 429: wait 0 s", count: 10), ErrorCount(text: "HTTP 500: rank 0", count: 4),
                ErrorCount(text: "connection refused", count: 1),
            ])
        #expect(!tally.isChanged)
    }

    @Test func aFrequentOneIsFoundAmongManyRareOnes() {
        var tally = ErrorTally()
        for number in 0..<5000 {
            tally.note(String(repeating: "x", count: 1 + number % 500) + "y")
            if number % 3 == 0 { tally.note("the same") }
        }
        #expect(tally.takeTop().first?.text == "the same")
    }

    @Test func longTextsAreCut() {
        var tally = ErrorTally()
        tally.note(String(repeating: "long ", count: 100_000))
        #expect(tally.takeTop()[0].text.count == ErrorTally.textCharactersMax)
    }
}
