/// A line of a summary.
package typealias SummaryFact = (label: String, text: String)
