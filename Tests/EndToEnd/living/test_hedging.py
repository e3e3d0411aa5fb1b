"""`--hedge`: the gain and cost of duplicates of stragglers, with the real client and the built-in model server."""

import json
import os
import random
import signal
import subprocess

from conftest import Store, binary, environment

CAP = 1.0
SLOW = ["--latency", "lognormal:40ms,0.3", "--fail", "slow=0.02", "--slow-factor", 40]
HEDGED = ["--hedge", "p95", "--hedge-budget", "6%"]


def status(retort, store):
    return json.loads(retort("status", store.root, "--json").stdout)


def slow(store):
    """Answers that took longer than a second: those that are deliberately slow, and had no duplicate."""
    return sum(record["latency_ms"] > 1000 for record in store.responses.values())


def test_the_tail_is_shorter_and_the_summary_says_so(retort, prompts, tmp_path):
    rows, stores, texts = prompts(1500), [], []
    for name, options in (("plain", []), ("hedged", HEDGED)):
        store = Store(tmp_path / name)
        done = retort("run", rows, "--out", store.root, "--simulate", *SLOW, "-c", 40, "--price", "1 1 2", *options)
        stores.append(store)
        texts.append(done.stderr)
        retort("verify", store.root, "--deep")
    plain, hedged = stores
    assert slow(hedged) < slow(plain) / 2, (slow(hedged), slow(plain))
    counts = status(retort, hedged)["hedges"]
    assert status(retort, plain)["hedges"] is None and "hedges" not in texts[0]
    assert counts["won"] > 0 and counts["sent"] >= counts["won"] and counts["sent"] <= 0.06 * (1500 + counts["sent"])
    assert f"{counts['sent']} duplicates of requests slower than" in texts[1]
    assert f"{counts['won']} answered first" in texts[1] and "losers cost" in texts[1]
    retort("report", hedged.root)
    summary = json.loads((hedged.root / "report" / "summary.json").read_text())
    assert summary["last_run"]["hedges"] == counts
    assert "answered first" in (hedged.root / "report" / "REPORT.txt").read_text()
    assert "answered first" in (hedged.root / "report" / "report.html").read_text()


def test_the_books_hold_under_kills(retort, teacher, prompts, tmp_path):
    """Half of all requests get a duplicate, and the run is killed again and again."""
    server = teacher("--latency", "lognormal:15ms,0.8", "--tokens", "20")
    store, rows = Store(tmp_path / "store"), prompts(1200)
    command = [
        "run", rows, "--out", store.root, "--base-url", server.url, "--model", "m", "--price", "1 1 10", "-c", 24,
        "--max-tokens", 30, "--max-cost", CAP, "--hedge", "p50", "--hedge-budget", "50%", "--quiet",
    ]  # fmt: skip
    dice, kills = random.Random(7), 0
    for _ in range(8):
        process = subprocess.Popen([str(binary()), *map(str, command)], env=environment(OPENAI_API_KEY="k"))
        try:
            process.wait(dice.uniform(0.1, 0.5))
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
    retort(*command)
    assert kills > 3
    assert len(store.responses) == 1200
    retort("verify", store.root, "--deep")
    _, prompt, completion = server.billed
    billed = prompt * 1e-6 + completion * 1e-5
    spent = status(retort, store)["spent"]
    recorded, most = spent["total_usd"], spent["total_usd"] + spent["uncertain_max_usd"]
    assert recorded <= billed + 1e-9 and billed <= most + 1e-9 and most <= CAP, (recorded, billed, most)


def test_what_makes_no_sense_is_refused(retort, prompts, tmp_path):
    rows = prompts(1)
    for options, words in [
        (["--hedge", "99"], "not a percentile: --hedge 99"),
        (["--hedge", "p20"], "Give one from p50 to p99.9"),
        (["--hedge", "p99", "--hedge-budget", "0"], "not a share: --hedge-budget 0"),
        (["--hedge-budget", "2%"], "--hedge-budget is for --hedge"),
    ]:
        done = retort("run", rows, "--out", tmp_path / "none", "--simulate", *options, status=64)
        assert words in done.stderr, done.stderr
    done = retort(
        "run", rows, "--out", tmp_path / "none", "--base-url", "http://127.0.0.1:1", "--model", "m", "--via", "batch", "--hedge",
        "p99", status=78,
    )  # fmt: skip
    assert "a batch has no requests to hedge" in done.stderr
