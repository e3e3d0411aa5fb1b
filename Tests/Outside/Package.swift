// swift-tools-version: 6.2
import PackageDescription

// Another package that uses the libraries: `make test-outside` builds and runs it.
let package = Package(
    name: "outside",
    dependencies: [.package(name: "retort", path: "../..")],
    targets: [
        .executableTarget(
            name: "outside",
            dependencies: [
                .product(name: "Retort", package: "retort"), .product(name: "SegmentStore", package: "retort"),
            ])
    ]
)
