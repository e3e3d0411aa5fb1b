"""Runs in stages and runs in rounds, killed repeatedly; the gain of three stages over the slowest one alone."""

import json
import os
import threading
import time
from collections import Counter
from pathlib import Path

from dataset import Disk, write_prompts
from model_server import ModelServer
from program import Workshop

STAGE_NAMES = ("draft", "review", "short")
CHAIN = """\
stages:
  - name: draft
  - name: review
    from: draft
    prompt: "Review: {{response}}"
  - name: short
    from: review
    continue: true
    prompt: In one sentence.
"""
# Rows through three stages; the promise is for 100,000.
CHAIN_ROWS = int(os.environ.get("RETORT_CHAIN_ROWS", 20_000))
CHAIN_KILLS = 20
ROUND_KILLS = 50
IN_FLIGHT = 200
SHARE_MARK = 0.8


def job(path, server, rows, out, stages, *lines):
    top = [f"input: {rows}", f"out: {out}", f"base-url: {server.url}", "model: m", *lines]
    path.write_text("\n".join(top) + "\n" + stages)
    return path


class Resident:
    """The most memory that a process has had, looked at while it runs."""

    def __init__(self, pid):
        self.path, self.kilobytes, self.is_over = Path(f"/proc/{pid}/status"), [], False
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def watch(self):
        while not self.is_over:
            try:
                lines = self.path.read_text().splitlines()
            except OSError:
                return
            self.kilobytes += [int(line.split()[1]) for line in lines if line.startswith("VmRSS")]
            time.sleep(0.05)

    def stop(self):
        self.is_over = True
        self.thread.join()
        return self.kilobytes


def chain_campaign(folder, kills, dice, rows_count, longest, concurrency=IN_FLIGHT):
    """Three stages, killed at random; (answers paid twice, memory of the last run in kilobytes)."""
    rows = write_prompts(folder / "prompts.jsonl", rows_count)
    server = ModelServer(folder, "--latency", "lognormal:20ms,0.5", "--fail", "500=0.005")
    out = folder / "out"
    path = job(folder / "job.yaml", server, rows, out, CHAIN, f"concurrency: {concurrency}", "retry-base: 20ms")
    workshop = Workshop(folder)
    received = {name: set() for name in STAGE_NAMES}
    hits = 0
    try:
        for _ in range(kills):
            run = workshop.start("run", path, "--quiet")
            time.sleep(dice.uniform(0.1, longest))
            hits += run.is_running
            run.kill()
            for name, before in received.items():
                now = Disk(out / name).received()
                assert before <= now, f"{len(before - now)} answers of {name} have vanished"
                received[name] = now
            server.wait_for(lambda counts: counts["in_flight"] == 0)
        run = workshop.start("run", path)
        resident = Resident(run.process.pid)
        run.wait(1200).expect(0)
        memory = resident.stop()
        for name in STAGE_NAMES:
            answers = Counter(record["id"] for record in Disk(out / name).records())
            assert len(answers) == rows_count and set(answers.values()) == {1}, f"{name} is not whole"
        verified = workshop.run("verify", out, "--deep", "--json", seconds_max=1200)
        for line in map(json.loads, verified.output.splitlines()):
            assert line.get("clean", True) and line["pending"] == 0 and line.get("others", 0) == 0, line
        twice = server.counts()["billed"] - 3 * rows_count
        assert 0 <= twice <= concurrency * hits, f"{twice} answers paid twice at {hits} kills"
        return twice, memory
    finally:
        workshop.close()
        server.stop()


def chain(folder, deadline, dice):
    """Rows through three stages, killed 20 times: the server's counts against the disk, and memory."""
    twice, memory = chain_campaign(folder, CHAIN_KILLS, dice, CHAIN_ROWS, longest=2)
    half = len(memory) // 2
    early, late = max(memory[:half], default=0), max(memory[half:], default=0)
    assert late < 1.5 * early + 50_000, f"memory grows: {early} KB in the first half, {late} KB in the second"
    return f"{CHAIN_ROWS:,} rows, {CHAIN_KILLS} kills, {twice} answers paid twice, {max(memory) / 1024:.0f} MiB at most"


def round_campaign(folder, kills, dice, rows_count, longest, concurrency=IN_FLIGHT):
    """Answers that are judged and sent again, killed between rounds; answers paid twice."""
    rows = folder / "questions.jsonl"
    with rows.open("w") as lines:
        for number in range(rows_count):
            row = {"id": f"q-{number}", "prompt": f"Question {number}?", "expected": {"answer": "ABCD"[number % 4]}}
            lines.write(json.dumps(row) + "\n")
    server = ModelServer(folder, "--latency", "lognormal:40ms,0.5")
    out = folder / "out"
    flags = ("--fields", "answer:A|B|C|D", "--verifier", "equals:expected", "--temperature", 1, "--rounds", 3)
    command = ("run", rows, "--out", out, "--base-url", server.url, "--model", "m", "--concurrency", concurrency, *flags)
    workshop = Workshop(folder)
    hits = 0
    try:
        for _ in range(kills):
            run = workshop.start(*command, "--quiet")
            time.sleep(dice.uniform(0.1, longest))
            hits += run.is_running
            run.kill()
            server.wait_for(lambda counts: counts["in_flight"] == 0)
        workshop.start(*command).wait(1200)
        workshop.run("verify", out, "--deep", seconds_max=600)
        disk = Disk(out)
        rounds = Counter((record["id"], record["round"]) for record in disk.records("rounds"))
        assert set(rounds.values()) <= {1} and max((number for _, number in rounds), default=0) <= 3
        outcomes = Counter(record["id"] for lane in ("responses", "failures") for record in disk.records(lane))
        assert len(outcomes) == rows_count and set(outcomes.values()) == {1}
        twice = server.counts()["billed"] - len(rounds)
        assert 0 <= twice <= concurrency * hits, f"{twice} answers paid twice at {hits} kills"
        return twice
    finally:
        workshop.close()
        server.stop()


def rounds(folder, deadline, dice):
    """Kills between rounds, 200 requests in flight."""
    twice = round_campaign(folder, ROUND_KILLS, dice, rows_count=40_000, longest=1)
    return f"{ROUND_KILLS} kills, {twice} answers paid twice"


def streaming(folder, deadline, dice):
    """Three stages with servers of their own, compared with the slowest of them alone."""
    count, width = 2500, 16
    rows = write_prompts(folder / "prompts.jsonl", count)
    servers = [ModelServer(folder, "--latency", latency) for latency in ("100ms", "200ms", "100ms")]
    workshop = Workshop(folder)
    try:
        stages = CHAIN
        for name, server in zip(STAGE_NAMES, servers):
            stages = stages.replace(f"name: {name}\n", f"name: {name}\n    base-url: {server.url}\n")
        path = job(folder / "job.yaml", servers[0], rows, folder / "out", stages, f"concurrency: {width}")
        together = workshop.run("run", path, "--quiet", seconds_max=600).seconds
        alone = workshop.run(
            "run", rows, "--out", folder / "alone", "--base-url", servers[1].url, "--model", "m",
            "--concurrency", width, "--quiet", seconds_max=600,
        ).seconds
        share = alone / together
        assert share >= SHARE_MARK, f"three stages took {together:.1f} s, the slowest alone {alone:.1f} s"
        return f"three stages took {together:.1f} s, the slowest alone {alone:.1f} s: {share:.2f} of its rate"
    finally:
        workshop.close()
        for server in servers:
            server.stop()
