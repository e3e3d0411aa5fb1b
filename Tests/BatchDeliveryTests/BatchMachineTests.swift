import Basics
import JSONText
import Testing

@testable import BatchDelivery

/// A provider and a disk, as values: their state survives a kill of the process.
private struct World: Hashable {
    var files: [String] = []
    /// The input files of the batches.
    var batches: [String?] = []
    var journal: [BatchStage] = []
    var collections = 0
    /// Status calls until the batch has ended.
    var looksLeft = 2

    static let plan = BatchPlan(
        name: "retort-1.jsonl", mark: "ab", path: "/chat/completions", window: "24h", server: "s", requests: 3,
        bytes: 1,
        tokens: 1, costMax: 1)

    var standing: BatchStanding {
        var standing = BatchStanding(BatchEntry(number: 1, .planned, time: 0, plan: Self.plan))!
        for stage in journal { standing.add(BatchEntry(number: 1, stage, time: 0)) }
        return standing
    }

    /// Carries out an action.
    mutating func act(_ action: BatchMachine.Action) -> BatchMachine.Event? {
        switch action {
        case .note(let stage):
            journal.append(stage)
            return .noted
        case .findFile: return .foundFile(files.first)
        case .upload:
            files.append("file-\(files.count)")
            return .uploaded(files[files.count - 1])
        case .findBatch: return .foundBatch(batches.isEmpty ? nil : "batch-0")
        case .create(let file):
            batches.append(file)
            return .created("batch-\(batches.count - 1)")
        case .cancel: return .cancelled
        case .look(let id):
            var view = BatchView(id: id)
            looksLeft = max(0, looksLeft - 1)
            if looksLeft == 0 { view.end = .completed }
            return .looked(view)
        case .collect:
            collections += 1
            return .collected(.whole)
        case .release: return .released
        case .wait: return .waited
        case .finished, .stopped: return nil
        }
    }

    enum Mishap: CaseIterable { case killedBefore, killedAfter, answerLost }

    /// One run of the process. The mishap happens at its step, counted from 0. False when the process was killed.
    mutating func live(hasFiles: Bool, isFirst: Bool, mishap: (step: Int, kind: Mishap)?) -> (isOver: Bool, steps: Int)
    {
        var machine = BatchMachine(hasFiles: hasFiles, forgets: false, from: isFirst ? nil : standing)
        var action = machine.begin()
        var steps = 0
        while steps < 100 {
            if let mishap, steps == mishap.step {
                if mishap.kind == .killedBefore { return (false, steps) }
                let event = act(action)
                if mishap.kind == .killedAfter { return (false, steps) }
                guard let event else { return (true, steps) }
                steps += 1
                if case .note = action {
                    action = machine.happened(event)
                } else if case .wait = action {
                    action = machine.happened(event)
                } else {
                    action = machine.happened(.lost(RetortError(.io, "lost")))
                }
                continue
            }
            guard let event = act(action) else { return (action == .finished(nil), steps) }
            steps += 1
            action = machine.happened(event)
        }
        return (false, steps)
    }
}

@Suite struct BatchMachineTests {
    /// All pairs of mishaps at all steps of two runs of the process.
    @Test(arguments: [true, false]) func noMishapMakesTwoBatchesOrNone(hasFiles: Bool) {
        var whole = World()
        let steps = whole.live(hasFiles: hasFiles, isFirst: true, mishap: nil).steps
        #expect(whole.batches.count == 1 && whole.collections == 1 && steps >= 8)
        var tried = 0
        for first in 0...steps {
            for kind in World.Mishap.allCases {
                var world = World()
                var isOver = world.live(hasFiles: hasFiles, isFirst: true, mishap: (first, kind)).isOver
                if !isOver {
                    let (before, again) = (world, BatchMachine.triesMax)
                    for second in 0..<again {
                        for nextKind in World.Mishap.allCases {
                            var next = before
                            isOver = next.standing.isOpen ? false : true
                            if !isOver {
                                isOver =
                                    next.live(hasFiles: hasFiles, isFirst: false, mishap: (second, nextKind)).isOver
                            }
                            if next.standing.isOpen {
                                #expect(next.live(hasFiles: hasFiles, isFirst: false, mishap: nil).isOver)
                            }
                            expectOne(next, hasFiles)
                            tried += 1
                        }
                    }
                    world = before
                    if world.standing.isOpen {
                        #expect(world.live(hasFiles: hasFiles, isFirst: false, mishap: nil).isOver)
                    }
                }
                expectOne(world, hasFiles)
            }
        }
        #expect(tried > 500)
    }

