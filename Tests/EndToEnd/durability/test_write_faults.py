"""Failing writes and syncs: the run continues or ends with a clear message, and nothing that was received is lost."""

import os
import shutil
import signal
import subprocess
import time

import pytest

from dataset import Disk
from program import INTERRUPTED, IO, OK

needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")


def injecting(call, fault, when, paths=()):
    """strace injects failures: the calls selected by `when`, of each thread, only on these paths if any are given."""
    only = [word for path in paths for word in ("-P", str(path))]
    trace = ("-e", f"trace={call}", "-e", f"inject={call}:{fault}:when={when}")
    return ("strace", "-f", "-qq", "-o", "/dev/null", "-e", "signal=none", *only, *trace)


def answered(server):
    return server.counts()["answered"]


def wait_until_told(run, word="space", seconds_max=15):
    """Waits until the run itself reports what holds it up."""
    deadline = time.monotonic() + seconds_max
    while word not in run.errors:
        assert run.is_running and time.monotonic() < deadline, run.errors
        time.sleep(0.05)


@needs_strace
@pytest.mark.parametrize("when", [1, 3, 12, 30, 45])
def test_a_write_that_fails_ends_the_run_with_the_file_named(serve, prompts, ask, begin, tmp_path, when):
    server = serve("--latency", "5ms")
    rows = prompts(300)
    run = begin(server, rows, "--concurrency", 20, "--sync", "20ms", under=injecting("pwrite64", "error=EIO", when))
    finished = run.wait()
    # A failed write that concerns only the index does no harm: the index is rebuilt.
    assert finished.status in (OK, IO), finished
    if finished.status == IO:
        assert str(tmp_path / "out") in finished.errors and "Input/output error" in finished.errors
    on_disk = len(Disk(tmp_path / "out").received())
    assert answered(server) - on_disk <= 20
    before = server.counts()["requests"]
    ask(server, rows, "--concurrency", 20)
    assert server.counts()["requests"] - before == 300 - on_disk
    Disk(tmp_path / "out").expect_done(rows)


@needs_strace
@pytest.mark.parametrize("segments, status", [((1,), OK), ((1, 2, 3), IO)])
def test_a_sync_that_fails_is_never_believed(serve, prompts, ask, begin, tmp_path, segments, status):
    server = serve("--latency", "20ms")
    rows = prompts(600)
    paths = [tmp_path / "out" / "responses" / f"{number:06}.jsonl.gz" for number in segments]
    run = begin(server, rows, "--concurrency", 20, "--sync", "50ms",
                under=injecting("fdatasync", "error=EIO", "1+", paths))
    finished = run.wait().expect(status)
    if status == OK:
        assert answered(server) == 600
        # What was not synced is in a new segment.
        assert [file.name for file in Disk(tmp_path / "out").files("responses")] == ["000002.jsonl.gz"]
        Disk(tmp_path / "out").expect_done(rows)
        return
    assert "sync" in finished.errors and str(tmp_path / "out") in finished.errors
    assert answered(server) - len(Disk(tmp_path / "out").received()) <= 20
    ask(server, rows, "--concurrency", 20)
    Disk(tmp_path / "out").expect_done(rows)


@needs_strace
def test_a_full_disk_is_waited_for(serve, prompts, begin, tmp_path):
    server = serve("--latency", "5ms")
    rows = prompts(300)
    # More failures than one batch meets while it is written in ever smaller parts.
    inject = injecting("pwrite64", "error=ENOSPC", "20..40")
    run = begin(server, rows, "--concurrency", 20, "--progress", "json", "--progress-every", "100ms", under=inject)
    finished = run.wait().expect(OK)
    assert "space" in finished.errors
    assert server.counts()["requests"] == 300, "an answer was thrown away and asked for again"
    Disk(tmp_path / "out").expect_done(rows)


@needs_strace
def test_a_run_on_a_full_disk_can_be_ended(serve, prompts, ask, begin, tmp_path):
    server = serve("--latency", "5ms")
    rows = prompts(300)
    run = begin(server, rows, "--concurrency", 20, "--progress", "json", "--progress-every", "100ms",
                under=injecting("pwrite64", "error=ENOSPC", "30+"))
    wait_until_told(run)
    subprocess.run(["pkill", "-INT", "-P", str(run.process.pid)], check=True)
    finished = run.wait()
    assert finished.status in (IO, INTERRUPTED), finished
    assert "space" in finished.errors
    assert answered(server) - len(Disk(tmp_path / "out").received()) <= 20
    ask(server, rows, "--concurrency", 20)
    Disk(tmp_path / "out").expect_done(rows)


def limited(bytes_max):
    """Limits the size of files: the kernel really writes what fits, and then fails."""
    return ("prlimit", f"--fsize={bytes_max}", "env", "--ignore-signal=XFSZ")


