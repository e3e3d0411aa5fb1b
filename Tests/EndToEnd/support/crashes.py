"""Crash after crash: the same run, killed and resumed, with accounts kept on both sides of the connection."""

import random
import time

from dataset import Disk, ids_of, write_prompts
from model_server import ModelServer
from program import Workshop

# The system calls behind a store's guarantees: each of them may be the last one of the process.
STORE_CALLS = ("pwrite64", "fdatasync", "fsync", "rename", "ftruncate", "unlink", "mkdir")


def command(server, rows, out, *flags):
    return ["run", rows, "--out", out, "--base-url", server.url, "--model", "teacher", *flags]


class Ledger:
    """Compares what the server has sent with what is on disk, over all kills of a run."""

    def __init__(self, server, root, concurrency):
        self.server, self.disk, self.concurrency = server, Disk(root), concurrency
        self.received = set()
        self.lost = 0

    def died(self):
        """After a death: nothing that was on disk has gone, and no more is lost than could have been on its way."""
        now = self.disk.received()
        vanished = self.received - now
        assert not vanished, f"{len(vanished)} answers have vanished from the disk: {sorted(vanished)[:5]}"
        # The server notices the kill only when it answers.
        counts = self.server.wait_for(lambda counts: counts["in_flight"] == 0)
        lost = counts["answered"] - len(now) - self.lost
        assert lost <= self.concurrency, f"{lost} answers lost at once, with {self.concurrency} in flight"
        self.lost += max(0, lost)
        self.received = now
        return len(now)

    def finished(self, rows):
        self.disk.expect_done(rows)
        counts = self.server.counts()
        extra = counts["answered"] - len(ids_of(rows))
        assert extra <= self.lost, f"{extra} answers were paid twice, {self.lost} were lost"
        return extra


def kill_campaign(folder, kills, seed, rows_count, concurrency=200, latency="lognormal:80ms,0.6", longest=0.5):
    """Kills a run at random moments, `kills` times, then lets it end; (kills that hit, answers paid twice)."""
    print(f"kill campaign: seed {seed}, {kills} kills, {rows_count} rows, concurrency {concurrency}")
    dice = random.Random(seed)
    rows = write_prompts(folder / "prompts.jsonl", rows_count)
    server = ModelServer(folder, "--latency", latency, "--fail", "500=0.01,reset=0.01")
    workshop = Workshop(folder)
    ledger = Ledger(server, folder / "out", concurrency)
    hits = 0
    try:
        for _ in range(kills):
            sync = dice.choice(["10ms", "1s", "always", "never"])
            flags = ("--concurrency", concurrency, "--sync", sync, "--retry-base", "20ms", "--quiet")
            run = workshop.start(*command(server, rows, folder / "out", *flags))
            time.sleep(dice.uniform(0.02, longest))
            hits += run.is_running
            run.kill()
            ledger.died()
        workshop.run(*command(server, rows, folder / "out", "--concurrency", concurrency, "--retry-base", "20ms"))
        return hits, ledger.finished(rows)
    finally:
        workshop.close()
        server.stop()


def count_calls(log):
    """How often each call was made, by the thread that made it most often: strace counts by thread."""
    counts = {}
    for line in log.read_text(errors="replace").splitlines():
        thread, _, rest = line.partition(" ")
        name = rest.strip().partition("(")[0]
        if name in STORE_CALLS:
            counts[name, thread] = counts.get((name, thread), 0) + 1
    most = {}
    for (name, _), count in counts.items():
        most[name] = max(most.get(name, 0), count)
    return most


class SyscallDeaths:
    """A short run that is killed at the Nth call of a kind, for any kind and N."""

    def __init__(self, folder, rows_count=300, concurrency=25):
        self.folder, self.concurrency = folder, concurrency
        self.rows = write_prompts(folder / "prompts.jsonl", rows_count)
        self.server = ModelServer(folder, "--latency", "3ms")
        self.workshop = Workshop(folder)
        self.tries = 0

    def arguments(self, out):
        flags = ("--concurrency", self.concurrency, "--sync", "20ms", "--quiet")
        return command(self.server, self.rows, out, *flags)

    def points(self):
        """All (call, N) that the run passes."""
        log = self.folder / "calls.log"
        watch = ("strace", "-f", "-qq", "-o", log, "-e", "signal=none", "-e", f"trace={','.join(STORE_CALLS)}")
        self.workshop.run(*self.arguments(self.folder / "whole"), under=watch)
        return [(name, n) for name, most in sorted(count_calls(log).items()) for n in range(1, most + 1)]

    def certain_points(self):
        """Those that every run passes, however its threads meet: one call of each kind, and the journal's writes.

        A write takes the answers of one batch, which are no more than are in flight.
        """
        writes = len(ids_of(self.rows)) // self.concurrency
        return [(name, 1) for name in STORE_CALLS] + [("pwrite64", n) for n in range(2, writes + 1)]

    def die_at(self, out, call, n):
        inject = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", "signal=none", "-e", f"trace={call}")
        inject += ("-e", f"inject={call}:signal=KILL:when={n}")
        run = self.workshop.start(*self.arguments(out), under=inject)
        return run.wait().status

    def check(self, call, n, again=None):
        """Is killed at (call, N), perhaps again at `again` while it recovers, then runs to the end."""
        self.tries += 1
        out = self.folder / f"out-{self.tries}"
        self.server.get("/simulator/reset", b"")
        ledger = Ledger(self.server, out, self.concurrency)
        status = self.die_at(out, call, n)
        ledger.died()
        if again:
            self.die_at(out, *again)
            ledger.died()
        self.workshop.run(*self.arguments(out))
        ledger.finished(self.rows)
        requests = self.server.counts()["requests"]
        self.workshop.run(*self.arguments(out))
        assert self.server.counts()["requests"] == requests, "a finished run asked for something"
        return status

    def close(self):
        self.workshop.close()
        self.server.stop()
