import Basics
import Testing

@testable import ResponseGenerator

@Suite("A budget that several runs share")
struct BudgetPoolTests {
    private func check(_ isTaken: Bool, is expected: Bool, at place: SourceLocation = #_sourceLocation) {
        #expect(isTaken == expected, sourceLocation: place)
    }

    private func take(_ cost: Int, _ budget: inout Budget) -> Bool { budget.takes(cost) }

    @Test("What one has set aside or spent, the other may not spend; what it cost less goes back")
    func shared() {
        let pool = BudgetPool(limit: 100, spent: 10)
        var first = Budget(sharing: pool, spent: 10, uncertain: 0)
        var second = Budget(sharing: pool, spent: 0, uncertain: 0)
        check(take(60, &first), is: true)
        first.reserve(60)
        check(take(31, &second), is: false)
        check(take(30, &second), is: true)
        second.reserve(30)
        check(take(1, &first), is: false)
        first.settle(reserved: 60, spent: 20)
        check(take(41, &second), is: false)
        check(take(40, &second), is: true)
        second.reserve(40)
        second.settle(reserved: 40, spent: nil)
        second.settle(reserved: 30, spent: 30)
        #expect(second.uncertain == 40)
        check(take(1, &first), is: false)
        check(take(1, &second), is: false)
        #expect(first.spent + second.spent + first.uncertain + second.uncertain == 100)
    }

    @Test("Another limit holds from then on; below what is spent nothing is given")
    func limitChanges() {
        let pool = BudgetPool(limit: 10, spent: 8)
        var budget = Budget(sharing: pool, spent: 8, uncertain: 0)
        check(take(3, &budget), is: false)
        pool.setLimit(11)
        check(take(3, &budget), is: true)
        budget.reserve(3)
        pool.setLimit(5)
        budget.settle(reserved: 3, spent: 0)
        check(take(1, &budget), is: false)
        pool.setLimit(9)
        check(take(1, &budget), is: true)
        #expect(pool.limit == 9)
    }

    @Test("Whatever happens, spent and set aside together stay within the limit")
    func never() {
        var random = SystemRandomNumberGenerator()
        let pool = BudgetPool(limit: 1000, spent: 0)
        var budgets = (0..<3).map { _ in Budget(sharing: pool, spent: 0, uncertain: 0) }
        var flights: [(budget: Int, cost: Int)] = []
        for _ in 0..<5000 {
            let number = Int.random(in: 0..<3, using: &random)
            let cost = Int.random(in: 0...90, using: &random)
            if Bool.random(using: &random), budgets[number].takes(cost) {
                budgets[number].reserve(cost)
                flights.append((number, cost))
            } else if let flight = flights.popLast() {
                let spent = Int.random(in: 0..<10, using: &random)
                let actual = spent == 0 ? nil : min(flight.cost, spent / 3)
                budgets[flight.budget].settle(reserved: flight.cost, spent: actual)
            }
            let sum = budgets.reduce(0) { $0 + $1.spent + $1.unrecordedMax }
            #expect(sum <= 1000)
        }
    }

    @Test("A pool from which too much was spent gives nothing")
    func overdrawn() {
        var budget = Budget(sharing: BudgetPool(limit: 5, spent: 9), spent: 9, uncertain: 0)
        check(take(0, &budget), is: true)
        check(take(1, &budget), is: false)
        #expect(budget.refusal(of: 1).cause?.contains("all stages together") == true)
    }
}
