import Basics
import BatchDelivery
import Testing

@testable import Dataset
@testable import Distillation

private let hour = 3600.0

private func terms(
    items: Int = 1000, left: Double, pace: Double = 1, underWay: Int = 0, batch: Double? = 0.5, flex: Double? = nil,
    reserve: Double? = nil
) -> RouteTerms {
    RouteTerms(
        now: 1e9, deadline: 1e9 + left, items: items, underWay: underWay, pace: pace, reserve: reserve, expected: hour,
        batchShare: batch, flexShare: flex)
}

@Suite struct RoutePlanTests {
    @Test func withTimeForBothEverythingGoesInBatches() {
        let plan = RoutePlan(terms(left: 24 * hour))
        #expect(plan.batchItems == 1000 && plan.liveItems == 0 && plan.isFeasible)
        // A thousand items at one per second, with the safety factor, and ten minutes to cancel.
        #expect(plan.giveUp == 1e9 + 24 * hour - (1000 * RoutePlan.safety + RoutePlan.margin))
        #expect(plan.cutoff == plan.giveUp - RoutePlan.graceMax)
    }

    @Test func rowsThatCouldNotGoLiveAfterALateBatchGoLiveAtOnce() {
        let plan = RoutePlan(terms(left: 1.5 * hour))
        #expect(plan.batchItems > 0 && plan.liveItems > 0 && plan.batchItems + plan.liveItems == 1000)
        #expect(plan.cutoff >= 1e9 + hour)
        #expect(1e9 + 1.5 * hour - plan.giveUp >= Double(plan.batchItems) * RoutePlan.safety)
        let short = RoutePlan(terms(left: 0.9 * hour))
        #expect(short.batchItems == 0 && short.liveItems == 1000)
    }

    @Test func batchesThatSaveNothingAreNotUsed() {
        #expect(RoutePlan(terms(left: 24 * hour, batch: 1)).batchItems == 0)
        #expect(RoutePlan(terms(left: 24 * hour, batch: nil)).batchItems == 0)
        #expect(RoutePlan(terms(left: 24 * hour, batch: 0.5, flex: 0.4)).batchItems == 0)
    }

    @Test func aReserveThatTheUserNamesIsBelieved() {
        let plan = RoutePlan(terms(items: 1_000_000, left: 2 * hour, reserve: 600))
        #expect(plan.batchItems == 1_000_000 && plan.giveUp == 1e9 + 2 * hour - 600)
    }

    @Test func theFlexibleTierLastsAsLongAsLiveRequestsHaveTime() {
        let plan = RoutePlan(terms(left: 0.9 * hour, flex: 0.5))
        let until = plan.flexUntil(1000, hasBatches: false, now: 1e9)
        #expect(until == 1e9 + 0.9 * hour - (1000 * RoutePlan.safety + RoutePlan.margin))
        #expect(plan.flexUntil(1000, hasBatches: false, now: 1e9 + 0.9 * hour) == nil)
        #expect(RoutePlan(terms(left: hour, flex: 1)).flexUntil(1, hasBatches: false, now: 1e9) == nil)
    }

    @Test func afterTheDeadlineEverythingGoesLiveAtOnce() {
        let plan = RoutePlan(terms(left: -5, underWay: 300, flex: 0.5))
        #expect(plan.batchItems == 0 && plan.liveItems == 700 && plan.cutoff == 1e9)
        #expect(plan.giveUp == 1e9 + RoutePlan.graceLate)
        #expect(plan.flexUntil(700, hasBatches: false, now: 1e9) == nil)
    }

    @Test(arguments: [0, 1, 7, 1000, 1_000_000_000]) func whateverTheTermsAllItemsHaveAPlace(items: Int) {
        for left in [-1e6, 0, 1, 100, 4000, 90_000, 1e7] {
            for pace in [0, 1e-12, 0.1, 1e6] {
                for underWay in [0, items / 2, items] {
                    let plan = RoutePlan(terms(items: items, left: left, pace: pace, underWay: underWay))
                    #expect(plan.batchItems + plan.liveItems + underWay == items)
                    #expect(plan.batchItems >= 0 && plan.liveItems >= 0)
                    #expect(plan.cutoff >= 1e9 && plan.giveUp >= plan.cutoff)
                }
            }
        }
    }
}

@Suite struct RouteMachineTests {
    private typealias Standing = RouteMachine.Standing

    private func names(_ plan: RoutePlan, _ standings: [Standing], at now: Double = 1e9) -> [String] {
        var machine = RouteMachine(plan)
        var names: [String] = []
        for standing in standings {
            switch machine.next(standing, at: now) {
            case .batches(let leg): names.append("\(leg.kind)")
            case .live: names.append("live")
            case .settle: names.append("settle")
            case nil: names.append("over")
            }
        }
        return names
    }

    @Test func batchesThatAllComeBackAreOneLeg() {
        let plan = RoutePlan(terms(left: 24 * hour))
        #expect(names(plan, [Standing(pending: 1000), Standing(pending: 0)]) == ["whole", "over"])
    }

