"""The durable pipeline compared with `wrk`: the cost of parsing, journalling, compressing and indexing an answer."""

import re
import shutil

import corpus
from processes import Unmeasured, measure
from report import Spread, Table, said
from servers import nginx
from settings import SCRATCH, number, retort, tool

ROUNDS = number("BENCH_ROUNDS", 5)
PROMPTS = number("BENCH_PROMPTS", 200_000)
WRK_SECONDS = number("BENCH_WRK_SECONDS", 3)
RUN_SECONDS_MAX = 180
MARK_RATIO, MARK_CPU_US = 0.4, 30


def prompts(count=PROMPTS):
    return corpus.write_prompts(SCRATCH / f"prompts-{count}.jsonl", count)


def run_command(rows, out, url, concurrency):
    return [
        retort(), "run", rows, "--out", out, "--model", "bench-model", "--base-url", url, "--concurrency", concurrency
    ]


def run_retort(rows, out, url, concurrency, seconds_max, keep=False, **options):
    """One whole `retort run` into a fresh store with its default durability."""
    if not keep:
        shutil.rmtree(out, ignore_errors=True)
    return measure(run_command(rows, out, url, concurrency), SCRATCH / "retort.log", seconds_max, **options)


def run_wrk(url, connections, seconds_max):
    """(requests per second, CPU microseconds per request, peak RSS) of wrk on one thread."""
    binary = tool("wrk")
    if not binary:
        raise Unmeasured("wrk is not installed: apt-get install wrk")
    question = f"Question 1: explain this: {corpus.sentences()[0]} {corpus.sentences()[1]}"
    script = SCRATCH / "post.lua"
    script.write_text(
        'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
        f"""wrk.body = '{{"model":"bench-model","messages":[{{"role":"user","content":"{question}"}}]}}'\n""")
    command = [binary, "-t1", f"-c{connections}", f"-d{WRK_SECONDS}s", "-s", script, f"{url}/chat/completions"]
    cost = measure(command, SCRATCH / "wrk.log", seconds_max)
    done = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m)", cost.output)
    if not done or int(done[1]) == 0 or "Non-2xx" in cost.output:
        raise Unmeasured(f"wrk said: {cost.output[-300:]}")
    elapsed = float(done[2]) * {"ms": 0.001, "s": 1, "m": 60}[done[3]]
    return int(done[1]) / elapsed, cost.cpu / int(done[1]) * 1e6, cost.rss_bytes


def compare(suite, answers, concurrency, table, name):
    """Adds both clients' rows; returns retort's share of wrk's rate and its CPU us per request."""
    rows, out = prompts(), SCRATCH / "pipeline"
    floor, ours = [], []
    with nginx(answers) as url:
        for turn in range(ROUNDS):
            said(f"{name}, {concurrency} in flight, round {turn + 1} of {ROUNDS}")
            floor.append(run_wrk(url, concurrency, suite.remaining(WRK_SECONDS + 30)))
            cost = run_retort(rows, out, url, concurrency, suite.remaining(RUN_SECONDS_MAX))
            ours.append((PROMPTS / cost.wall, cost.cpu / PROMPTS * 1e6, cost.rss_bytes))
    ratios = [mine[0] / wrk[0] for mine, wrk in zip(ours, floor)]
    for client, rounds, ratio in (("wrk", floor, ""), ("retort run", ours, Spread(ratios, 3))):
        rate, cpu, rss = zip(*rounds)
        table.add(
            name, concurrency, client, Spread(rate, 0), ratio, Spread(cpu, 1),
            Spread([size / 2**20 for size in rss], 0))
    return Spread(ratios, 3), Spread([cpu for _, cpu, _ in ours], 1)


def section(suite):
    """The table, and the marks for one answer at 64 in flight."""
    table = Table(
        "The whole durable pipeline against the client floor",
        ["answers", "in flight", "client", "requests/s", "of wrk's rate", "CPU us a request", "peak RSS MB"],
        f"{PROMPTS:,} prompts a run; median of {ROUNDS} interleaved rounds (lowest to highest). `retort run` is the "
        "whole process from start to exit, with default compression and sync; CPU is user and system time of the whole "
        f"process tree. wrk throws the answers away. Marks: {MARK_RATIO} of wrk's rate, {MARK_CPU_US} us a request. "
        f"'one' is one answer of 1.4 KB again and again; 'varied' draws from {corpus.ANSWERS_VARIED} different ones, "
        "which costs compression what real text costs.")
    try:
        fixed, varied = corpus.answers(1), corpus.answers(corpus.ANSWERS_VARIED)
        ratio, cpu = compare(suite, fixed, 64, table, "one")
        suite.mark("requests/s of the whole pipeline, of wrk's rate, 64 in flight", ratio, MARK_RATIO, at_least=True)
        suite.mark("CPU us a request of the whole pipeline, 64 in flight", cpu, MARK_CPU_US)
        compare(suite, varied, 64, table, "varied")
        compare(suite, fixed, 1000, table, "one")
    finally:
        if table.rows:
            suite.show(table)
