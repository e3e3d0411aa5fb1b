"""`retort copy`: a store on another disk, while it is written, and what is left of it when everything is killed."""

import json
import random
import signal
import subprocess
import time

from conftest import Store, binary, environment

ROWS = 900


def started(*command):
    return subprocess.Popen(
        [str(part) for part in (binary(), *command)], env=environment(OPENAI_API_KEY="k"), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


def test_copies_of_a_running_store_are_stores_whenever_they_are_killed(retort, teacher, prompts, tmp_path):
    server, source = teacher("--latency", "20ms"), prompts(ROWS)
    out, copy = tmp_path / "out", tmp_path / "copy"
    arguments = (source, "--base-url", server.url, "--model", "m", "--out", out, "--concurrency", 8)
    run = started("run", *arguments)
    wait_for((out / "retort.json").exists)
    seen = 0
    while run.poll() is None:
        child = started("copy", out, copy)
        time.sleep(random.random() * 0.08)
        child.send_signal(signal.SIGKILL)
        child.wait()
        before = json.loads(retort("status", out, "--json").stdout)["done"]
        retort("copy", out, copy)
        done = json.loads(retort("status", copy, "--json").stdout)["done"]
        assert done >= max(before, seen)
        retort("verify", copy, "--deep")
        seen = done
    assert run.wait() == 0 and seen > 0
    assert "verified, root" in retort("copy", out, copy, "--verify", "--move").stderr
    assert not out.exists() and len(Store(copy).responses) == ROWS
    # The copy is equivalent to the store: nothing is sent again.
    retort("run", *arguments[:-4], "--out", copy)
    assert server.requests == ROWS


def test_it_copies_again_and_again_until_it_is_told_to_end(retort, teacher, prompts, tmp_path):
    server, source = teacher("--latency", "20ms"), prompts(200)
    out, copy = tmp_path / "out", tmp_path / "copy"
    copier = started("copy", out, copy, "--every", "100ms")
    retort("run", source, "--base-url", server.url, "--model", "m", "--out", out, "--concurrency", 8)
    copier.send_signal(signal.SIGTERM)
    assert copier.wait(20) == 0
    assert len(Store(copy).responses) == 200
    assert "--verify" in retort("copy", out, copy, "--move", status=64).stderr
    assert "holds no copy" in retort("copy", out, tmp_path, status=78).stderr
    assert "not a store" in retort("copy", source, copy, status=1).stderr
