"""The window against its ideal: items that all take equally long, a few at a time, over real HTTP."""

import http.client
import json
import statistics
import time

import corpus
from pipeline import run_retort
from report import Spread, Table, said
from servers import Simulator
from settings import FULL, SCRATCH

ITEMS, LATENCY_MS, CONCURRENCY = (10_000, 500, 20) if FULL else (2_000, 50, 20)
ROUNDS = 1 if FULL else 3
IN_FLIGHT, IN_FLIGHT_SECONDS, IN_FLIGHT_TURNS, IN_FLIGHT_ROUNDS = 10_000, 2, 3, 3


def served_seconds(server, count=20):
    """The median time of a single request: the requested latency, and the server's own delay."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    body = json.dumps({"model": "bench-model", "messages": [{"role": "user", "content": "How long does it take?"}]})
    times = []
    for _ in range(count):
        began = time.monotonic()
        connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        connection.getresponse().read()
        times.append(time.monotonic() - began)
    connection.close()
    return statistics.median(times)


def section(suite):
    ideal = ITEMS / CONCURRENCY * LATENCY_MS / 1000
    rows = corpus.write_prompts(SCRATCH / f"window-{ITEMS}.jsonl", ITEMS)
    one_turn = corpus.write_prompts(SCRATCH / f"window-{CONCURRENCY}.jsonl", CONCURRENCY)
    walls, nets, cpus, alone = [], [], [], []
    with Simulator("--latency", f"{LATENCY_MS}ms") as server:
        for turn in range(ROUNDS):
            said(f"{ITEMS:,} items of {LATENCY_MS} ms, round {turn + 1} of {ROUNDS}")
            alone.append(served_seconds(server))
            short = run_retort(one_turn, SCRATCH / "window", server.url, CONCURRENCY, suite.remaining(30))
            cost = run_retort(rows, SCRATCH / "window", server.url, CONCURRENCY, suite.remaining(ideal * 2 + 30))
            walls.append(cost.wall)
            nets.append((cost.wall - short.wall) / (ideal - LATENCY_MS / 1000) - 1)
            cpus.append(cost.cpu)
    table = Table(
        f"{ITEMS:,} items of {LATENCY_MS} ms at concurrency {CONCURRENCY}",
        ["", "value"],
        "Over ideal: a run of one turn is taken off, which is what starting, opening, closing and ending cost. The server "
        "is a process of its own; a request that is alone takes the latency and what server and kernel are late by: the "
        "window cannot be better than that. Marks, for the long form (BENCH_FULL=1): 0.2% over ideal, 0.5% of a core.")
    table.add("ideal, s", ideal)
    table.add("wall, s", Spread(walls, 3))
    table.add("over ideal, without start and end, %", Spread([100 * net for net in nets], 2))
    table.add("one request alone, over its latency, %", Spread([100 * (a * 1000 / LATENCY_MS - 1) for a in alone], 2))
    table.add("CPU, s", Spread(cpus, 3))
    table.add("CPU, % of a core", Spread([100 * cpu / wall for cpu, wall in zip(cpus, walls)], 2))
    suite.show(table)
    if FULL:
        suite.mark("window: % over ideal", Spread([100 * net for net in nets], 2), 0.2)
        suite.mark("window: CPU, % of a core", Spread([100 * cpu / wall for cpu, wall in zip(cpus, walls)], 2), 0.5)


def in_flight(suite):
    """Many slow requests at once."""
    total = IN_FLIGHT * IN_FLIGHT_TURNS
    rows = corpus.write_prompts(SCRATCH / f"in-flight-{total}.jsonl", total)
    one_turn = corpus.write_prompts(SCRATCH / f"in-flight-{IN_FLIGHT}.jsonl", IN_FLIGHT)
    out = SCRATCH / "in-flight"
    with Simulator("--latency", "20ms") as server:
        said("100 in flight, for comparison")
        few = run_retort(rows, out, server.url, 100, suite.remaining(60))
    firsts, manies = [], []
    with Simulator("--latency", f"{IN_FLIGHT_SECONDS}s") as server:
        for turn in range(IN_FLIGHT_ROUNDS):
            said(f"{IN_FLIGHT:,} in flight, round {turn + 1} of {IN_FLIGHT_ROUNDS}")
            firsts.append(run_retort(one_turn, out, server.url, IN_FLIGHT, suite.remaining(120)))
            manies.append(run_retort(rows, out, server.url, IN_FLIGHT, suite.remaining(120)))
        counts = server.counts()
    ideal = IN_FLIGHT_SECONDS * IN_FLIGHT_TURNS
    net = ideal - IN_FLIGHT_SECONDS
    rate = Spread([100 * net / (many.wall - first.wall) for first, many in zip(firsts, manies)], 1)
    memory = Spread([(many.rss_bytes - few.rss_bytes) / 1024 / (IN_FLIGHT - 100) for many in manies], 1)
    table = Table(
        f"{IN_FLIGHT:,} requests of {IN_FLIGHT_SECONDS} s at once, {IN_FLIGHT_TURNS} turns of them",
        ["", "value"],
        "Memory is the peak of the whole process, less that of the same prompts with 100 in flight, divided by the "
        "requests in flight. A run of one turn holds start and end of the process and the opening of all connections; the "
        "rate is that of the other turns. Server and client share the machine. "
        "Marks: 40 KB a request, a rate within 2% of ideal.")
    table.add("in flight at once, counted by the server", counts["in_flight_peak"])
    table.add("ideal, s", ideal)
    table.add("wall, s", Spread([many.wall for many in manies], 2))
    table.add("wall of the first turn alone, s", Spread([first.wall for first in firsts], 2))
    table.add("rate against ideal after the first turn, %", rate)
    table.add("memory a request, KB", memory)
    table.add("peak RSS, MB", Spread([many.rss_bytes / 2**20 for many in manies], 1))
    table.add("CPU us a request", Spread([many.cpu / total * 1e6 for many in manies], 1))
    suite.show(table)
    suite.mark(f"{IN_FLIGHT:,} in flight: rate, % of ideal", rate, 98, at_least=True)
    suite.mark(f"{IN_FLIGHT:,} in flight: KB a request", memory, 40)
