// swift-tools-version: 6.2
import PackageDescription

/// The same strict settings for every Swift target.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    // The tests run with these checks, in debug builds. Of the instructions of a request they take three in a hundred.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// A C library of the system: a module map, a shim header and nothing else.
func systemLibrary(_ name: String, pkgConfig: String, apt: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt])])
}

func part(_ name: String, uses dependencies: [Target.Dependency] = [], besides documents: [String] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: documents, swiftSettings: strict)
}

func tests(of name: String, with dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: name + "Tests",
        dependencies: [.target(name: name), "TestSupport"] + dependencies,
        swiftSettings: strict)
}

let package = Package(
    name: "retort",
    platforms: [.macOS(.v26)],
    products: [
        .executable(name: "retort", targets: ["retort"]),
        .library(name: "Retort", targets: ["Retort"]),
        .library(name: "SegmentStore", targets: ["SegmentStore"]),
    ],
    targets: [
        // Libraries of the system.
        systemLibrary("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
        systemLibrary("CDeflate", pkgConfig: "libdeflate", apt: "libdeflate-dev"),
        systemLibrary("CCurl", pkgConfig: "libcurl", apt: "libcurl4-openssl-dev"),
        systemLibrary("COpenSSL", pkgConfig: "openssl", apt: "libssl-dev"),
        systemLibrary("CMicroHTTPD", pkgConfig: "libmicrohttpd", apt: "libmicrohttpd-dev"),
        systemLibrary("CYAML", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
        systemLibrary("CPCRE2", pkgConfig: "libpcre2-8", apt: "libpcre2-dev"),
        systemLibrary("CXXHash", pkgConfig: "libxxhash", apt: "libxxhash-dev"),
        .systemLibrary(name: "CHTTPParser", providers: [.apt(["libhttp-parser-dev"])]),
        .systemLibrary(name: "CEpoll"),
        .systemLibrary(name: "CProcess"),
        .systemLibrary(name: "CStatFS"),
        .target(
            name: "CSimdJSON",
            cxxSettings: [.unsafeFlags(["-O3", "-Wall", "-Wextra", "-Werror"])],
            linkerSettings: [.linkedLibrary("simdjson"), .linkedLibrary("stdc++")]),

        // Parts, lowest first.
        part("Basics", uses: ["CXXHash"]),
        part("JSONText", uses: ["CSimdJSON", "Basics"]),
        part("JSONSchema", uses: ["CPCRE2", "JSONText", "Basics"]),
        part("Gzip", uses: ["CZlib", "CDeflate", "Basics"]),
        part("Parquet", uses: ["Gzip", "Basics"]),
        part("HashTree", uses: ["COpenSSL", "Basics"]),
        part("SharedLimit", uses: ["JSONText", "Basics"]),
        part("SegmentStore", uses: ["CStatFS", "Gzip", "JSONText", "Basics"], besides: ["FORMAT.md"]),
        part("ModelAPI", uses: ["JSONText", "Basics"]),
        part("HTTPTransport", uses: ["CCurl", "COpenSSL", "CHTTPParser", "CEpoll", "Gzip", "ModelAPI", "Basics"]),
        part("ResponseGenerator", uses: ["ModelAPI", "Basics"]),
        part("BatchDelivery", uses: ["ModelAPI", "JSONText", "Basics"]),
        part("PromptSource", uses: ["JSONText", "Gzip", "Basics"]),
        part("StageSource", uses: ["PromptSource", "SegmentStore", "Filtering", "JSONText", "Basics"]),
        part("HTTPServer", uses: ["CMicroHTTPD", "Basics"]),
        part("RunMonitor", uses: ["HTTPServer", "Basics"]),
        part("ModelSimulator", uses: ["CMicroHTTPD", "HTTPServer", "JSONText", "Basics"]),
        part("Filtering", uses: ["JSONText", "Basics"]),
        part("Verifiers", uses: ["CProcess", "JSONSchema", "JSONText", "Basics"]),
        part("CommandLine", uses: ["JSONText", "Basics"]),
        part("JobFiles", uses: ["CYAML", "CommandLine", "PromptSource", "JSONText", "Basics"]),

        // A run, what it leaves, and the program.
        part(
            "Dataset",
            uses: [
                "JobFiles", "Verifiers", "BatchDelivery", "ResponseGenerator", "StageSource", "PromptSource",
                "Filtering", "SegmentStore", "ModelAPI", "CommandLine", "JSONText", "Basics",
            ]),
        part(
            "Reporting",
            uses: [
                "Dataset", "Verifiers", "Filtering", "SegmentStore", "Parquet", "Gzip", "CommandLine", "JSONText",
                "Basics",
            ]),
        part(
            "Distillation",
            uses: [
                "CProcess", "Reporting", "Dataset", "JobFiles", "RunMonitor", "SharedLimit", "HashTree", "Verifiers",
                "BatchDelivery", "ModelSimulator", "HTTPTransport", "ResponseGenerator", "StageSource",
                "PromptSource", "Filtering", "SegmentStore", "ModelAPI", "JSONSchema", "CommandLine", "JSONText",
                "Basics",
            ]),
        part(
            "Serving",
            uses: [
                "Distillation", "Dataset", "HTTPServer", "HTTPTransport", "ResponseGenerator", "PromptSource",
                "SegmentStore", "ModelAPI", "CommandLine", "JSONText", "Basics",
            ]),
        part(
            "RetortCommands",
            uses: [
                "CCurl", "CDeflate", "CHTTPParser", "CMicroHTTPD", "COpenSSL", "CPCRE2", "CSimdJSON", "CXXHash",
                "CYAML", "CZlib", "Serving", "Distillation", "Reporting", "Dataset", "JobFiles", "RunMonitor",
                "HTTPServer", "SharedLimit", "HashTree", "Verifiers", "ModelSimulator", "HTTPTransport",
                "ResponseGenerator", "PromptSource", "Filtering", "SegmentStore", "ModelAPI", "CommandLine",
                "JSONText", "Basics",
            ]),
        .executableTarget(name: "retort", dependencies: ["RetortCommands"], swiftSettings: strict),
        .target(
            name: "Retort",
            dependencies: ["RetortCommands", "HTTPTransport", "ResponseGenerator", "ModelAPI", "JSONText", "Basics"],
            path: "Sources/FrontDoor", swiftSettings: strict),

        // Benchmarks.
        .executableTarget(
            name: "transport-bench", dependencies: ["HTTPTransport", "ModelAPI", "Basics"],
            path: "Benchmarks/TransportBench", swiftSettings: strict),
        .executableTarget(
            name: "engine-bench", dependencies: ["ResponseGenerator", "ModelAPI", "JSONText", "Basics"],
            path: "Benchmarks/EngineBench", swiftSettings: strict),
        .executableTarget(
            name: "schema-bench", dependencies: ["JSONSchema", "JSONText", "Basics"],
            path: "Benchmarks/SchemaBench", swiftSettings: strict),
        .executableTarget(
            name: "store-bench", dependencies: ["SegmentStore", "Basics"],
            path: "Benchmarks/StoreBench", swiftSettings: strict),

        .executableTarget(
            name: "monitor-bench",
            dependencies: [
                "Distillation", "Dataset", "RunMonitor", "ResponseGenerator", "SegmentStore", "ModelAPI", "Basics",
            ], path: "Benchmarks/MonitorBench", swiftSettings: strict),
        .executableTarget(
            name: "shard-bench", dependencies: ["SegmentStore", "SharedLimit", "Basics"],
            path: "Benchmarks/ShardBench", swiftSettings: strict),

        // Tests.
        .target(
            name: "TestSupport", dependencies: ["Basics", "ModelAPI", "SegmentStore"], path: "Tests/TestSupport",
            swiftSettings: strict),
        tests(of: "Basics"),
        tests(of: "JSONText", with: ["Basics"]),
        tests(of: "JSONSchema", with: ["JSONText", "Basics"]),
        tests(of: "Gzip", with: ["Basics"]),
        tests(of: "Parquet", with: ["Basics"]),
        tests(of: "HashTree"),
        tests(of: "SharedLimit", with: ["Basics"]),
        tests(of: "SegmentStore", with: ["Basics", "Gzip"]),
        tests(of: "ModelAPI", with: ["JSONText", "Basics"]),
        tests(of: "HTTPTransport", with: ["COpenSSL", "ModelAPI", "ModelSimulator", "Basics"]),
        tests(of: "ResponseGenerator", with: ["ModelAPI", "Basics"]),
        tests(of: "BatchDelivery", with: ["ModelAPI", "JSONText", "Basics"]),
        tests(of: "PromptSource", with: ["JSONText", "Gzip", "Basics"]),
        tests(of: "StageSource", with: ["PromptSource", "SegmentStore", "Filtering", "JSONText", "Basics"]),
        tests(of: "HTTPServer", with: ["Basics"]),
        tests(of: "RunMonitor", with: ["HTTPServer", "Basics"]),
        tests(of: "ModelSimulator", with: ["JSONText", "Basics"]),
        tests(of: "Filtering", with: ["JSONText", "Basics"]),
        tests(of: "Verifiers", with: ["JSONText", "Basics"]),
        tests(of: "CommandLine", with: ["JSONText", "Basics"]),
        tests(of: "JobFiles", with: ["CommandLine", "PromptSource", "JSONText", "Basics"]),
        .target(
            name: "RunTestSupport",
            dependencies: [
                "RetortCommands", "Distillation", "Reporting", "Dataset", "Verifiers", "ResponseGenerator",
                "PromptSource", "Filtering", "SegmentStore", "ModelAPI", "CommandLine", "JSONText", "Basics",
            ], path: "Tests/RunTestSupport", swiftSettings: strict),
        tests(
            of: "Dataset",
            with: [
                "RunTestSupport", "ResponseGenerator", "PromptSource", "SegmentStore", "ModelAPI", "JSONText", "Basics",
            ]),
        tests(
            of: "Reporting",
            with: ["RunTestSupport", "Dataset", "SegmentStore", "Gzip", "CommandLine", "JSONText", "Basics"]),
        tests(
            of: "Distillation",
            with: [
                "RunTestSupport", "Reporting", "Dataset", "Verifiers", "BatchDelivery", "HTTPTransport",
                "ResponseGenerator", "StageSource", "PromptSource", "SegmentStore", "ModelAPI", "CommandLine",
                "JSONText",
                "Basics",
            ]),
        tests(
            of: "Serving",
            with: [
                "RunTestSupport", "RetortCommands", "Distillation", "Dataset", "HTTPServer", "ResponseGenerator",
                "SegmentStore", "ModelAPI", "CommandLine", "JSONText", "Basics",
            ]),
        tests(
            of: "RetortCommands",
            with: [
                "RunTestSupport", "Distillation", "Reporting", "Dataset", "JobFiles", "HTTPTransport",
                "ResponseGenerator", "PromptSource", "SegmentStore", "ModelAPI", "CommandLine", "JSONText", "Basics",
            ]),
        tests(of: "Retort", with: ["ModelSimulator", "Basics"]),
        .testTarget(
            name: "WholeTests",
            dependencies: [
                "Serving", "Distillation", "Reporting", "Dataset", "Verifiers", "ResponseGenerator", "PromptSource",
                "SegmentStore", "ModelAPI", "CommandLine", "JSONText", "Basics", "RetortCommands", "TestSupport",
            ], swiftSettings: strict),
    ],
    cxxLanguageStandard: .cxx17
)