    @Test func whatDoesNotComeBackGoesLiveAndIsLookedAtOnceMore() {
        let plan = RoutePlan(terms(left: 24 * hour))
        let left = Standing(pending: 400, underWay: 0, leftBehind: 1)
        let done = Standing(pending: 0, underWay: 0, leftBehind: 1)
        #expect(names(plan, [Standing(pending: 1000), left, done, done]) == ["whole", "live", "settle", "over"])
    }

    @Test func otherRowsGoLiveBesideBatches() {
        let plan = RoutePlan(terms(left: 1.5 * hour))
        let sent = Standing(pending: 1000, underWay: plan.batchItems)
        let beside = Standing(pending: plan.batchItems, underWay: plan.batchItems)
        #expect(
            names(plan, [Standing(pending: 1000), sent, beside, Standing(pending: 3), Standing(pending: 0)])
                == ["submit", "live", "collect", "live", "over"])
    }

    @Test func aKilledRunGoesOnWithWhatIsUnderWay() {
        let all = Standing(pending: 1000, underWay: 1000)
        #expect(
            names(RoutePlan(terms(left: 24 * hour, underWay: 1000)), [all, Standing(pending: 0)])
                == ["collect", "over"])
        // After the deadline, batches in progress are cancelled first.
        let late = Standing(pending: 1000, underWay: 300)
        #expect(
            names(RoutePlan(terms(left: -5, underWay: 300)), [late, Standing(pending: 900), Standing(pending: 0)])
                == ["collect", "live", "over"])
    }

    @Test func aRunWithNothingToDoIsOver() {
        #expect(names(RoutePlan(terms(items: 0, left: hour)), [Standing(pending: 0)]) == ["over"])
    }
}

@Suite struct FlexGateTests {
    private let start = Instant(nanoseconds: 0)
    private func after(_ seconds: Double) -> Instant { start + .seconds(seconds) }

    @Test func requestsWaitWhileThereIsNoRoomAndOneTriesAgain() {
        var gate = FlexGate(until: after(1000))
        #expect(gate.choice(at: start) == .flex)
        gate.refused(at: start)
        // Further refusals of the same moment do not lengthen the pause.
        gate.refused(at: start)
        #expect(gate.choice(at: after(1)) == .wait(until: after(5)))
        #expect(gate.choice(at: after(5)) == .flex)
        #expect(gate.choice(at: after(5)) == .wait(until: after(6)))
        gate.refused(at: after(6))
        #expect(gate.choice(at: after(7)) == .wait(until: after(16)))
        #expect(gate.choice(at: after(16)) == .flex)
        gate.returned(isAnswered: true)
        #expect(gate.choice(at: after(16)) == .flex && gate.flexAnswers == 1)
    }

    @Test func atTheEndOfItsTimeNothingWaits() {
        var gate = FlexGate(until: after(7))
        gate.refused(at: after(4))
        #expect(gate.choice(at: after(5)) == .wait(until: after(7)))
        #expect(gate.choice(at: after(7)) == .standard)
    }

    @Test func aTryThatFailsForAnotherReasonLetsTheNextOneTry() {
        var gate = FlexGate(until: after(1000))
        gate.refused(at: start)
        #expect(gate.choice(at: after(5)) == .flex)
        gate.returned(isAnswered: false)
        #expect(gate.choice(at: after(5)) == .flex)
    }

    @Test func aTierThatIsUnknownIsNotAskedForAgain() {
        var gate = FlexGate(until: after(1000))
        gate.refusedForGood()
        gate.returned(isAnswered: true)
        #expect(gate.choice(at: start) == .standard)
    }
}

@Suite struct DeadlineTextTests {
    @Test func momentsAreReadAsPeopleWriteThem() throws {
        let now = 1_764_547_200.0  // 2025-12-01T00:00:00Z, a Monday
        #expect(try DeadlineText.seconds("2h", now: now) == now + 7200)
        #expect(try DeadlineText.seconds("1h30m", now: now) == now + 5400)
        #expect(try DeadlineText.seconds("2025-12-01T09:00Z", now: now) == now + 9 * 3600)
        #expect(try DeadlineText.seconds("2025-12-01T09:00:30+01:00", now: now) == now + 8 * 3600 + 30)
        for text in ["9:00", "Mon 9:00", "monday  9:00", "2025-12-03 23:59", "2025-12-03T23:59"] {
            let seconds = try DeadlineText.seconds(text, now: now)
            #expect(seconds > now && seconds < now + 8 * 86_400, "\(text)")
        }
        let monday = try DeadlineText.seconds("Mon 9:00", now: now)
        #expect(DeadlineText.text(monday).hasPrefix("Mon ") && DeadlineText.text(monday).hasSuffix(" 09:00:00"))
        #expect(try DeadlineText.seconds("Mon 9:00", now: monday) == monday + 7 * 86_400)
        #expect(try DeadlineText.seconds("9:00", now: monday) == monday + 86_400)
    }

    @Test(arguments: [
        "", "soon", "25:00", "9:60", "9", "Foo 9:00", "2025-13-01 9:00", "-2h", "9:00 Mon", "9999-01-01T00:00Z",
    ])
    func whatIsNoMomentIsRefused(text: String) {
        #expect(throws: (any Error).self) { try DeadlineText.seconds(text, now: 1_764_547_200) }
    }
}
