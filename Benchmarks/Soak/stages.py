"""The stages: each takes a folder, a deadline on the monotonic clock and dice, and returns what there is to say.

A stage asserts the promise; what is only a number of this machine it prints.
"""

import json
import time

from chains import chain, rounds, streaming
from crashes import SyscallDeaths, kill_campaign
from dataset import Disk, write_prompts
from model_server import ModelServer, Watch
from program import OK, Workshop

KILLS_MAX = 300


def ask(folder, server, rows, *flags):
    """One complete run in a workshop of its own."""
    workshop = Workshop(folder)
    try:
        command = ["run", rows, "--out", folder / "out", "--base-url", server.url, "--model", "teacher", *flags]
        return workshop.run(*command, status=OK, seconds_max=1200)
    finally:
        workshop.close()


def elapsed(finished):
    reports = [json.loads(line) for line in finished.errors.splitlines() if line.startswith('{"event":"progress"')]
    return reports[-1]["elapsed_s"]


def kills(folder, deadline, dice):
    """Campaigns of a hundred kills, each of a run of its own."""
    done = hits = twice = 0
    while done < KILLS_MAX and (done == 0 or time.monotonic() < deadline):
        part = folder / f"campaign-{done}"
        part.mkdir()
        few, again = kill_campaign(part, kills=100, seed=dice.randrange(1 << 32), rows_count=40_000, longest=0.6)
        done, hits, twice = done + 100, hits + few, twice + again
    return f"{done} kills, {hits} of them in a running process; nothing lost, {twice} answers paid twice"


def deaths(folder, deadline, dice):
    """A death at every system call of a short run; in random order, so that a short soak sees some of each kind."""
    machine = SyscallDeaths(folder, rows_count=1200, concurrency=50)
    try:
        points = machine.points()
        dice.shuffle(points)
        tried = 0
        for call, n in points:
            if tried and time.monotonic() > deadline:
                break
            again = dice.choice(points) if dice.random() < 0.3 else None
            try:
                machine.check(call, n, again)
            except AssertionError as error:
                raise AssertionError(f"death at {call} {n}, then at {again}") from error
            tried += 1
        return f"died at {tried} of {len(points)} calls"
    finally:
        machine.close()


def storm(folder, deadline, dice):
    """600 requests per minute allowed, 500 at once offered: 2,000 prompts if the time allows."""
    minutes = max(1.2, min(2.3, (deadline - time.monotonic()) / 60 - 0.5))
    count = min(2000, 600 + int(600 * (minutes - 0.2)))
    server = ModelServer(folder, "--server-rpm", 600, "--latency", "1s")
    rows = write_prompts(folder / "prompts.jsonl", count)
    try:
        with Watch(server, every=0.5) as watch:
            finished = ask(folder, server, rows, "--concurrency", 500)
        Disk(folder / "out").expect_done(rows)
        refused = server.counts()["rate_limited"]
        early = next((counts["rate_limited"] for _, after, counts in watch.samples if after > 60), refused)
        assert refused - early <= 0.1 * count, f"{refused - early} refused after the first minute"
        return f"{count} prompts at 600 a minute: {finished.seconds:.0f} s, {refused} refused, {refused - early} late"
    finally:
        server.stop()


def outage(folder, deadline, dice):
    """A server that is down for 20 s in the middle."""
    server = ModelServer(folder, "--latency", "200ms", "--fail", "down=20s@5s")
    rows = write_prompts(folder / "prompts.jsonl", 4000)
    try:
        finished = ask(folder, server, rows, "--concurrency", 64)
        disk = Disk(folder / "out").expect_done(rows)
        assert disk.records("failures") == []
        return f"4,000 prompts, 20 s of outage: {finished.seconds:.1f} s, {server.counts()['requests']} requests"
    finally:
        server.stop()


def window(folder, deadline, dice):
    """10,000 items of half a second at concurrency 20, or as many of them as the time allows."""
    count = max(400, min(10_000, int((deadline - time.monotonic()) * 0.8 / 0.5 * 20)))
    server = ModelServer(folder, "--latency", "500ms", "--tokens", 20)
    rows = write_prompts(folder / "prompts.jsonl", count)
    try:
        took = elapsed(ask(folder, server, rows, "--concurrency", 20, "--progress", "json"))
        ideal = -(-count // 20) * 0.5
        return f"{count} items of 0.5 s at concurrency 20: {took:.2f} s, {100 * (took / ideal - 1):.2f}% over {ideal:g} s"
    finally:
        server.stop()


def flight(folder, deadline, dice):
    """10,000 requests of 2 s at once: memory per request, and the rate compared with the ideal one."""
    server = ModelServer(folder, "--latency", "2s", "--tokens", 20)
    count, rounds = 10_000, 3
    rows = write_prompts(folder / "prompts.jsonl", count * rounds)
    workshop = Workshop(folder)
    try:
        run = workshop.start(
            "run", rows, "--out", folder / "out", "--base-url", server.url, "--model", "teacher",
            "--concurrency", count, "--progress", "json",
        )
        peak, resident = 0, 0
        while run.is_running:
            peak = max(peak, server.counts()["in_flight"])
            resident = max(resident, resident_kilobytes(run.process.pid))
            time.sleep(0.1)
        took = elapsed(run.wait().expect(OK))
        Disk(folder / "out").expect_done(rows)
        return (
            f"{peak} in flight at once, {resident / count:.1f} KB a request, {count * rounds} answers in {took:.2f} s: "
            f"{100 * 2 * rounds / took:.0f}% of the ideal rate"
        )
    finally:
        workshop.close()
        server.stop()


def resident_kilobytes(pid):
    try:
        with open(f"/proc/{pid}/status") as status:
            return next((int(line.split()[1]) for line in status if line.startswith("VmRSS")), 0)
    except OSError:
        return 0


# With the share of the time each may take.
STAGES = [
    (outage, 1), (flight, 1), (storm, 3), (window, 3), (streaming, 2), (chain, 3), (rounds, 3), (deaths, 5), (kills, 8),
]
