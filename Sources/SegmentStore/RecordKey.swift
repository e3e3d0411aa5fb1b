public import Basics

/// What a record is about: the item's id, its sample, and the part of the item.
///
/// An outcome's key is unique in each lane of a store. Several records may have the key of one round, or of one
/// verdict.
public struct RecordKey: Sendable, Hashable {
    /// The part of an item that a record is about.
    public enum Part: Sendable, Hashable {
        /// How it ended.
        case outcome
        /// A paid answer that is not an outcome, numbered from 1.
        case round(UInt32)
        /// The verdict of the verifier with that name. The name has 1 to `StoreLimits.verifierBytesMax` bytes.
        case verdict(String)
    }

    /// The id's bytes: UTF-8, lone surrogates in generalised form (WTF-8).
    public var id: [UInt8]
    public var sample: UInt32
    public var part: Part

    public init(id: [UInt8], sample: UInt32 = 0, part: Part = .outcome) {
        self.id = id
        self.sample = sample
        self.part = part
    }

    public init(_ id: String, sample: UInt32 = 0, part: Part = .outcome) {
        self.init(id: Array(id.utf8), sample: sample, part: part)
    }

    /// The hash by which the index is sorted. For an outcome the XXH3-128 of the id's bytes, seeded with the sample;
    /// for a round the seed has the round's number in its high half; for a verdict a byte FF and the verifier's name
    /// follow the id.
    public var hash: Hash128 {
        switch part {
        case .outcome: return id.withUnsafeBytes { ContentHash.hash128($0, seed: UInt64(sample)) }
        case .round(let number):
            return id.withUnsafeBytes { ContentHash.hash128($0, seed: UInt64(sample) | UInt64(number) << 32) }
        case .verdict(let verifier):
            let bytes = id + [0xFF] + Array(verifier.utf8)
            return bytes.withUnsafeBytes { ContentHash.hash128($0, seed: UInt64(sample)) }
        }
    }
}

extension RecordKey.Part {
    /// Whether a record of that status may have this key.
    func fits(_ status: RecordStatus) -> Bool {
        switch (self, status) {
        case (.outcome, .ok), (.outcome, .failed): true
        case (.round(let number), .round): number > 0
        case (.verdict(let verifier), .verdict): (1...StoreLimits.verifierBytesMax).contains(verifier.utf8.count)
        default: false
        }
    }
}

extension RecordKey: CustomStringConvertible {
    public var description: String {
        let text = String(decoding: id, as: UTF8.self)
        let item = sample == 0 ? text : "\(text)#\(sample)"
        return switch part {
        case .outcome: item
        case .round(let number): "\(item), round \(number)"
        case .verdict(let verifier): "\(item), verdict of \(verifier)"
        }
    }
}
