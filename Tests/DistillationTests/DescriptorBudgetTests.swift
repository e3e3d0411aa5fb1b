import Basics
import Testing

@testable import Dataset
@testable import Distillation

@Suite struct DescriptorBudgetTests {
    @Test func theWindowNeverNeedsMoreThanThereIs() throws {
        for limit in 0...2000 {
            for perRequest in 1...2 {
                let budget = DescriptorBudget(limit: limit, used: 31, perRequest: perRequest)
                let requests = budget.requestsMax
                #expect(requests >= 0)
                guard requests > 0 else { continue }
                #expect(31 + DescriptorBudget.margin + requests * perRequest <= limit)
            }
        }
    }

    @Test func itGrowsWithTheLimit() {
        let windows = (0...300).map { DescriptorBudget(limit: $0, used: 31, perRequest: 1).requestsMax }
        #expect(windows == windows.sorted())
        #expect(windows[64] > 0 && windows[300] > 200)
    }

    @Test func theConcurrencyThatWasAskedForIsTheMost() throws {
        let budget = DescriptorBudget(limit: 1024, used: 40, perRequest: 1)
        #expect(try budget.fitted(64) == 64)
        #expect(try budget.fitted(100_000) == budget.requestsMax)
    }

    @Test func aLimitThatIsTooLowIsAnErrorWithTheNumber() {
        let error = #expect(throws: RetortError.self) {
            try DescriptorBudget(limit: 40, used: 31, perRequest: 2).fitted(1)
        }
        #expect(error?.code == .configuration)
        #expect(error?.cause == "it is 40, and at least 45 are needed")
        #expect(throws: Never.self) { try DescriptorBudget(limit: 45, used: 31, perRequest: 2).fitted(1) }
    }

    @Test func whatIsOpenIsCounted() { #expect(DescriptorBudget.count(limit: 1024) >= 1) }

    @Test func theNoticeIsOneLine() {
        let budget = DescriptorBudget(limit: 64, used: 31, perRequest: 1)
        #expect(
            budget.notice(18, insteadOf: 200, isAutomatic: false)
                == "the limit of open files (64) leaves room for 18 requests in flight, not 200; raise it with ulimit -n"
        )
        #expect(budget.notice(1, insteadOf: 512, isAutomatic: true).contains("at most 1 request in flight, not 512"))
    }
}