    private func expectOne(_ world: World, _ hasFiles: Bool) {
        #expect(world.batches.count == 1)
        #expect(world.collections >= 1)
        #expect(!world.standing.isOpen)
        #expect(world.files.count == (hasFiles ? 1 : 0))
        if hasFiles { #expect(world.batches == [world.files[0]]) }
    }

    @Test func theIntentionToCreateIsNotedBeforeTheCall() {
        var machine = BatchMachine(hasFiles: true, forgets: false)
        #expect(machine.begin() == .upload)
        #expect(machine.happened(.uploaded("f")) == .note(.uploaded(file: "f")))
        #expect(machine.happened(.noted) == .note(.creating))
        #expect(machine.happened(.noted) == .create(file: "f"))
        #expect(machine.happened(.created("b")) == .note(.created(batch: "b")))
        #expect(machine.happened(.noted) == .look("b"))
    }

    @Test func aLostCreationIsLookedForLongerEachTimeAndNotedBeforeItIsRepeated() {
        var machine = BatchMachine(hasFiles: false, forgets: false)
        #expect(machine.begin() == .note(.creating))
        #expect(machine.happened(.noted) == .create(file: nil))
        #expect(machine.happened(.lost(RetortError(.io, "x"))) == .wait(.settling(1)))
        for looks in 2...BatchMachine.looksMax {
            #expect(machine.happened(.waited) == .findBatch(except: []))
            #expect(machine.happened(.foundBatch(nil)) == .wait(.settling(looks)))
        }
        #expect(machine.happened(.waited) == .findBatch(except: []))
        #expect(machine.happened(.foundBatch(nil)) == .note(.creating))
        #expect(machine.happened(.noted) == .create(file: nil))
    }

    @Test func aCreationThatReachedNoServerIsRepeatedWithoutALook() {
        var machine = BatchMachine(hasFiles: false, forgets: false)
        #expect(machine.begin() == .note(.creating))
        #expect(machine.happened(.noted) == .create(file: nil))
        #expect(machine.happened(.unsent(RetortError(.io, "x"))) == .wait(.again(1)))
        #expect(machine.happened(.waited) == .create(file: nil))
    }

    @Test func callsThatAreLostForEverEndTheRun() {
        var machine = BatchMachine(hasFiles: true, forgets: false)
        var action = machine.begin()
        var steps = 0
        let error = RetortError(.io, "no network")
        while action != .stopped(error), steps < 1000 {
            steps += 1
            if case .wait = action {
                action = machine.happened(.waited)
            } else {
                action = machine.happened(.lost(error))
            }
        }
        #expect(steps <= 3 * BatchMachine.triesMax)
    }

    @Test func anotherAccountsBatchIsLetAlone() {
        var standing = World().standing
        standing.add(BatchEntry(number: 1, .creating, time: 0))
        var machine = BatchMachine(hasFiles: false, forgets: false, from: standing)
        #expect(machine.begin() == .findBatch(except: []))
        #expect(machine.happened(.foundBatch("theirs")) == .note(.created(batch: "theirs")))
        #expect(machine.happened(.noted) == .look("theirs"))
        var view = BatchView(id: "theirs")
        view.end = .completed
        #expect(machine.happened(.looked(view)) == .note(.ended("completed")))
        #expect(machine.happened(.noted) == .collect(view, isLast: false))
        #expect(machine.happened(.collected(.foreign)) == .note(.foreign(batch: "theirs")))
        #expect(machine.happened(.noted) == .findBatch(except: ["theirs"]))
        #expect(machine.happened(.foundBatch(nil)) == .wait(.settling(2)))
    }

    @Test func missingResultsAreFetchedAgainAndThenTakenForLost() {
        var standing = World().standing
        standing.add(BatchEntry(number: 1, .created(batch: "b"), time: 0))
        var machine = BatchMachine(hasFiles: true, forgets: false, from: standing)
        var view = BatchView(id: "b")
        view.end = .completed
        #expect(machine.begin() == .look("b"))
        for download in 1...BatchMachine.downloadsMax {
            #expect(machine.happened(.looked(view)) == .note(.ended("completed")))
            #expect(
                machine.happened(.noted) == .collect(view, isLast: download == BatchMachine.downloadsMax))
            let next = machine.happened(.collected(.incomplete))
            guard download < BatchMachine.downloadsMax else {
                #expect(next == .note(.collected("completed")))
                break
            }
            #expect(next == .wait(.again(download)))
            #expect(machine.happened(.waited) == .look("b"))
        }
    }

