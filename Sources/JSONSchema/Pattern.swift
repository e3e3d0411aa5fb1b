internal import Basics
internal import CPCRE2

/// An ECMA-262 regular expression with Unicode semantics, compiled by PCRE2. Not anchored, as `pattern` requires.
final class Pattern: @unchecked Sendable {
    // Unchecked: the compiled code is only read.

    /// The pattern as the schema writes it.
    let source: String
    fileprivate let code: OpaquePointer

    /// Maximum bytes of a pattern.
    static let bytesMax = 32 * 1024

    /// Throws `.badInput` for an invalid pattern.
    init(_ source: String) throws(RetortError) {
        self.source = source
        guard source.utf8.count <= Self.bytesMax else {
            throw RetortError(.badInput, "the pattern is longer than \(Self.bytesMax) bytes")
        }
        let translated = try PatternTranslator.pcre(source)
        var number: Int32 = 0
        var offset = 0
        let options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C | PCRE2_ALLOW_EMPTY_CLASS
        let code = translated.withCString {
            pcre2_compile_8(
                UnsafeRawPointer($0).assumingMemoryBound(to: UInt8.self), translated.utf8.count, options, &number,
                &offset, nil)
        }
        guard let code else {
            var text = [UInt8](repeating: 0, count: 200)
            pcre2_get_error_message_8(number, &text, text.count)
            throw RetortError(
                .badInput, "the pattern \(source) cannot be compiled",
                cause: String(decoding: text.prefix { $0 != 0 }, as: UTF8.self))
        }
        pcre2_jit_compile_8(code, PCRE2_JIT_COMPLETE)
        self.code = code
    }

    deinit { pcre2_code_free_8(code) }
}

/// The state that matching needs in addition to the pattern. One per thread.
final class PatternMatching {
    private let data: OpaquePointer
    private let context: OpaquePointer

    /// PCRE2's maximum number of backtracking steps per match. It bounds patterns with exponential run time.
    private static let matchLimit: UInt32 = 1_000_000
    /// Maximum KiB of heap per match when the pattern is interpreted instead of run as machine code.
    private static let heapLimitKiB: UInt32 = 8_192

    init() {
        guard let data = pcre2_match_data_create_8(1, nil), let context = pcre2_match_context_create_8(nil) else {
            fatalError("out of memory")
        }
        pcre2_set_match_limit_8(context, Self.matchLimit)
        pcre2_set_heap_limit_8(context, Self.heapLimitKiB)
        self.data = data
        self.context = context
    }

    deinit {
        pcre2_match_data_free_8(data)
        pcre2_match_context_free_8(context)
    }

    /// Whether the pattern matches anywhere in the text; nil when it exceeds the limits.
    func match(_ pattern: Pattern, _ text: ArraySlice<UInt8>) -> Bool? {
        var result = run(pattern, text, 0)
        // The compiled machine code has a small stack of its own.
        if result == PCRE2_ERROR_JIT_STACKLIMIT { result = run(pattern, text, PCRE2_NO_JIT) }
        if result <= PCRE2_ERROR_UTF8_ERR1, result >= PCRE2_ERROR_UTF8_ERR21 {
            // Half a surrogate pair is not valid UTF-8 and is matched as U+FFFD.
            let repaired = Array(String(decoding: text, as: UTF8.self).utf8)
            result = run(pattern, repaired[...], PCRE2_NO_JIT)
        }
        switch result {
        case 0...: return true
        case PCRE2_ERROR_NOMATCH: return false
        default: return nil
        }
    }

    private func run(_ pattern: Pattern, _ text: ArraySlice<UInt8>, _ options: UInt32) -> Int32 {
        text.withUnsafeBufferPointer { buffer in
            var empty: UInt8 = 0
            return withUnsafePointer(to: &empty) { none in
                pcre2_match_8(pattern.code, buffer.baseAddress ?? none, buffer.count, 0, options, data, context)
            }
        }
    }
}
