/// When a request takes the answer of an equal earlier request.
package enum ReusePolicy: String, Sendable, CaseIterable {
    case never
    /// Unless the request has a temperature above 0: then equal requests are meant to differ.
    case auto
    case always

    package func applies(temperature: Double?) -> Bool {
        switch self {
        case .never: false
        case .auto: (temperature ?? 0) <= 0
        case .always: true
        }
    }
}
