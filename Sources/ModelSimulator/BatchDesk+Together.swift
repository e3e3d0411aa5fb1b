import Basics
import JSONText

/// Batches in Together's format (https://docs.together.ai/docs/batch-inference), and differences between the providers'
/// forms.
extension BatchDesk {
    func togetherJSON(_ job: BatchJob, at now: Instant) -> [UInt8] {
        func text(_ value: String?) -> String { value.map { "\"\($0)\"" } ?? "null" }
        let state = job.state == .running && job.isCancelling ? "IN_PROGRESS" : job.stateName.uppercased()
        let share = job.lines.isEmpty ? 0 : 100 * job.progress(at: now) / job.lines.count
        var output = Array(
            (#"{"id":"\#(job.id)","input_file_id":"\#(job.inputFile)","status":"\#(state)","endpoint":"\#(job.endpoint)","#
                + #""progress":\#(share),"created_at":"\#(Self.date(job.created))","#
                + #""job_deadline":"\#(Self.date(job.created + Self.windowSeconds))","#
                + #""output_file_id":\#(text(job.outputFile)),"error_file_id":\#(text(job.errorFile)),"error":"#).utf8)
        if case .failed(let code, let message) = job.state {
            output += quoted("\(code): \(message)")
        } else {
            output.append(text: "null")
        }
        return output + Array("}".utf8)
    }
}

extension ProviderForm {
    /// The `purpose` of request files at Together.
    static let togethersPurpose = "batch-api"

    /// The endpoint named by a batch's `endpoint` and its lines' `url`.
    func endpoint(
        _ url: String, _ known: [String: CompletionRequest.Endpoint]
    ) -> CompletionRequest.Endpoint? {
        known[self == .azure ? "/v1" + url : url]
    }

    /// A member of the creating call that this provider does not accept.
    func unknownMember(of root: JSONValue) -> String? {
        self == .gemini || self == .together ? root["metadata"].map { _ in "metadata" } : nil
    }
}
