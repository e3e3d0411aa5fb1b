import CCurl
import CDeflate
import CHTTPParser
import CMicroHTTPD
import COpenSSL
import CPCRE2
import CSimdJSON
import CXXHash
import CYAML
import CZlib

/// The versions of the system libraries in use.
enum LibraryVersions {
    /// Names and versions, in the order of `--version`. libdeflate gives its version at compile time only.
    static let all: [(name: String, version: String)] = [
        ("libcurl", text(curl_version_info(CURLVERSION_FIRST)?.pointee.version)),
        ("OpenSSL", text(OpenSSL_version(OPENSSL_VERSION_STRING))),
        ("http-parser", numbers(Int(clamping: http_parser_version()), bitsEach: 8)),
        ("libmicrohttpd", text(MHD_get_version())),
        ("simdjson", text(json_outline_library_version())),
        ("zlib", text(zlibVersion())),
        ("libdeflate", LIBDEFLATE_VERSION_STRING),
        ("libyaml", text(yaml_get_version_string())),
        ("PCRE2", pcre2Version()),
        ("xxHash", xxHashVersion()),
    ]

    /// At most two lines of a terminal; no newline at the end.
    static var line: String { "with " + all.map { "\($0.name) \($0.version)" }.joined(separator: ", ") }

    /// The first word: PCRE2 and others append a date.
    private static func text(_ version: UnsafePointer<CChar>?) -> String {
        guard let version else { return "unknown" }
        return String(cString: version).split(separator: " ").first.map(String.init) ?? "unknown"
    }

    /// Splits one number into three parts, highest first.
    private static func numbers(_ version: Int, bitsEach bits: Int) -> String {
        let mask = 1 << bits - 1
        return [version >> (2 * bits), version >> bits, version].map { String($0 & mask) }.joined(separator: ".")
    }

    private static func pcre2Version() -> String {
        let what = UInt32(PCRE2_CONFIG_VERSION)
        let length = pcre2_config_8(what, nil)
        guard length > 0 else { return "unknown" }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(length)) { buffer in
            pcre2_config_8(what, buffer.baseAddress) > 0 ? text(buffer.baseAddress) : "unknown"
        }
    }

    /// Two decimal digits for each of its last two parts.
    private static func xxHashVersion() -> String {
        let version = Int(XXH_versionNumber())
        return [version / 10_000, version / 100 % 100, version % 100].map(String.init).joined(separator: ".")
    }
}
