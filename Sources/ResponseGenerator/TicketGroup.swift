/// The items of one shared request.
struct TicketGroup: Sendable {
    let shared: SharedRequest
    let members: [Ticket]
}

extension Ticket {
    /// The shared request's ticket. It is sent, limited, paid for and retried as a whole.
    convenience init(_ shared: SharedRequest, members: [Ticket]) {
        let first = members[0]
        self.init(
            serial: first.serial, request: shared.request, estimatedTokens: shared.estimatedTokens,
            costMax: shared.costMax, price: first.price, namesModel: first.namesModel)
        group = TicketGroup(shared: shared, members: members)
    }

    /// Groups consecutive tickets that share a request.
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

    /// Adds the group's attempts to those of its items.
    func joinAttempts(of group: Ticket) { attemptsInGroup = group.priorAttempts + group.attempts }
}
