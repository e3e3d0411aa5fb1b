import Testing

@testable import Dataset
@testable import Distillation
@testable import RetortCommands

@Suite struct LibraryVersionsTests {
    @Test func everyLibraryTellsItsVersion() {
        for library in LibraryVersions.all {
            #expect(library.version.wholeMatch(of: /\d+(\.\d+)+[a-z0-9.-]*/) != nil, "\(library)")
        }
        #expect(Set(LibraryVersions.all.map(\.name)).count == LibraryVersions.all.count)
    }

    @Test func theLineNamesThem() {
        #expect(LibraryVersions.line.hasPrefix("with libcurl "))
        #expect(LibraryVersions.line.contains(", PCRE2 10."))
        #expect(!LibraryVersions.line.contains("\n"))
    }
}
