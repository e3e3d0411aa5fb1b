import Basics
import Glibc
import Testing

@Suite struct RetortErrorTests {
    /// An API's message may be a sentence with any ending.
    @Test(arguments: [
        ("no", "it: no. Do this."), ("no.", "it: no. Do this."), ("no. ", "it: no. Do this."),
        ("no!", "it: no! Do this."),
        ("why?", "it: why? Do this."), ("as follows:", "it: as follows. Do this."), ("不。", "it: 不。 Do this."),
        ("...", "it. Do this."), ("first.\nsecond.\n", "it: first.\nsecond. Do this."),
    ]) func noSentenceEndsTwice(cause: String, text: String) {
        #expect(RetortError(.refused, "it", cause: cause, remedy: "Do this.").description == text)
    }

    @Test func placeAndCauseMayBeMissing() {
        #expect(RetortError(.io, "no room", at: "a:1").description == "a:1: no room")
    }

    @Test(arguments: [ENOSPC, EACCES, EMFILE, ENFILE]) func aSystemsRefusalSaysWhatToDo(number: Int32) {
        let error = RetortError.system(number, "open", "a/b")
        #expect(error.remedy != nil && error.place == "a/b" && error.cause?.hasPrefix("open: ") == true)
    }
}
