package import Basics
import ResponseGenerator
package import SegmentStore

extension RunSession {
    /// The answers that the run may reuse; nil if each request is sent.
    package func answerLibrary(of store: RecordStore) throws(RetortError) -> AnswerLibrary? {
        guard let reuse = settings.reuse else { return nil }
        return try AnswerLibrary(
            reuse, own: store.root, job: JobDescription(settings), classifier: settings.generator.classifier,
            folder: store.root, needsVerdict: settings.verifier != nil)
    }
}
