import Basics
import CommandLine

/// Describes a route before it is taken.
package struct RouteText {
    package let plan: RoutePlan
    /// Whether the rate was measured or assumed.
    package let isPaceMeasured: Bool
    /// The maximum cost of rows in batches, in dollars at the batches' price; nil: unknown.
    package let batchDollarsMax: Double?

    private func span(_ seconds: Double) -> String { Human.duration(.seconds(max(0, seconds))) }

    package var deadline: String {
        let left = plan.terms.deadline - plan.terms.now
        return "\(DeadlineText.text(plan.terms.deadline)), "
            + (left >= 0 ? "in \(span(left))" : "\(span(-left)) ago: everything goes live")
    }

    /// The division, with a reason for each part.
    package var lines: [String] {
        guard plan.terms.items > 0 else { return ["nothing to send"] }
        var lines: [String] = []
        let inBatches = plan.batchItems + plan.terms.underWay
        if inBatches > 0 { lines.append(batches) }
        if plan.liveItems > 0 || inBatches == 0 { lines.append(live) }
        if let twice { lines.append(twice) }
        if !plan.isFeasible {
            lines.append(
                "live requests alone would take about \(span(plan.liveSeconds)), longer than there is: the deadline holds "
                    + "only if batches come back in time")
        }
        return lines
    }

    private var batches: String {
        var text = "\(Human.count(plan.batchItems)) items in batches"
        if plan.terms.underWay > 0 { text += ", in addition to \(Human.count(plan.terms.underWay)) in progress" }
        if let share = plan.terms.batchShare { text += ", at \(Human.percent(Int(share * 100), of: 100)) of the price" }
        return text
            + ": expected in \(span(plan.terms.expected)); what is not back by \(DeadlineText.text(plan.cutoff)) is "
            + "cancelled and goes live"
    }

    private var live: String {
        let items = plan.liveItems
        var text = "\(Human.count(items)) items "
        let hasBatches = plan.batchItems + plan.terms.underWay > 0
        if let until = plan.flexUntil(items, hasBatches: hasBatches, now: plan.terms.now),
            let share = plan.terms.flexShare
        {
            text +=
                "in the flexible tier, at \(Human.percent(Int(share * 100), of: 100)) of the price, and live from "
                + DeadlineText.text(until)
        } else {
            text += "live"
        }
        return text + ": " + reason
    }

    /// Why not all rows are sent in batches.
    private var reason: String {
        let left = plan.terms.deadline - plan.terms.now
        guard let share = plan.terms.batchShare else { return "the server has no batches that are known" }
        if share >= 1 { return "its batches cost no less (--batch-discount says what they save)" }
        if left <= 0 { return "the deadline has passed" }
        if plan.terms.items == plan.terms.underWay { return "no others are left" }
        let pace =
            isPaceMeasured ? "as answers have taken so far" : "if an answer takes \(Int(RoutePlan.latencyAssumed)) s"
        return
            "no time for more than \(Human.count(plan.batchItems + plan.terms.underWay)) to go live after a batch that "
            + "does not come back (\(span(plan.liveSeconds)) for all, \(pace))"
    }

    private var twice: String? {
        guard plan.batchItems + plan.terms.underWay > 0 else { return nil }
        let most = batchDollarsMax.map { "at most \(Human.dollars($0))" } ?? "at most the price of these batches"
        return
            "paid twice: \(most), where the provider does not end a cancelled batch by \(DeadlineText.text(plan.giveUp))"
    }
}
