import Testing

@testable import Dataset
@testable import Distillation

@Suite("A run for a number of accepted answers")
struct AcceptedGoalTests {
    private typealias Count = AcceptedGoal.Count

    @Test("Until the share is known no more is sent than is missing; then what brings it, as far as can be told")
    func room() {
        var count = Count(wanted: 100, accepted: 40)
        #expect(count.room == 60)
        count.handOut(60)
        #expect(count.room == 0)
        count.settle(accepted: 2, of: 10)
        #expect(count.room == 8)
        count.settle(accepted: 3, of: 10)
        // 55 are missing, a quarter is accepted, 40 are in flight.
        #expect(count.share == 0.25 && count.room == 220 - 40)
        count.settle(accepted: 0, of: 40)
        #expect(!count.isReached && count.room == 660)
        count.handOut(660)
        count.settle(accepted: 55, of: 660)
        #expect(count.isReached && count.room == 0)
    }

    @Test("What is not waited for leaves room, and a share of nothing does not")
    func lost() {
        var count = Count(wanted: 10, accepted: 0)
        count.handOut(10)
        count.lost = 4
        #expect(count.room == 4)
        count.lost = 0
        count.settle(accepted: 0, of: 10)
        count.handOut(10)
        count.settle(accepted: 0, of: 10)
        #expect(count.room == 1000)
    }

    @Test("Further samples go on with what the earlier ones have shown")
    func samples() {
        var first = Count(wanted: 50, accepted: 0)
        first.handOut(100)
        first.settle(accepted: 10, of: 100)
        let second = Count(wanted: 50, accepted: 10, after: first)
        #expect(second.share == 0.1 && second.room == 400)
    }

    @Test("Nothing is given out once enough are accepted, and a waiting source is woken", .timeLimit(.minutes(1)))
    func waiting() async {
        let goal = AcceptedGoal(Count(wanted: 2, accepted: 0)) { _ in }
        #expect(await goal.take(5) == 2)
        async let next = goal.take(5)
        goal.settle(accepted: 1, of: 2)
        #expect(await next == 1)
        async let last = goal.take(5)
        goal.settle(accepted: 1, of: 1)
        #expect(await last == nil)
    }
}
