/// A line of a summary.
typealias SummaryFact = (label: String, text: String)
