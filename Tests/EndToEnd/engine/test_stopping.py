"""Signals: requests in flight may finish, what was received is kept, and the next run sends only the rest."""

import shlex
import signal
import time

import pytest

from dataset import Disk
from program import INTERRUPTED


def resume_command(errors):
    """The words of the command that the summary names."""
    start = "resume with: "
    line = next(line for line in errors.splitlines() if line.startswith(start))
    return shlex.split(line.removeprefix(start))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_lets_the_window_drain(serve, prompts, ask, begin, tmp_path, number):
    server = serve("--latency", "500ms")
    rows = prompts(200)
    run = begin(server, rows, "--concurrency", 50)
    server.wait_for(lambda counts: counts["requests"] > 50)
    run.send(number)
    finished = run.wait().expect(INTERRUPTED)
    counts = server.counts()
    assert counts["requests"] <= 100 and counts["in_flight"] == 0
    on_disk = len(Disk(tmp_path / "out").records())
    assert on_disk == counts["given"] == counts["requests"]
    assert resume_command(finished.errors)[0] == "retort"
    ask(server, rows, "--concurrency", 50)
    assert server.counts()["requests"] == 200, "the second run asked for something again"
    Disk(tmp_path / "out").expect_done(rows)


def test_the_command_it_names_resumes(serve, prompts, begin, workshop, tmp_path):
    server = serve("--latency", "300ms")
    rows = prompts(100)
    run = begin(server, rows, "--concurrency", 20)
    server.wait_for(lambda counts: counts["requests"] >= 40)
    run.send(signal.SIGINT)
    finished = run.wait().expect(INTERRUPTED)
    workshop.run(*resume_command(finished.errors)[1:])
    assert server.counts()["requests"] == 100
    Disk(tmp_path / "out").expect_done(rows)


def test_the_second_signal_stops_at_once_and_loses_nothing_received(serve, prompts, ask, begin, tmp_path):
    server = serve("--latency", "lognormal:400ms,1", "--fail", "hang=0.1")
    rows = prompts(400)
    run = begin(server, rows, "--concurrency", 40)
    server.wait_for(lambda counts: counts["given"] >= 60)
    run.send(signal.SIGINT)
    before = server.counts()
    time.sleep(0.2)
    run.send(signal.SIGINT)
    told = time.monotonic()
    run.wait().expect(INTERRUPTED)
    assert time.monotonic() - told < 2
    # What was answered before is on disk; answers sent at the very end may not have arrived.
    on_disk = len(Disk(tmp_path / "out").records())
    assert before["answered"] <= on_disk <= server.counts()["given"]
    willing = serve()
    ask(willing, rows)
    assert willing.counts()["requests"] == 400 - on_disk
    Disk(tmp_path / "out").expect_done(rows)


def test_draining_has_a_deadline(serve, prompts, begin, ask, tmp_path):
    server = serve("--fail-script", "1=hang")
    rows = prompts(50)
    run = begin(server, rows, "--concurrency", 10, "--drain-timeout", "500ms")
    server.wait_for(lambda counts: counts["in_flight"] == 10)
    run.send(signal.SIGINT)
    told = time.monotonic()
    run.wait().expect(INTERRUPTED)
    assert 0.5 <= time.monotonic() - told < 2.5
    assert server.counts()["requests"] == 10
    ask(server, rows, "--retry-base", "10ms", "--timeout", "300ms")
    Disk(tmp_path / "out").expect_done(rows)


def test_items_that_wait_for_a_retry_do_not_delay_the_end(serve, prompts, begin, tmp_path):
    server = serve("--fail-script", "1=429", "--retry-after", "60s")
    rows = prompts(5)
    run = begin(server, rows)
    server.wait_for(lambda counts: counts["statuses"].get("429") == 5)
    run.send(signal.SIGTERM)
    told = time.monotonic()
    run.wait().expect(INTERRUPTED)
    assert time.monotonic() - told < 2
    assert Disk(tmp_path / "out").records("failures") == []
