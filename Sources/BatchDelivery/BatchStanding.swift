/// The state of one batch: the result of its journal entries. A value.
public struct BatchStanding: Sendable, Hashable {
    public let number: Int
    public let plan: BatchPlan
    public private(set) var planned: Int
    public private(set) var file: String?
    /// The creating call may have been sent and its result is unknown.
    public private(set) var isCreating = false
    /// How many times it may have been created.
    public private(set) var creations = 0
    public private(set) var batch: String?
    public private(set) var created: Int?
    /// The provider's batches that were wrongly assumed to be this one.
    public private(set) var foreign: [String] = []
    public private(set) var total = 0
    public private(set) var succeeded = 0
    public private(set) var failed = 0
    public private(set) var expires = 0
    public private(set) var end: String?
    /// When its end was seen.
    public private(set) var ended: Int?
    /// The maximum additional cost of its requests in nanodollars, if they are also sent live; nil: they are not.
    public private(set) var overtaken: Int?
    /// How it ended in this store; nil while it is open.
    public private(set) var collected: String?

    public var isOpen: Bool { collected == nil }

    /// Whether the provider may be processing it.
    public var isSubmitted: Bool { isCreating || batch != nil }

    /// Whether its requests must not be sent in any other way.
    public var isExclusive: Bool { isSubmitted && overtaken == nil }

    /// Nil unless the entry plans a batch.
    public init?(_ entry: BatchEntry) {
        guard case .planned = entry.stage, let plan = entry.plan else { return nil }
        (number, self.plan, planned) = (entry.number, plan, entry.time)
    }

    mutating func add(_ entry: BatchEntry) {
        switch entry.stage {
        case .planned, .counted: break
        case .uploaded(let id): file = id
        case .creating:
            isCreating = true
            creations += 1
        case .created(let id):
            (batch, created, isCreating) = (id, entry.time, false)
        case .foreign(let id):
            foreign.append(id)
            forgetBatch()
            isCreating = true
        case .postponed(let id):
            if !id.isEmpty { foreign.append(id) }
            forgetBatch()
            creations = 0
        case .seen(let total, let succeeded, let failed, let expires):
            (self.total, self.succeeded, self.failed) = (total, succeeded, failed)
            self.expires = expires
        case .ended(let text): (end, ended) = (text, entry.time)
        case .overtaken(let cost): overtaken = cost
        case .collected(let text): collected = text
        }
    }

    private mutating func forgetBatch() {
        (batch, created, isCreating, end, ended) = (nil, nil, false, nil, nil)
        (total, succeeded, failed, expires) = (0, 0, 0, 0)
    }
}
