/// The items of one request on their way.
struct TicketGroup: Sendable {
    let shared: SharedRequest
    let members: [Ticket]
}

extension Ticket {
    /// The request of several items. It is sent, limited, paid and repeated as a whole.
    convenience init(_ shared: SharedRequest, members: [Ticket]) {
        let first = members[0]
        self.init(
            serial: first.serial, request: shared.request, estimatedTokens: shared.estimatedTokens,
            costMax: shared.costMax, price: first.price, namesModel: first.namesModel)
        group = TicketGroup(shared: shared, members: members)
    }

    /// Puts those together that share a request.
    static func grouped(_ tickets: [Ticket]) -> [Ticket] {
        guard tickets.contains(where: { $0.shared != nil }) else { return tickets }
        var grouped: [Ticket] = []
        grouped.reserveCapacity(tickets.count)
        var start = 0
        while start < tickets.count {
            guard let shared = tickets[start].shared else {
                grouped.append(tickets[start])
                start += 1
                continue
            }
            let end = tickets[start...].firstIndex { $0.shared !== shared } ?? tickets.count
            let members = Array(tickets[start..<end])
            for member in members { member.shared = nil }
            grouped += members.count == shared.count ? [Ticket(shared, members: members)] : members
            start = end
        }
        return grouped
    }

    /// The group's attempts are those of its items, beside their own.
    func joinAttempts(of group: Ticket) { attemptsInGroup = group.priorAttempts + group.attempts }
}
