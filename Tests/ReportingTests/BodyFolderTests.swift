import Basics
import RunTestSupport
import SegmentStore
import Testing

@testable import Reporting

@Suite struct BodyFolderTests {
    private let folder = LivingFixture.Folder()

    @Test func everyKeyHasANameOfItsOwn() {
        #expect(BodyFolder.name(of: RecordKey("a-1.b")) == "a-1.b")
        #expect(BodyFolder.name(of: RecordKey("../x%")) == "%2E.%2Fx%25")
        #expect(BodyFolder.name(of: RecordKey("a", sample: 2)) == "a~2")
        let long = String(repeating: "x", count: 5000)
        let names = [long, long + "y", ""].map { BodyFolder.name(of: RecordKey($0)) }
        #expect(Set(names).count == 3 && names.allSatisfy { !$0.isEmpty && $0.utf8.count <= 255 })
    }

    @Test func aFolderWithFilesIsRefused() throws {
        var bodies = try BodyFolder(folder("bodies"))
        try bodies.write(Array("<html>".utf8), of: RecordKey("a"))
        try bodies.write(Array("{}".utf8), of: RecordKey("b"))
        try bodies.write([], of: RecordKey("c"))
        #expect(bodies.written == 2 && bodies.empty == 1)
        #expect(LivingFixture.names(in: folder("bodies")) == ["a.html", "b.json"])
        #expect(failure { _ = try BodyFolder(folder("bodies")) }?.code == .usage)
    }
}
