"""Reports and watches of a run that is writing."""

import json
import os
import pty
import select
import signal
import subprocess
import time

import pytest

from program import REPOSITORY, RUN_SECONDS_MAX

PROMPTS = REPOSITORY / "data" / "prompts.jsonl"


def until(condition, what):
    deadline = time.monotonic() + RUN_SECONDS_MAX
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    pytest.fail(f"waited {RUN_SECONDS_MAX} s for {what}")


@pytest.fixture
def running(start, retort, tmp_path):
    """(the store, the process) of a run that has some answers and many to go."""
    out = tmp_path / "run"
    run = start("run", PROMPTS, "--out", out, "--simulate", "--concurrency", 4, "--latency", "150ms")

    def has_answers():
        if not (out / "retort.json").exists():
            return False
        return json.loads(retort("status", out, "--json").stdout)["done"] > 4

    until(has_answers, "the first answers")
    return out, run


def test_a_report_is_a_snapshot(running, retort):
    out, run = running
    retort("report", out)
    first = json.loads((out / "report" / "summary.json").read_text())
    assert run.poll() is None
    assert first["state"] == "running" and first["writer"] != ""
    assert first["progress"]["done"] == first["latency_ms"]["count"] > 4
    run.send_signal(signal.SIGINT)
    run.wait(RUN_SECONDS_MAX)
    retort("report", out)
    last = json.loads((out / "report" / "summary.json").read_text())
    assert last["state"] == "incomplete" and last["progress"]["done"] >= first["progress"]["done"]
    assert last["progress"]["done"] == last["latency_ms"]["count"]


def test_a_watch_ends_with_the_run(running, start):
    out, run = running
    watch = start("status", out, "--every", "100ms", "--json")
    looks = [json.loads(watch.stdout.readline()) for _ in range(3)]
    assert all(look["writer"] for look in looks)
    assert [look["done"] for look in looks] == sorted(look["done"] for look in looks)
    run.send_signal(signal.SIGINT)
    rest = watch.communicate(timeout=RUN_SECONDS_MAX)[0].splitlines()
    assert watch.returncode == 0 and json.loads(rest[-1])["writer"] == ""


def test_a_watch_ends_quietly_when_interrupted(running, start):
    out, run = running
    watch = start("status", out, "--watch", "--every", "100ms")
    assert b" done, " in watch.stdout.readline()
    watch.send_signal(signal.SIGINT)
    rest, errors = watch.communicate(timeout=RUN_SECONDS_MAX)
    assert (watch.returncode, errors) == (0, b"")
    assert rest == b"" or rest.endswith(b"\n")
    assert run.poll() is None


def test_a_watch_on_a_terminal_redraws(running, start):
    out, run = running
    ours, theirs = pty.openpty()
    watch = start("status", out, "--watch", "--every", "100ms", stdout=theirs, stderr=theirs, stdin=theirs)
    os.close(theirs)
    text = b""
    try:
        while text.count(b"\x1b[J") < 2:
            assert select.select([ours], [], [], RUN_SECONDS_MAX)[0], text
            text += os.read(ours, 65536)
        watch.send_signal(signal.SIGINT)
        assert watch.wait(RUN_SECONDS_MAX) == 0
    finally:
        os.close(ours)
    frame = text.split(b"\x1b[J")[1]
    assert b"done " in frame and b"pace " in frame
    # The cursor moves up by as many lines as were drawn.
    frame, _, back = frame.rpartition(b"\x1b[")
    assert int(back.rstrip(b"A")) == frame.count(b"\n")
    assert run.poll() is None


def test_a_watch_of_a_finished_run_ends_at_once(finished, retort):
    lines = retort("status", finished.folder, "--watch").stdout.splitlines()
    assert len(lines) == 1 and lines[0].endswith("; no active writer")


def test_a_reader_that_goes_away_is_no_error(running, start):
    out, _ = running
    watch = start("status", out, "--every", "100ms", stderr=subprocess.PIPE)
    watch.stdout.readline()
    watch.stdout.close()
    assert watch.wait(RUN_SECONDS_MAX) == 0 and watch.stderr.read() == b""
