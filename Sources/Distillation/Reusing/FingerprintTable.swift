package import Basics
import Glibc
import SegmentStore

/// Maps the low half of requests' fingerprints to record keys: a hash table in an unlinked file, so that millions of
/// entries need no process memory. One thread at a time.
package final class FingerprintTable {
    private static let slotBytes = 24
    private static let slotsMin = 1 << 12
    /// Maximum keys per fingerprint; more records of one request are no help.
    package static let keysMax = 16

    private let folder: String
    private var base: UnsafeMutableRawPointer
    private var slots: Int
    package private(set) var count = 0

    /// - Parameter folder: where the file is created, for the table's lifetime.
    package init(in folder: String) throws(RetortError) {
        self.folder = folder
        slots = Self.slotsMin
        base = try Self.map(slots, in: folder)
    }

    deinit { munmap(base, slots * Self.slotBytes) }

    private static func map(_ slots: Int, in folder: String) throws(RetortError) -> UnsafeMutableRawPointer {
        let bytes = slots * slotBytes
        var name = Array("\(folder)/.reuse-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        // Unlinked, so that it disappears with the process.
        if descriptor >= 0 { unlink(name) }
        let isFile = descriptor >= 0 && ftruncate(descriptor, bytes) == 0
        let flags = isFile ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS
        let mapped = mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, isFile ? descriptor : -1, 0)
        if descriptor >= 0 { close(descriptor) }
        guard let mapped, mapped != MAP_FAILED else {
            throw RetortError(
                .io, "no room for a table of \(bytes) bytes of answers to reuse", at: folder,
                cause: String(cString: strerror(errno)))
        }
        return mapped
    }

    private func place(_ fingerprint: UInt32) -> Int {
        Int(truncatingIfNeeded: (UInt64(fingerprint) &* 0x9E37_79B9_7F4A_7C15) >> 20) & (slots - 1)
    }

    private func isUsed(_ slot: Int) -> Bool {
        base.load(fromByteOffset: slot * Self.slotBytes + 4, as: UInt32.self) != 0
    }

    private func fingerprint(_ slot: Int) -> UInt32 {
        base.load(fromByteOffset: slot * Self.slotBytes, as: UInt32.self)
    }

    private func key(_ slot: Int) -> Hash128 {
        Hash128(
            high: base.load(fromByteOffset: slot * Self.slotBytes + 8, as: UInt64.self),
            low: base.load(fromByteOffset: slot * Self.slotBytes + 16, as: UInt64.self))
    }

    /// Adds a key, unless the fingerprint already has the maximum.
    package func insert(_ fingerprint: UInt32, _ key: Hash128) throws(RetortError) {
        if (count + 1) * 5 > slots * 3 { try grow() }
        var (slot, known) = (place(fingerprint), 0)
        while isUsed(slot) {
            if self.fingerprint(slot) == fingerprint {
                known += 1
                if known >= Self.keysMax || self.key(slot) == key { return }
            }
            slot = (slot + 1) & (slots - 1)
        }
        put(fingerprint, key, slot)
        count += 1
    }

    private func put(_ fingerprint: UInt32, _ key: Hash128, _ slot: Int) {
        let start = base + slot * Self.slotBytes
        start.storeBytes(of: fingerprint, as: UInt32.self)
        start.storeBytes(of: 1, toByteOffset: 4, as: UInt32.self)
        start.storeBytes(of: key.high, toByteOffset: 8, as: UInt64.self)
        start.storeBytes(of: key.low, toByteOffset: 16, as: UInt64.self)
    }

    private func grow() throws(RetortError) {
        let (before, slotsBefore) = (base, slots)
        base = try Self.map(slots * 2, in: folder)
        slots *= 2
        for old in 0..<slotsBefore {
            let start = before + old * Self.slotBytes
            guard start.load(fromByteOffset: 4, as: UInt32.self) != 0 else { continue }
            let fingerprint = start.load(as: UInt32.self)
            var slot = place(fingerprint)
            while isUsed(slot) { slot = (slot + 1) & (slots - 1) }
            put(
                fingerprint,
                Hash128(
                    high: start.load(fromByteOffset: 8, as: UInt64.self),
                    low: start.load(fromByteOffset: 16, as: UInt64.self)), slot)
        }
        munmap(before, slotsBefore * Self.slotBytes)
    }

    /// The keys of records whose requests may have this fingerprint.
    package func keys(_ fingerprint: UInt32) -> [Hash128] {
        var keys: [Hash128] = []
        var slot = place(fingerprint)
        while isUsed(slot), keys.count < Self.keysMax {
            if self.fingerprint(slot) == fingerprint { keys.append(key(slot)) }
            slot = (slot + 1) & (slots - 1)
        }
        return keys
    }

    package func contains(_ fingerprint: UInt32) -> Bool {
        var slot = place(fingerprint)
        while isUsed(slot) {
            if self.fingerprint(slot) == fingerprint { return true }
            slot = (slot + 1) & (slots - 1)
        }
        return false
    }
}
