import Basics
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
}
