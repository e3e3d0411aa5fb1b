"""`retort merge` of 64 shards: killed at any moment, on a full disk, with a shard that is being written or missing."""

import hashlib
import json
import random
import shutil
import signal
import subprocess
import time

import pytest

from conftest import Store, binary, environment

SHARDS, ROWS, KILLS = 64, 3200, 12


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """64 stores of one input, one of them of a run that was killed, so that its last answers are in its journal."""
    folder = tmp_path_factory.mktemp("shards")
    rows = folder / "rows.jsonl"
    rows.write_text("".join(json.dumps({"id": f"q{n}", "prompt": f"Question {n}? " * 9}) + "\n" for n in range(ROWS)))

    def run(number, **how):
        command = ("run", rows, "--simulate", "--shard", f"{number}/{SHARDS}", "--out", folder / f"shard-{number:02}", "--quiet")
        return subprocess.Popen([binary(), *map(str, command), *how.get("flags", ())], env=environment(), stderr=subprocess.DEVNULL)

    waiting = list(range(1, SHARDS + 1))
    while waiting:
        batch, waiting = waiting[:8], waiting[8:]
        assert [child.wait(60) for child in [run(number) for number in batch]] == [0] * len(batch)
    victim = folder / "shard-07"
    shutil.rmtree(victim)
    child = run(7, flags=("--latency", "300ms", "--concurrency", "8"))
    while not list((victim / "responses").glob("journal-*")):
        assert child.poll() is None
        time.sleep(0.01)
    child.kill()
    child.wait()
    assert run(7).wait(60) == 0
    return sorted(folder.glob("shard-*"))


def fingerprint(stores):
    """Of every byte of the stores."""
    digest = hashlib.sha256()
    for store in stores:
        for path in sorted(store.rglob("*")):
            if path.is_file():
                digest.update(str(path).encode() + path.read_bytes())
    return digest.hexdigest()


def test_a_merge_that_is_killed_leaves_its_sources_and_nothing_half(retort, shards, tmp_path):
    before, out, seed = fingerprint(shards), tmp_path / "all", random.randrange(1 << 32)
    dice, ended = random.Random(seed), 0
    began = time.monotonic()
    retort("merge", *shards, "--out", tmp_path / "whole", "--quiet")
    seconds = time.monotonic() - began
    for _ in range(KILLS):
        child = subprocess.Popen([binary(), "merge", *shards, "--out", out, "--quiet"], env=environment())
        try:
            child.wait(dice.random() * seconds * 1.1)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            child.wait()
        if out.exists():
            # It is complete: its proof and its list of blocks exist too.
            retort("verify", out, "--manifest", out / "blocks.jsonl")
            assert len(Store(out).responses) == ROWS, seed
            shutil.rmtree(out)
            ended += 1
    assert fingerprint(shards) == before, seed
    said = retort("merge", *shards, "--out", out).stderr
    assert f"every one of {ROWS:,} rows is in exactly one shard" in said
    assert not (tmp_path / "all.tmp-merge").exists()
    root = said.split("root ")[1].split()[0]
    for store in (out, *shards):
        retort("verify", store, "--manifest", out / "blocks.jsonl", "--root", root)
    assert ended < KILLS, "no kill came in time"


def test_a_full_disk_leaves_nothing_and_room_is_all_that_it_takes(retort, shards, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        said = retort("merge", *shards, "--out", disk / "all", status=74).stderr
        assert "No space left on device" in said and str(disk) in said
        assert not list(disk.iterdir())
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        assert "is in exactly one shard" in retort("merge", *shards, "--out", disk / "all").stderr
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_shard_that_is_written_or_missing_is_named(retort, shards, tmp_path):
    copy = tmp_path / "shard-09"
    shutil.copytree(shards[8], copy)
    rows = shards[0].parent / "rows.jsonl"
    # A run in progress holds its store's lock; a run over rows without outcomes would also write.
    more = tmp_path / "more.jsonl"
    more.write_text(rows.read_text() + "".join(json.dumps({"id": f"r{n}", "prompt": "?"}) + "\n" for n in range(4000)))
    command = ("run", more, "--simulate", "--latency", "2s", "--shard", f"9/{SHARDS}", "--out", copy, "--quiet")
    child = subprocess.Popen([binary(), *map(str, command)], env=environment(), stderr=subprocess.DEVNULL)
    try:
        while "running" not in retort("status", copy, status=None).stdout:
            assert child.poll() is None
            time.sleep(0.02)
        others = [store for store in shards if store != shards[8]]
        said = retort("merge", copy, *others, "--out", tmp_path / "all", status=73).stderr
        assert "another process is writing here" in said and "shard-09" in said
        assert not (tmp_path / "all").exists()
    finally:
        child.kill()
        child.wait()
    said = retort("merge", *others, "--out", tmp_path / "all", status=75).stderr
    rows_of_shard = len(Store(shards[8]).responses)
    assert f"not proven: of {ROWS:,} items" in said and f"{rows_of_shard} have no outcome, first of row" in said
    gone = tmp_path / "shard-99"
    assert f"{gone}: not a store" in retort("merge", *others, gone, "--out", tmp_path / "x", status=1).stderr
