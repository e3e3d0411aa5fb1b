import Basics
import CommandLine
import Glibc
import Testing

@Suite struct DataOutputTests {
    init() { StandardStreams.ignoreBrokenPipes() }

    @Test func nothingIsWrittenBeforeTheFlush() throws {
        let pipe = try TestPipe(blocking: false)
        let output = DataOutput(descriptor: pipe.writeEnd, name: "pipe", interactive: false)
        try output.line("a")
        try output.write("b")
        var byte: UInt8 = 0
        #expect(read(pipe.readEnd, &byte, 1) == -1)
        try output.flush()
        try output.flush()
        #expect(pipe.text() == "a\nb")
    }

    @Test func aTerminalGetsEachLineAtOnce() throws {
        let pipe = try TestPipe()
        try DataOutput(descriptor: pipe.writeEnd, name: "pipe", interactive: true).line("a")
        #expect(pipe.text() == "a\n")
    }

    /// More than a pipe holds, in pieces below and above the buffer: short writes and full pipes lose nothing.
    @Test(arguments: [true, false], [1, 1000, 65_536, 300_000])
    func everyByteArrivesOnceAndInOrder(blocking: Bool, piece: Int) async throws {
        let pipe = try TestPipe(blocking: blocking)
        let total = min(600_000, piece * 20_000)
        let bytes = (0..<total).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ ($0 >> 8)) }
        let received = try await pipe.read {
            let output = DataOutput(descriptor: pipe.writeEnd, name: "pipe", interactive: false)
            var at = 0
            while at < total {
                try output.write(bytes.span.bytes.extracting(at..<min(at + piece, total)))
                at += piece
            }
            try output.flush()
        }
        #expect(received == bytes)
    }

    @Test func aClosedPipeIsRecognised() throws {
        let pipe = try TestPipe()
        pipe.close(pipe.readEnd)
        let output = DataOutput(descriptor: pipe.writeEnd, name: "pipe", interactive: false)
        try output.line("a")
        let error = #expect(throws: RetortError.self) { try output.flush() }
        #expect(error?.isBrokenPipe == true)
        try output.flush()
    }

    @Test func aFullDiskIsNamed() throws {
        let descriptor = open("/dev/full", O_WRONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let output = DataOutput(descriptor: descriptor, name: "train.jsonl", interactive: false)
        try output.line("a")
        let error = #expect(throws: RetortError.self) { try output.flush() }
        #expect(error?.code == .noSpace)
        #expect(error?.place == "train.jsonl")
    }

    @Test func aClosedDescriptorIsAnError() throws {
        let output = DataOutput(descriptor: -1, name: "nowhere", interactive: false)
        try output.line("a")
        let error = #expect(throws: RetortError.self) { try output.flush() }
        #expect(error?.code == .io)
    }
}
