"""`retort serve` and LiteLLM's proxy: the same client before them, the same server behind them, each on one core."""

import os
import re
import shutil

import corpus
from processes import Child, Unmeasured, measure, tree
from report import Spread, Table, said
from servers import free_port, nginx, wait_until_listening
from settings import BUILD, SCRATCH, number, retort, tool

ROUNDS = number("BENCH_SERVE_ROUNDS", 3)
IN_FLIGHT = 64
CORE = "0"
REQUESTS = number("BENCH_SERVE_REQUESTS", 30_000)
# The proxy takes a hundred times as long.
REQUESTS_OF_PROXY = max(IN_FLIGHT, REQUESTS // 40)
START_SECONDS_MAX = 120
ROUND_SECONDS_MAX = 120
MARK_RATE, MARK_TIMES = 2000, 20

# The proxy's own upstream, with the same API; no logs, no database, and no key, like `serve` on loopback.
PROXY = """
model_list:
  - model_name: bench-model
    litellm_params:
      model: openai/bench-model
      api_base: {url}
      api_key: unused
general_settings:
  dangerously_permit_weak_or_unset_master_key: true
litellm_settings:
  telemetry: false
  drop_params: true
"""


def on_one_core(command):
    taskset = tool("taskset")
    if not taskset:
        raise Unmeasured("taskset is not installed: apt-get install util-linux")
    return [taskset, "-c", CORE, *command]


def cpu_seconds(pid):
    """User and system time of a tree of processes that all still run."""
    ticks = 0
    for process in tree(pid):
        with open(f"/proc/{process}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def start_retort(url):
    port, out = free_port(), SCRATCH / "serve"
    shutil.rmtree(out, ignore_errors=True)
    command = [retort(), "serve", "--out", out, "--base-url", url, "--listen", f"127.0.0.1:{port}", "--quiet"]
    return Child(on_one_core(command), SCRATCH / "serve.log"), port


def start_proxy(url):
    program = BUILD / "venv" / "bin" / "litellm"
    if not program.exists():
        raise Unmeasured("LiteLLM's proxy is not there: type `make python-env`")
    port, settings = free_port(), SCRATCH / "litellm.yaml"
    settings.write_text(PROXY.format(url=url))
    command = [program, "--config", settings, "--host", "127.0.0.1", "--port", port]
    # Without the first it would fetch its table of prices.
    return Child(
        on_one_core(command), SCRATCH / "litellm.log", LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_LOG="ERROR"), port


def ask(front, requests, seconds_max):
    """Seconds that h2load took for so many requests over HTTP/1.1, as many in flight as there are connections."""
    binary, body = tool("h2load"), SCRATCH / "question.json"
    if not binary:
        raise Unmeasured("h2load is not installed: apt-get install nghttp2-client")
    body.write_text('{"model":"bench-model","messages":[{"role":"user","content":"Why is the sea salty?"}]}')
    command = [
        binary, "--h1", "-n", requests, "-c", min(IN_FLIGHT, requests), "-d", body,
        "-H", "content-type: application/json", f"{front}/chat/completions"]
    cost = measure(command, SCRATCH / "h2load.log", seconds_max)
    done = re.search(r"finished in ([\d.]+)(us|ms|s|m)", cost.output)
    if not done or f"status codes: {requests} 2xx" not in cost.output:
        raise Unmeasured(f"h2load said: {cost.output[-300:]}")
    return float(done[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}[done[2]]


def measure_front(start, url, requests, seconds_max):
    """(requests per second, CPU microseconds per request) of one proxy."""
    child, port = start(url)
    try:
        wait_until_listening(child, port, START_SECONDS_MAX)
        front = f"http://127.0.0.1:{port}/v1"
        ask(front, requests // 10, seconds_max)
        before = cpu_seconds(child.pid)
        elapsed = ask(front, requests, seconds_max)
        return requests / elapsed, (cpu_seconds(child.pid) - before) / requests * 1e6
    finally:
        child.stop()


def section(suite):
    table = Table(
        "serve beside LiteLLM's proxy",
        ["front", "requests/s", "CPU us a request"],
        f"{IN_FLIGHT} in flight from h2load over HTTP/1.1, {REQUESTS:,} requests ({REQUESTS_OF_PROXY:,} to the proxy), one "
        f"answer of 1.4 KB from nginx; the front may use one core. Each is warmed up with a tenth; median of {ROUNDS} interleaved rounds (lowest to highest). `retort serve` has "
        "every answer in its store before its client gets it; the proxy keeps nothing. "
        f"Marks: {MARK_RATE:,} requests/s, {MARK_TIMES} times less CPU than the proxy.")
    fronts = {"retort serve": (start_retort, REQUESTS), "LiteLLM's proxy": (start_proxy, REQUESTS_OF_PROXY)}
    measured, missing = {name: [] for name in fronts}, {}
    with nginx(corpus.answers(1)) as url:
        for turn in range(ROUNDS):
            for name, (start, requests) in fronts.items():
                if name in missing:
                    continue
                said(f"{name}, round {turn + 1} of {ROUNDS}")
                try:
                    measured[name].append(measure_front(start, url, requests, suite.remaining(ROUND_SECONDS_MAX)))
                except Unmeasured as why:
                    missing[name] = str(why)
                    suite.unmeasured(name, why)
    for name, rounds in measured.items():
        if rounds:
            rate, cpu = zip(*rounds)
            table.add(name, Spread(rate, 0), Spread(cpu, 1))
    if table.rows:
        suite.show(table)
    ours, proxy = measured.values()
    if ours:
        suite.mark("requests/s of serve on one core", Spread([rate for rate, _ in ours], 0), MARK_RATE, at_least=True)
    if ours and proxy:
        times = [theirs[1] / mine[1] for mine, theirs in zip(ours, proxy)]
        suite.mark("CPU a request of LiteLLM's proxy, times serve's", Spread(times, 1), MARK_TIMES, at_least=True)
