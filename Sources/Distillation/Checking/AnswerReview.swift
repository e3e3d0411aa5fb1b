package import Basics
package import Dataset
import JSONText
import ModelAPI
import ResponseGenerator
package import SegmentStore

/// Judges a store's records by a check: answers by their text, failures by the body that they keep. Used by one thread.
package struct AnswerReview {
    /// The result for an answer.
    package enum Standing {
        /// It fits, and its value is the one in the record. The text says how the value was found.
        case same(String)
        /// It fits with another value than the record's, or the record has none.
        case changed(String)
        case unfit(String)
    }

    private let check: AnswerCheck
    private let classifier: Classifier
    private let isOfElements: Bool
    private let parser = JSONParser()

    package init(_ check: AnswerCheck, job: StoredJob) {
        self.check = check
        var classifier = Classifier(
            rejectedFinishReasons: job.rejectedFinishReasons, splitsThinking: job.splitsThinking)
        isOfElements = job.isOfElements
        classifier.stages = isOfElements ? ItemsOption.stages(check, around: [check.stage]) : [check.stage]
        self.classifier = classifier
    }

    // MARK: Answers

    package func standing(of record: StoredRecord) throws(RetortError) -> Standing {
        let view = try view(of: record)
        do throws(RetortError) {
            let found = try value(of: view)
            let isSame = view.token(.value).elementsEqual(found.value) && view.text(.valueFound) == found.layer
            return isSame ? .same(found.layer) : .changed(found.layer)
        } catch {
            return .unfit(error.description)
        }
    }

    /// The record's line with the value of its text under the check; the unchanged line if it has no such value.
    package func line(of record: StoredRecord) throws(RetortError) -> [UInt8] {
        let view = try view(of: record)
        guard let found = try? value(of: view), let start = RecordHead.membersOffset(in: record.line) else {
            return record.line
        }
        var layer: [UInt8] = []
        JSONString.append(found.layer, to: &layer)
        var line = Array(record.line[..<start])
        func add(_ member: RecordMember, _ token: some Collection<UInt8>) {
            if line.count > start { line.append(UInt8(ascii: ",")) }
            member.appendKey(to: &line)
            line.append(contentsOf: token)
        }
        // A record of an earlier version lacks these members; they are appended.
        var isMissing = true
        for (key, value) in view.root.members where key.range.lowerBound >= start {
            if key.isText(RecordMember.valueFound.name) { continue }
            if key.isText(RecordMember.value.name) {
                add(.value, found.value)
                add(.valueFound, layer)
                isMissing = false
                continue
            }
            if line.count > start { line.append(UInt8(ascii: ",")) }
            line.append(contentsOf: key.raw)
            line.append(UInt8(ascii: ":"))
            line.append(contentsOf: value.raw)
        }
        if isMissing {
            add(.value, found.value)
            add(.valueFound, layer)
        }
        line.append(UInt8(ascii: "}"))
        return line
    }

    /// The value in an answer, as a record's member.
    private func value(of view: RecordView) throws(RetortError) -> (value: [UInt8], layer: String) {
        let found = try check.stage.value(in: text(of: view), finish: view.text(.finishReason))
        var token: [UInt8] = []
        JSONString.appendText(found.value.raw, to: &token)
        return (token, found.layer.rawValue)
    }

    /// The text in which the answer's value is looked for.
    private func text(of view: RecordView) -> [UInt8] {
        if let arguments = AnswerTool.arguments(in: view.json(.toolCalls)[...], with: parser) { return arguments }
        let text = JSONString.unescape(Self.response(of: view).dropFirst().dropLast())
        guard isOfElements else { return text }
        // An element that is a text is JSON as the record's value only.
        let value = view.json(.value)
        let isText =
            value.first == UInt8(ascii: "\"") && JSONString.unescape(value.dropFirst().dropLast()) == text
        return isText ? value : text
    }

    /// The answer's original text.
    private static func response(of view: RecordView) -> ArraySlice<UInt8> {
        let token = view.token(.response)
        guard view.token(.other).count > AskedTurns.emptyText.count,
            let other = try? JSONParser().parse(view.json(.other)).root["response_as_received"], other.kind == .string
        else { return token }
        return other.raw
    }

    private func view(of record: StoredRecord) throws(RetortError) -> RecordView {
        do {
            return RecordView(try parser.parse(record.line).root)
        } catch {
            throw RetortError(
                .damagedData, "the record of \(record.head.key) is not JSON", cause: "\(error)",
                remedy: "`retort verify --deep` looks for more.")
        }
    }

    // MARK: Failures

    /// Maximum milliseconds accepted from a record.
    private static let latencyMax = 1 << 40

    /// Whether a failure is an answer that did not fit.
    package static func isCandidate(_ record: StoredRecord) -> Bool {
        record.head.failureClass == FailureClass.invalidOutput.rawValue
    }

    /// The record of the answer that a failure keeps, if it fits now; otherwise nil.
    package func success(
        ofFailure record: StoredRecord, codec: RecordCodec, pricing: Pricing
    ) throws(RetortError) -> NewRecord? {
        guard Self.isCandidate(record) else { return nil }
        let view = try view(of: record)
        let body = view.member(.body)?.stringBytes ?? []
        let reply = ModelReply(status: view.integer(.httpStatus), body: body)
        guard reply.status / 100 == 2, view.request != nil,
            case .answer(let answer) = classifier.classify(.success(reply), with: parser)
        else { return nil }
        let item = try FailedItems.item(record, nil, nil, pricing, parser)
        var codec = codec
        let created = Int64(view.integer(.created))
        let milliseconds = Int64(min(max(0, view.integer(.latency)), Self.latencyMax))
        codec.now = { created }
        // The failure's record stays on disk and states the answer's cost.
        codec.isPaidBefore = (view.cost ?? 0) > 0
        return codec.record(
            Outcome(
                context: item.context, result: .answer(answer), attempts: item.priorAttempts,
                latency: .milliseconds(milliseconds), finishedAt: .now))
    }
}