    @Test func anOverdueBatchIsCancelledOnce() {
        var standing = World().standing
        standing.add(BatchEntry(number: 1, .created(batch: "b"), time: 0))
        var machine = BatchMachine(hasFiles: true, forgets: false, from: standing)
        var view = BatchView(id: "b")
        #expect(machine.begin() == .look("b"))
        #expect(machine.happened(.overdue(view)) == .cancel("b"))
        #expect(machine.happened(.cancelled) == .wait(.poll))
        #expect(machine.happened(.waited) == .look("b"))
        guard case .note(.seen) = machine.happened(.overdue(view)) else {
            Issue.record("cancelled twice")
            return
        }
        #expect(machine.happened(.noted) == .wait(.poll))
        #expect(machine.happened(.waited) == .look("b"))
        view.end = .cancelled
        #expect(machine.happened(.looked(view)) == .note(.ended("cancelled")))
        #expect(machine.happened(.noted) == .collect(view, isLast: false))
    }

    @Test func aFullQueueKeepsTheFileAndOnlyTheCreationIsRepeated() {
        var machine = BatchMachine(hasFiles: true, forgets: false)
        #expect(machine.begin() == .upload)
        #expect(machine.happened(.uploaded("f")) == .note(.uploaded(file: "f")))
        #expect(machine.happened(.noted) == .note(.creating))
        for tries in 1...3 {
            #expect(machine.happened(.noted) == .create(file: "f"))
            #expect(machine.happened(.queueFull("m")) == .note(.postponed(batch: "")))
            #expect(machine.happened(.noted) == .wait(.queue(tries, "m")))
            #expect(machine.happened(.waited) == .note(.creating))
        }
        // Some providers create the batch first and then report that it has failed.
        #expect(machine.happened(.noted) == .create(file: "f"))
        #expect(machine.happened(.created("b")) == .note(.created(batch: "b")))
        #expect(machine.happened(.noted) == .look("b"))
        var view = BatchView(id: "b")
        view.end = .failed(code: "token_limit_exceeded", message: "m")
        #expect(machine.happened(.looked(view)) == .note(.ended("failed")))
        #expect(machine.happened(.noted) == .note(.postponed(batch: "b")))
        #expect(machine.happened(.noted) == .wait(.queue(4, "m")))
    }

    @Test func whatWasPostponedWasNeverCreated() {
        var standing = World().standing
        standing.add(BatchEntry(number: 1, .uploaded(file: "f"), time: 0))
        for stage in [BatchStage.creating, .created(batch: "b"), .ended("failed"), .postponed(batch: "b")] {
            standing.add(BatchEntry(number: 1, stage, time: 0))
        }
        #expect(!standing.isSubmitted && standing.creations == 0 && standing.foreign == ["b"] && standing.end == nil)
        var machine = BatchMachine(hasFiles: true, forgets: false, from: standing)
        #expect(machine.begin() == .note(.creating))
    }

    @Test func withoutAListNothingIsFoundWhereBatchesAreToBeForgotten() {
        let error = RetortError(.refused, "unknown")
        for forgets in [false, true] {
            var standing = World().standing
            standing.add(BatchEntry(number: 1, .creating, time: 0))
            var machine = BatchMachine(hasFiles: true, forgets: forgets, from: standing)
            #expect(machine.begin() == .findBatch(except: []))
            #expect(machine.happened(.unknown(error)) == (forgets ? .wait(.settling(2)) : .stopped(error)))
        }
    }

    @Test func aFullQueueReleasesTheRequestsOfALargeBatchAndARefusalToo() {
        for (code, why) in [
            ("token_limit_exceeded", BatchMachine.Release.queueFull("m")), ("bad_file", .refused("bad_file: m")),
        ] {
            var standing = World().standing
            standing.add(BatchEntry(number: 1, .created(batch: "b"), time: 0))
            var machine = BatchMachine(hasFiles: true, forgets: false, repacks: true, from: standing)
            #expect(machine.begin() == .look("b"))
            var view = BatchView(id: "b")
            view.end = .failed(code: code, message: "m")
            #expect(machine.happened(.looked(view)) == .note(.ended("failed")))
            #expect(machine.happened(.noted) == .release(why))
            #expect(machine.happened(.released) == .note(.collected(why.name)))
            #expect(machine.happened(.noted) == .finished(why))
        }
    }

