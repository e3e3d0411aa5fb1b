"""The file system is shut down under a run, as in a power cut: what was synced is there after the mount."""

import fcntl
import os
import struct
import subprocess
import time

import pytest

from dataset import Disk

# _IOR('X', 125, __u32) of linux/ext4; the flag discards what the file system's journal has not written.
EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
IMAGE_BYTES = 64 << 20


class LoopDisk:
    def __init__(self, folder):
        self.image, self.point = folder / "image", folder / "mounted"
        self.point.mkdir()
        with self.image.open("wb") as image:
            image.truncate(IMAGE_BYTES)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.image], check=True, capture_output=True)
        self.mount()

    def mount(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.point], check=True, capture_output=True)

    def cut(self):
        handle = os.open(self.point, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(handle)

    def unmount(self):
        subprocess.run(["umount", self.point], check=True, capture_output=True)


@pytest.fixture
def disk(tmp_path):
    try:
        disk = LoopDisk(tmp_path)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no loop mount here: {error}")
    yield disk
    subprocess.run(["umount", "-l", disk.point], capture_output=True)


@pytest.mark.parametrize("sync, grace", [("100ms", 1.5), ("always", 0.3)])
def test_what_was_synced_survives(serve, prompts, ask, begin, disk, sync, grace):
    server = serve("--latency", "100ms")
    rows = prompts(1500)
    out = disk.point / "out"
    run = begin(server, rows, "--concurrency", 40, "--sync", sync, out=out)
    server.wait_for(lambda counts: counts["answered"] >= 400)
    # Generous beyond the interval: other programs use this machine too.
    known = server.counts()["answered"]
    time.sleep(grace)
    disk.cut()
    run.kill()
    answered = server.wait_for(lambda counts: counts["in_flight"] == 0)["answered"]
    disk.unmount()
    disk.mount()
    kept = len(Disk(out).received())
    print(f"{known} were answered {grace} s before the cut, {answered} at the cut, {kept} are on the disk")
    assert kept >= known - 40
    before = server.counts()["requests"]
    ask(server, rows, "--concurrency", 40, out=out)
    assert server.counts()["requests"] - before == 1500 - kept
    Disk(out).expect_done(rows)
