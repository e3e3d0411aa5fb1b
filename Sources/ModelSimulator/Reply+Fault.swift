import Basics

extension SimulatorConfiguration {
    /// The reply that carries a completion, modified by the fault.
    func reply(with completion: Completion, fault: Fault?, latency: Interval) -> Reply {
        var completion = completion
        if fault == .fewerChoices, completion.request.choices > 1 { completion.generations.removeLast() }
        for index in completion.generations.indices {
            fault?.alter(&completion.generations[index], hugeBytes: hugeBytes)
        }
        var reply = reply(with: completion, isMalformed: fault == .malformed)
        let tokenTime = timePerToken * Double(completion.completionTokens)
        reply.delay = completion.request.streams ? latency : latency + tokenTime
        let receipt = Receipt(
            item: completion.request.item, promptTokens: completion.request.promptTokens,
            completionTokens: completion.completionTokens, isFlex: completion.request.isFlex)
        if fault?.isAnswer ?? true { reply.receipt = receipt }
        // A proxy's web page does not come from the model and is not billed. Every other answer was generated.
        if fault != .garbage { reply.bill = receipt }
        switch fault {
        case .hang: reply.ending = .silence
        case .stall: reply.ending = .stall(after: reply.body.count / 2)
        case .reset: reply.ending = .reset(after: reply.body.count / 2)
        case .slow:
            reply.delay = (reply.delay > .zero ? reply.delay : .milliseconds(100)) * slowFactor
            reply.timePerToken = reply.timePerToken * slowFactor
        case .truncate: reply.cutHalf()
        case .garbage:
            reply.contentType = "text/html"
            reply.body = Array("<!doctype html><title>Simulated proxy</title><h1>This is not the API</h1>\n".utf8)
            reply.marks = []
        case .empty:
            reply.body = []
            reply.marks = []
        default: break
        }
        return reply
    }

    private func reply(with completion: Completion, isMalformed: Bool) -> Reply {
        var reply = Reply()
        if completion.request.streams {
            var stream = completion.stream(isSound: !isMalformed || completion.malformedShape == .sound)
            swap(&reply.body, &stream.body)
            reply.marks = stream.marks
            reply.timePerToken = timePerToken
            reply.contentType = "text/event-stream"
        } else {
            reply.body = completion.body(isMalformed ? completion.malformedShape : .sound)
        }
        return reply
    }
}

extension Reply {
    /// Drops the second half of the body; the HTTP framing stays valid.
    fileprivate mutating func cutHalf() {
        body.removeLast(body.count / 2)
        guard !marks.isEmpty else { return }
        marks.removeAll { $0.end > body.count }
        marks.append(EventStream.Mark(end: body.count, tokens: marks.last?.tokens ?? 0))
    }
}

extension Completion {
    /// How the fault `malformed` breaks the answer: the text itself if JSON was requested, else the surrounding object.
    fileprivate var malformedShape: Shape {
        if request.isJSON { return .sound }
        let shapes = Shape.allCases.dropFirst()
        return shapes[shapes.startIndex + Int(identifier % UInt64(shapes.count))]
    }
}

extension Fault {
    /// Changes the text of an answer.
    fileprivate func alter(_ generation: inout Generation, hugeBytes: Int) {
        switch self {
        case .length:
            generation.cut(toTokens: max(1, generation.tokens / 2))
            generation.finish = .length
        case .contentFilter:
            generation.content = []
            generation.finish = .contentFilter
        case .malformed:
            generation.content.removeLast(generation.content.count / 2)
        case .huge:
            let sentence = Array("All of this is filler. ".utf8)
            while generation.content.count < hugeBytes { generation.content += sentence }
        default: break
        }
    }
}
