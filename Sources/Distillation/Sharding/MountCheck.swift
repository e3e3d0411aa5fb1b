package import Basics
import Glibc

/// Whether a store's file system honours the store's lock on all machines. Network file systems can be mounted so that
/// a lock is visible on one machine only.
package struct MountCheck {
    /// A line of `/proc/self/mounts`.
    package struct Mount: Hashable {
        package var point: String
        package var type: String
        package var options: [String]
    }

    /// The mount that contains a path, which must be absolute and free of links; nil if the table has none.
    package static func mount(of path: String, in table: String) -> Mount? {
        var best: Mount?
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: " ").map(String.init)
            guard fields.count >= 4 else { continue }
            let point = unescaped(fields[1])
            let isAbove = path == point || point == "/" || path.hasPrefix(point + "/")
            // Of two mounts at one place the later one is visible.
            guard isAbove, point.utf8.count >= best?.point.utf8.count ?? 0 else { continue }
            best = Mount(point: point, type: fields[2], options: fields[3].split(separator: ",").map(String.init))
        }
        return best
    }

    /// Spaces and similar characters are written as octal numbers in the table.
    private static func unescaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            guard byte == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (0x30...0x37).contains($0) })
            else {
                bytes.append(byte)
                continue
            }
            bytes.append(digits.reduce(0) { $0 &* 8 &+ ($1 - 0x30) })
            rest = rest.dropFirst(3)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Types of file systems that other machines mount too.
    private static let networkTypes: Set<String> = [
        "nfs", "nfs4", "lustre", "gpfs", "beegfs", "beegfs_nodev", "ceph", "cifs", "smb3", "afs", "9p", "panfs",
        "pvfs2",
        "wekafs", "glusterfs", "fuse.glusterfs", "fuse.sshfs", "fuse.ceph", "fuse.juicefs", "fuse.s3fs",
    ]

    /// The type of the network file system that a path is on or will be on; nil: none that is known.
    package static func networkType(at path: String) -> String? {
        guard let table = try? TextFile.read("/proc/self/mounts"), let real = existing(path),
            let mount = mount(of: real, in: table), networkTypes.contains(mount.type)
        else { return nil }
        return mount.type
    }

    /// Why a lock on the mount does not exclude other machines; nil if it does, or if the mount is local.
    package static func weakness(of mount: Mount) -> String? {
        let bad: [String]
        switch mount.type {
        case "nfs", "nfs4": bad = ["nolock", "local_lock=all", "local_lock=flock"]
        case "lustre": bad = ["localflock", "noflock"]
        default: return nil
        }
        // Without an explicit option Lustre has no flock.
        let isWithout = mount.type == "lustre" && !mount.options.contains("flock")
        guard let option = mount.options.first(where: { bad.contains($0) }) ?? (isWithout ? "without flock" : nil)
        else {
            return nil
        }
        return "\(mount.type) at \(mount.point) is mounted \(option): no lock keeps other machines out"
    }

    /// The weakness of a store's place, which may not exist yet.
    package static func weakness(at path: String) -> String? {
        guard let table = try? TextFile.read("/proc/self/mounts"), let real = existing(path) else { return nil }
        return mount(of: real, in: table).flatMap { weakness(of: $0) }
    }

    /// The real path of the nearest existing ancestor.
    private static func existing(_ path: String) -> String? {
        var path = path[...]
        while true {
            if let resolved = realpath(path.isEmpty ? "." : String(path), nil) {
                defer { free(resolved) }
                return String(cString: resolved)
            }
            guard errno == ENOENT, !path.isEmpty else { return nil }
            path = path.lastIndex(of: "/").map { $0 == path.startIndex ? path[...$0] : path[..<$0] } ?? ""
        }
    }

    /// Throws `.configuration` for a shard's store at such a place, since other shards run on other machines.
    package static func check(_ path: String, isShard: Bool) throws(RetortError) {
        guard isShard, let weakness = weakness(at: path) else { return }
        throw RetortError(
            .configuration, "a shard cannot be kept there", at: path, cause: weakness,
            remedy:
                "Mount it with locks (NFS: without nolock and local_lock; Lustre: flock), or give --out on another disk."
        )
    }
}
