"""64 real clients of one limiter on one machine, which they need for themselves: a request that a busy machine sends late falls
into a later window than its right.

RETORT_LIMIT_RATE and RETORT_LIMIT_SECONDS say how much; 1,000 a second for 70 seconds by default.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))

from model_server import ModelServer  # noqa: E402
from processes import Server, clean_environment  # noqa: E402
from program import binary  # noqa: E402

CLIENTS = 64
RATE = int(os.environ.get("RETORT_LIMIT_RATE", 1000))
SECONDS = int(os.environ.get("RETORT_LIMIT_SECONDS", 70))


def test_64_processes_use_one_limit_and_never_cross_it(tmp_path):
    server = ModelServer(tmp_path, "--latency", "20ms", "--quiet", "--count-windows")
    rows = tmp_path / "rows.jsonl"
    count = RATE * SECONDS
    rows.write_text("".join(json.dumps({"id": f"q{n}", "prompt": f"Question {n}?"}) + "\n" for n in range(count)))
    limiter = Server([binary(), "limit", "--listen", "127.0.0.1:0", "--rps", str(RATE)], tmp_path / "limit.log", clean_environment())
    where = ("--base-url", server.url, "--model", "m", "--concurrency", 32, "--quiet")
    flags = (*where, "--limit-server", limiter.first_line().decode().strip())
    samples = []
    try:
        runs = [
            subprocess.Popen(
                [str(part) for part in (binary(), "run", rows, "--shard", f"{n}/{CLIENTS}", "--out", tmp_path / f"s{n}", *flags)],
                env=clean_environment(OPENAI_API_KEY="k"),
            )
            for n in range(1, CLIENTS + 1)
        ]
        while any(child.poll() is None for child in runs):
            samples.append((time.monotonic(), server.counts()["requests"]))
            time.sleep(0.1)
        assert [child.wait() for child in runs] == [0] * CLIENTS
        counts = server.counts()
    finally:
        server.stop()
        limiter.stop()
    # While all clients have something to send: from the first fifth of the rows to the last.
    began = next(sample for sample in samples if sample[1] > count * 0.2)
    ended = next(sample for sample in samples if sample[1] > count * 0.8)
    used = (ended[1] - began[1]) / (ended[0] - began[0]) / RATE
    print(f"{CLIENTS} clients at {RATE}/s: {used:.3f} used, {counts['most_in_second']} in a second, {counts['most_in_minute']} in a minute")
    assert counts["requests"] == count
    assert counts["most_in_second"] <= RATE and counts["most_in_minute"] <= 60 * RATE
    assert used >= 0.95
