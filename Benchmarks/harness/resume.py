"""Starting again after `kill -9`: the time until the first new request."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import corpus
import pipeline
from processes import Child, MemorySampler, Unmeasured, seconds
from report import Spread, Table, said
from servers import FirstRequest, nginx
from settings import SCRATCH, environment, number, retort
from storage import plain_lines

DONE = [50_000, number("BENCH_RESUME_DONE", 500_000)]
ROUNDS = 5
# More than a run can do in a second: what is left takes at least so long.
FASTEST_PER_SECOND = 200_000
LOOK_SECONDS = (0.05, 5)


def time_to_first_request(command, log, seconds_max, cwd=None, **extra):
    """(seconds, CPU seconds, peak memory) from a command's start until its first request arrives. Then it is killed.

    `command` is a function of the base URL, which leads to a server that never answers."""
    probe = FirstRequest()
    child = Child(command(probe.url), log, output=Path(f"{log}.out"), cwd=cwd, **extra)
    sampler = MemorySampler(child.pid)
    sampler.start()
    deadline = child.began + seconds_max
    try:
        while not probe.came.wait(0.05) and child.is_running() and time.monotonic() < deadline:
            pass
    finally:
        sampler.note()
        child.kill()
        peak = sampler.end()
        probe.close()
    if not probe.came.is_set():
        raise Unmeasured(f"no request came within {seconds_max:.0f} s or before its end: {child.tail(300)}")
    return probe.at - child.began, seconds(child.usage) + child.orphans_cpu, peak


def status(store):
    """The output of `retort status --json`, or None while there is no store yet."""
    command = [retort(), "status", store, "--json"]
    done = subprocess.run(command, capture_output=True, env=environment(), timeout=60)
    return json.loads(done.stdout) if done.returncode == 0 else None


def run_and_kill(rows, out, url, done, concurrency, seconds_max):
    """Runs into a fresh store and kills the run when about `done` items are there. The number that is on disk."""
    shutil.rmtree(out, ignore_errors=True)
    child = Child(pipeline.run_command(rows, out, url, concurrency), SCRATCH / "killed.log", output="/dev/null")
    try:
        while child.is_running():
            if child.began + seconds_max < time.monotonic():
                raise Unmeasured(f"{done:,} items were not done after {seconds_max:.0f} s")
            now = status(out)
            if now and now["done"] >= done:
                break
            left = done - now["done"] if now else 0
            least, most = LOOK_SECONDS
            time.sleep(min(max(least, left / FASTEST_PER_SECOND), most))
        ended_alone = not child.is_running()
        child.send(signal.SIGKILL)
    finally:
        child.kill()
    if ended_alone:
        raise Unmeasured(f"the run ended before it was killed: {child.tail(300)}")
    return status(out)["done"]


def section(suite):
    table = Table(
        "Starting again: time until the first new request",
        ["done before", "what", "ms", "CPU ms", "peak RSS MB"],
        "The run was killed half way with kill -9 and starts with the same command. The script is plain Python, standard "
        "library only: it reads its own JSONL for the ids it has, then asks. CPU counts until the request is there and the "
        "process is killed. Mark: 300 ms, not growing with what is done.")
    for target in DONE:
        rows, out = pipeline.prompts(2 * target), SCRATCH / "resume"
        said(f"starting again with {target:,} done")
        with nginx([corpus.short_answer()]) as url:
            done = run_and_kill(rows, out, url, target, 64, suite.remaining(120))
        # Reads only the segments: the journal holds maximum one block.
        lines = plain_lines(out, SCRATCH / "resume.jsonl")
        scan = Path(__file__).with_name("plain_scan.py")
        ways = {
            "retort run": lambda url: pipeline.run_command(rows, out, url, 64),
            "scan of plain JSONL": lambda url: [sys.executable, scan, rows, lines, url],
        }
        taken = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, command in ways.items():
                taken[name].append(
                    time_to_first_request(command, SCRATCH / "resume.log", suite.remaining(60)))
        for name, rounds in taken.items():
            wall, cpu, rss = zip(*rounds)
            table.add(
                done, name, Spread([s * 1000 for s in wall], 1), Spread([s * 1000 for s in cpu], 1),
                Spread([size / 2**20 for size in rss], 0))
    suite.show(table)
    last = [time * 1000 for time, _, _ in taken["retort run"]]
    suite.mark(f"first new request with {done:,} done, ms", Spread(last, 1), 300)
