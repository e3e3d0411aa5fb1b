import Testing

@testable import Dataset
@testable import Distillation

@Suite struct MountCheckTests {
    private let table = #"""
        overlay / overlay rw,relatime 0 0
        /dev/sda1 /data ext4 rw 0 0
        home:/export /data/home nfs4 rw,vers=4.2,local_lock=none 0 0
        old:/export /data/my\040old nfs rw,vers=3,nolock,local_lock=none 0 0
        10.0.0.1@tcp:/scratch /scratch lustre rw,flock,lazystatfs 0 0
        10.0.0.1@tcp:/fast /fast lustre rw,localflock 0 0
        10.0.0.1@tcp:/bare /bare lustre rw,lazystatfs 0 0
        broken line
        """#

    @Test(arguments: [
        ("/", "/"), ("/data", "/data"), ("/data/home/runs", "/data/home"), ("/data/homes", "/data"),
        ("/data/my old/x", "/data/my old"), ("/scratch", "/scratch"),
    ])
    func aPathIsOnTheNearestMount(path: String, point: String) {
        #expect(MountCheck.mount(of: path, in: table)?.point == point)
    }

    @Test func theLaterOfTwoMountsIsSeen() {
        #expect(MountCheck.mount(of: "/data/x", in: table + "\nx /data nfs nolock 0 0")?.type == "nfs")
        #expect(MountCheck.mount(of: "/x", in: "") == nil)
    }

    @Test(arguments: [
        ("/data/x", nil), ("/data/home/x", nil), ("/scratch/x", nil), ("/data/my old/x", "nolock"),
        ("/fast/x", "localflock"), ("/bare/x", "without flock"),
    ])
    func onlyLocksOfOneMachineAreAWeakness(path: String, option: String?) throws {
        let mount = try #require(MountCheck.mount(of: path, in: table))
        let weakness = MountCheck.weakness(of: mount)
        #expect((weakness != nil) == (option != nil))
        if let option { #expect(weakness?.contains("mounted \(option):") == true) }
    }

    @Test func thisMachinesDiskIsGood() throws {
        try MountCheck.check("/tmp/not/there/yet", isShard: true)
    }
}