@pytest.mark.skipif(not shutil.which("prlimit"), reason="prlimit is not installed")
@pytest.mark.parametrize("bytes_max", [5_000, 20_001, 70_000, 140_000])
def test_writes_that_are_cut_short_are_put_in_order(serve, prompts, ask, begin, tmp_path, bytes_max):
    server = serve("--latency", "5ms")
    rows = prompts(400)
    finished = begin(server, rows, "--concurrency", 20, under=limited(bytes_max)).wait().expect(IO)
    assert "File too large" in finished.errors, finished
    on_disk = len(Disk(tmp_path / "out").received())
    assert answered(server) - on_disk <= 20
    ask(server, rows, "--concurrency", 20)
    Disk(tmp_path / "out").expect_done(rows)
    assert answered(server) <= 400 + 20


@pytest.fixture
def small_disk(tmp_path):
    """A tmpfs of a few megabytes, or a skip if none can be mounted."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "retort-test", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("no tmpfs can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(disk):
    """Leaves room for the beginning of a run."""
    room = os.statvfs(disk)
    (disk / "filler").write_bytes(b"x" * (room.f_bavail * room.f_frsize - 180_000))


def test_a_disk_that_fills_up_pauses_the_run_until_there_is_room(serve, prompts, begin, small_disk):
    server = serve("--latency", "5ms")
    rows = prompts(2000)
    fill(small_disk)
    run = begin(server, rows, "--concurrency", 50, "--progress", "json", "--progress-every", "100ms",
                out=small_disk / "out")
    wait_until_told(run)
    given = server.wait_for(lambda counts: counts["in_flight"] == 0)["answered"]
    assert given < 2000
    (small_disk / "filler").unlink()
    run.wait().expect(OK)
    assert server.counts()["requests"] == 2000, "an answer was thrown away and asked for again"
    Disk(small_disk / "out").expect_done(rows)


def test_a_disk_that_stays_full_keeps_what_fitted(serve, prompts, ask, begin, small_disk, tmp_path):
    server = serve("--latency", "5ms")
    rows = prompts(2000)
    fill(small_disk)
    run = begin(server, rows, "--concurrency", 50, "--progress", "json", "--progress-every", "100ms",
                out=small_disk / "out")
    wait_until_told(run)
    run.send(signal.SIGINT)
    finished = run.wait()
    assert finished.status in (IO, INTERRUPTED), finished
    on_disk = len(Disk(small_disk / "out").received())
    assert answered(server) - on_disk <= 50
    (small_disk / "filler").unlink()
    ask(server, rows, "--concurrency", 50, out=small_disk / "out")
    Disk(small_disk / "out").expect_done(rows)
    assert answered(server) <= 2000 + 50


@needs_strace
@pytest.mark.parametrize("call", ["fdatasync", "pwrite64"])
def test_an_index_that_cannot_be_written_ends_no_run(serve, prompts, ask, begin, tmp_path, call):
    server = serve("--latency", "5ms")
    rows = prompts(400)
    index = tmp_path / "out" / "index"
    paths = [index / name for name in ("checkpoint.tmp", "run-00000001.idx", "hints-responses-000001.log")]
    run = begin(server, rows, "--concurrency", 20, "--sync", "50ms", under=injecting(call, "error=EIO", "1+", paths))
    finished = run.wait().expect(OK)
    assert "the index could not be written" in finished.errors and str(index) in finished.errors
    assert answered(server) == 400
    Disk(tmp_path / "out").expect_done(rows)
    before = server.counts()["requests"]
    again = ask(server, rows, "--concurrency", 20)
    assert server.counts()["requests"] == before
    assert "could not be written" not in again.errors


@pytest.fixture
def tiny_disk(tmp_path):
    """A tmpfs of one megabyte, which a journal alone can fill, or a skip if none can be mounted."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "retort-test", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("no tmpfs can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_little_room_frees_the_journal_of_a_tiny_disk(serve, prompts, begin, tiny_disk):
    # Half of the disk is the store's reserve. These answers and their hints need more than the other half without the
    # filler, and 80 KB less than all of it: no batch of 50 fits into a journal of that size at the end.
    server = serve("--latency", "5ms")
    rows = prompts(2700)
    (tiny_disk / "filler").write_bytes(b"x" * 120_000)
    run = begin(server, rows, "--concurrency", 50, "--progress", "json", "--progress-every", "100ms",
                out=tiny_disk / "out")
    deadline = time.monotonic() + 30
    while run.is_running and "space" not in run.errors and time.monotonic() < deadline:
        time.sleep(0.05)
    # Space for one block, and not more than the answers need in the end.
    (tiny_disk / "filler").unlink()
    run.wait().expect(OK)
    assert server.counts()["requests"] == 2700, "an answer was thrown away and asked for again"
    Disk(tiny_disk / "out").expect_done(rows)