    @Test func aBatchThatTheProviderDoesNotKnowStaysOpenUnlessItIsToBeForgotten() {
        let error = RetortError(.refused, "unknown")
        for forgets in [false, true] {
            var standing = World().standing
            standing.add(BatchEntry(number: 1, .created(batch: "b"), time: 0))
            var machine = BatchMachine(hasFiles: true, forgets: forgets, from: standing)
            #expect(machine.begin() == .look("b"))
            #expect(machine.happened(.unknown(error)) == (forgets ? .release(.gone) : .stopped(error)))
        }
    }
}

@Suite struct CutBatchTests {
    private let plan = BatchPlan(
        name: "retort-1.jsonl", mark: "ab", path: "/chat/completions", window: "24h", server: "s", requests: 3,
        bytes: 1,
        tokens: 1, costMax: 1)

    /// The machine after these events, and its next action.
    private func machine(_ events: BatchMachine.Event...) -> (BatchMachine, BatchMachine.Action) {
        var machine = BatchMachine(hasFiles: true, forgets: false)
        var action = machine.begin()
        for event in events { action = machine.happened(event) }
        return (machine, action)
    }

    private let running = BatchView(id: "b")
    private var unsent: BatchMachine.Event { .unsent(RetortError(.io, "no server")) }

    @Test func whatIsNotSubmittedIsNotAnyMore() {
        var (waiting, action) = machine(unsent)
        #expect(action == .wait(.again(1)) && waiting.cut() == .release(.late))
        #expect(waiting.happened(.released) == .note(.collected("late")))
        #expect(waiting.happened(.noted) == .finished(.late))
        var (noting, _) = machine(.uploaded("f"))
        #expect(noting.cut() == nil && noting.happened(.noted) == .release(.late))
        (waiting, action) = machine(.uploaded("f"), .noted, .noted, .queueFull("full"))
        #expect(waiting.cut() == nil)
        #expect(waiting.happened(.noted) == .wait(.queue(1, "full")) && waiting.cut() == .release(.late))
    }

    @Test func whatIsUnderWayIsCancelledAndReadToItsEnd() {
        var (polling, action) = machine(
            .uploaded("f"), .noted, .noted, .created("b"), .noted, .looked(running), .noted)
        #expect(action == .wait(.poll) && polling.cut() == .cancel("b"))
        // A lost call is repeated.
        #expect(polling.happened(.lost(RetortError(.io, "lost"))) == .wait(.again(1)))
        #expect(polling.happened(.waited) == .look("b"))
        #expect(polling.happened(.looked(running)) == .cancel("b"))
        #expect(polling.happened(.cancelled) == .wait(.poll))
        #expect(polling.happened(.waited) == .look("b"))
        action = polling.happened(.looked(running))
        #expect(action == .wait(.poll), "it is cancelled once")
        var ended = running
        ended.end = .cancelled
        #expect(polling.happened(.waited) == .look("b"))
        #expect(polling.happened(.looked(ended)) == .note(.ended("cancelled")))
        #expect(polling.happened(.noted) == .collect(ended, isLast: false))
        #expect(polling.happened(.collected(.whole)) == .note(.collected("cancelled")))
    }

    @Test func aCreationOfUnknownFateIsLookedForAndNeverMadeAgain() {
        var (creating, _) = machine(.uploaded("f"), .noted, .noted)
        #expect(creating.cut() == nil)
        var action = creating.happened(.lost(RetortError(.io, "lost")))
        for _ in 0..<BatchMachine.looksMax {
            guard case .wait(.settling) = action else { return #expect(Bool(false), "\(action)") }
            #expect(creating.happened(.waited) == .findBatch(except: []))
            action = creating.happened(.foundBatch(nil))
        }
        #expect(action == .release(.gone))
    }

    @Test func aJournalTellsWhatWasLeftBehind() throws {
        var standing = BatchStanding(BatchEntry(number: 1, .planned, time: 0, plan: plan))!
        standing.add(BatchEntry(number: 1, .created(batch: "b"), time: 1))
        #expect(standing.isExclusive)
        let entry = BatchEntry(number: 1, .overtaken(cost: 77), time: 2)
        let root = try JSONParser().parse(entry.line.dropLast()).root
        #expect(BatchEntry(root)?.stage == .overtaken(cost: 77))
        standing.add(entry)
        #expect(standing.overtaken == 77 && standing.isOpen && !standing.isExclusive && standing.isSubmitted)
    }
}
