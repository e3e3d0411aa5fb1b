"""`run --shard`: one input on many machines, each row sent once whatever the division."""

import json
import signal
import subprocess
import time

import pytest

from conftest import Store, binary, environment

ROWS = 1500
WINDOW = 16


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.jsonl"
    named = ({"prompt": f"Question {number}?"} | ({"id": f"q{number}"} if number % 3 else {}) for number in range(ROWS))
    path.write_text("".join(json.dumps(row) + "\n" for row in named))
    return path


def arguments(server, rows, out, *flags):
    where = ("--base-url", server.url, "--model", "m", "--out", out, "--concurrency", WINDOW)
    return [str(part) for part in ("run", rows, *where, *flags)]


def killed_halfway(command, store):
    child = subprocess.Popen(
        [binary(), *command], env=environment(OPENAI_API_KEY="k"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    journal, deadline = store / "responses", time.monotonic() + 30
    while not any(file.stat().st_size > 20_000 for file in journal.glob("*")) and time.monotonic() < deadline:
        assert child.poll() is None, "it ended before it was killed"
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()


def test_a_killed_shard_goes_on_and_another_division_pays_nothing_twice(retort, teacher, rows, counts, tmp_path):
    server = teacher("--latency", "20ms")
    halves = [tmp_path / f"half-{number}" for number in (1, 2)]
    for number, half in enumerate(halves, 1):
        killed_halfway(arguments(server, rows, half, "--shard", f"{number}/2"), half)
    retort(*arguments(server, rows, halves[0], "--shard", "1/2"))
    said = counts(Store(halves[0]))
    assert said["shard"] == "1/2" and said["pending"] == 0 and said["items"] == said["done"]
    thirds = [tmp_path / f"third-{number}" for number in (1, 2, 3)]
    for number, third in enumerate(thirds, 1):
        flags = ("--shard", f"{number}/3", "--siblings", tmp_path / "half-*")
        plan = json.loads(retort("plan", *arguments(server, rows, third, *flags)[1:], "--json").stdout)
        done = retort(*arguments(server, rows, third, *flags))
        assert plan["elsewhere"] > 0 and plan["new"] == plan["items"] == len(Store(third).responses)
        assert "in a sibling store" in done.stderr
        assert f"{plan['items']} inputs = {plan['items']} done" in retort("verify", third, "--deep").stdout
    # Two kills have each lost maximum what was in flight.
    assert ROWS <= server.requests <= ROWS + 2 * WINDOW
    merged = tmp_path / "merged"
    said = retort("merge", *halves, *thirds, "--out", merged).stderr
    assert f"every one of {ROWS:,} rows is in exactly one shard" in said
    assert len(Store(merged).lane("responses")) == len(Store(merged).responses) == ROWS
    root = said.split("root ")[1].split()[0]
    blocks = ("--manifest", merged / "blocks.jsonl", "--root", root)
    for store in (merged, *halves, *thirds):
        retort("verify", store, *blocks)
    segment = merged / "responses" / "000001.jsonl.gz"
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)
    assert "the block has changed" in retort("verify", merged, *blocks, status=65).stdout


def test_a_merge_without_a_shard_says_what_is_missing(retort, rows, tmp_path):
    retort("run", rows, "--out", tmp_path / "one", "--simulate", "--latency", "1ms", "--shard", "1/2")
    said = retort("merge", tmp_path / "one", "--out", tmp_path / "merged", status=75).stderr
    assert "not proven" in said and "have no outcome, first of row" in said


def test_two_divisions_do_not_run_at_once(retort, teacher, rows, tmp_path):
    server = teacher("--latency", "500ms")
    half = tmp_path / "half-1"
    child = subprocess.Popen(
        [binary(), *arguments(server, rows, half, "--shard", "1/2")],
        env=environment(OPENAI_API_KEY="k"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        while server.requests == 0:
            time.sleep(0.02)
        siblings = ("--siblings", tmp_path / "*-?")
        overlapping = arguments(server, rows, tmp_path / "third-1", "--shard", "1/3", *siblings)
        assert "another run is sending rows of shard 1/3 too" in retort(*overlapping, status=73).stderr
    finally:
        child.kill()
        child.wait()


def test_plain_processes_with_the_variables_of_an_indexed_job(retort, teacher, rows, tmp_path):
    server = teacher("--latency", "20ms")

    def pod(index):
        variables = environment(OPENAI_API_KEY="k", JOB_COMPLETION_INDEX=str(index))
        command = arguments(server, rows, tmp_path / f"shard-{index}", "--shard", "auto/4", "--quiet")
        return subprocess.Popen([binary(), *command], env=variables)

    pods = [pod(index) for index in range(4)]
    # A pod is evicted: TERM, and requests in flight end. Another pod gets its index.
    journal = tmp_path / "shard-2" / "responses"
    while not any(file.stat().st_size > 2000 for file in journal.glob("*")):
        assert pods[2].poll() is None
        time.sleep(0.01)
    pods[2].terminate()
    assert pods[2].wait(30) in (75, 130)
    pods[2] = pod(2)
    assert [child.wait(60) for child in pods] == [0] * 4
    assert server.requests == ROWS
    said = retort("merge", *(tmp_path / f"shard-{index}" for index in range(4)), "--out", tmp_path / "all").stderr
    assert f"every one of {ROWS:,} rows is in exactly one shard" in said
    assert "finds no" in retort("run", rows, "--simulate", "--shard", "auto/4", "--out", tmp_path / "x", status=64).stderr
