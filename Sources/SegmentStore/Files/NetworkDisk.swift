internal import CStatFS

/// File systems whose locks are kept by a server.
enum NetworkDisk {
    /// `f_type` of `statfs`, from the kernel's `magic.h` and the file systems' own headers: NFS, Lustre, GPFS, BeeGFS, Ceph,
    /// CIFS, SMB 2, AFS, 9P.
    private static let types: Set<UInt32> = [
        0x6969, 0x0BD0_0BD0, 0x4750_4653, 0x1983_0326, 0x00C3_6400, 0xFF53_4D42, 0xFE53_4D42, 0x5346_414F, 0x0102_1997,
    ]

    static func isUnder(_ descriptor: Int32) -> Bool {
        types.contains(retort_file_system_type(descriptor))
    }
}
