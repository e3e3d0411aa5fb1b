"""`kill -9` at random moments: what the server sent compared with what is on disk."""

import gzip
import json
import random
import time


import pipeline
import resume
from processes import Child, Unmeasured
from report import Table, said
from servers import Simulator
from settings import SCRATCH, number, retort

KILLS = number("BENCH_KILLS", 20)
SEED = number("BENCH_SEED", 0) or random.SystemRandom().randrange(1, 1 << 32)
CONCURRENCY = 64
LATENCY_MS = 20
LIFE_SECONDS = (0.02, 1.0)
# A server with this latency answers about this many prompts within the longest run.
PROMPTS_A_KILL = int(CONCURRENCY / LATENCY_MS * 1000 * LIFE_SECONDS[1])


def keys_on_disk(store):
    """The (id, sample) of every record in the segments, in order."""
    for segment in sorted((store / "responses").glob("*.jsonl.gz")):
        with gzip.open(segment) as lines:
            for line in lines:
                record = json.loads(line)
                yield record["id"], record["sample"]


def one_life(rows, out, url, life):
    """Starts the run, kills it after `life` seconds; false if it ended before."""
    child = Child(pipeline.run_command(rows, out, url, CONCURRENCY), SCRATCH / "kill.log", output="/dev/null")
    time.sleep(life)
    was_running = child.is_running()
    child.kill()
    if not was_running and child.process.returncode != 0:
        raise Unmeasured(f"retort run ended with {child.process.returncode}: {child.tail()}")
    return was_running


def section(suite):
    chance = random.Random(SEED)
    count = max(2_000, KILLS * PROMPTS_A_KILL * 7 // 10)
    rows, out = pipeline.prompts(count), SCRATCH / "killed"
    kills, lost = 0, []
    with Simulator("--latency", f"{LATENCY_MS}ms", "--tokens", "60") as server:
        before = done = 0
        while kills < KILLS and suite.remaining() > 60:
            said(f"seed {SEED}: kill {kills + 1} of {KILLS}")
            if not one_life(rows, out, server.url, chance.uniform(*LIFE_SECONDS)):
                break
            kills += 1
            # Does not count as received by the process: an answer may still have been in the socket.
            given = server.counts_when_idle()["given"]
            on_disk = (resume.status(out) or {"done": 0})["done"]
            lost.append(given - before - (on_disk - done))
            before, done = given, on_disk
        last = pipeline.run_retort(rows, out, server.url, CONCURRENCY, suite.remaining(120), keep=True)
        counts = server.counts_when_idle()
    found = list(keys_on_disk(out))
    table = Table(
        f"{kills} kills with kill -9 at random moments, seed {SEED}",
        ["", "value"],
        f"{count:,} prompts at concurrency {CONCURRENCY} against a server of {LATENCY_MS} ms that counts; lives of "
        f"{LIFE_SECONDS[0]} to {LIFE_SECONDS[1]} s, then one to the end. An answer that the server gave and no record holds "
        f"was on its way when the process died: at most {CONCURRENCY} a kill can be. BENCH_KILLS and BENCH_SEED change it.")
    table.add("answers given by the server", counts["given"])
    table.add("different prompts answered", counts["items_answered"])
    table.add("records on disk at the end", len(found))
    table.add("prompts without a record", count - len(set(found)))
    table.add("records twice", len(found) - len(set(found)))
    table.add("answers paid twice", counts["given"] - counts["items_answered"])
    table.add("given but not on disk after a kill, sum", sum(lost))
    table.add("the same, most at one kill", max(lost, default=0))
    table.add("paid twice beyond those in flight", sum(max(0, one - CONCURRENCY) for one in lost))
    table.add("last run's exit status", last.status)
    if kills < KILLS:
        suite.unmeasured(f"{KILLS - kills} of {KILLS} kills", "the run was done, or the time short, before them")
    _verify(table, suite, out)
    suite.show(table)
    suite.mark(f"{kills} kills: prompts without a record", count - len(set(found)), 0)
    suite.mark(f"{kills} kills: records twice", len(found) - len(set(found)), 0)
    suite.mark(f"{kills} kills: paid twice beyond those in flight", sum(max(0, one - CONCURRENCY) for one in lost), 0)


def _verify(table, suite, out):
    if not has_command("verify"):
        suite.unmeasured("retort verify after the kills", "this binary has no such command")
        return
    cost = pipeline.measure([retort(), "verify", out], SCRATCH / "verify.log", suite.remaining(60), accept=range(256))
    table.add("retort verify, exit status", cost.status)


def has_command(name):
    """Whether the binary knows the command."""
    log = SCRATCH / "help.log"
    return pipeline.measure([retort(), "help", name], log, 10, accept=range(256)).status == 0
