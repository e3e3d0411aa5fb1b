"""The books: the server's bill equals what the store states, over run, retry, resume and kill, and never exceeds the cap."""

import json
import random
import time

import pytest

from conftest import Store, killed

PRICE = "m 1.0 0.1 10.0\n"
SEED = 20261128


@pytest.fixture
def prices(tmp_path):
    path = tmp_path / "prices.txt"
    path.write_text("# version test-1\n" + PRICE)
    return path


def bill(server):
    _, prompt, completion = server.billed
    return prompt * 1000 + completion * 10_000


def spending(retort, store):
    """The spending in `status --json`, in nanodollars."""
    told = json.loads(retort("status", store.root, "--json").stdout)["spent"]
    return {name: round((value or 0) * 1e9) for name, value in told.items()}


def recorded(told):
    return sum(value for name, value in told.items() if name not in ("total_usd", "uncertain_max_usd"))


def expect_true_books(retort, store, server, cap=None):
    """Cost in records <= the server's bill <= that plus what may have been spent without a record <= the cap in dollars."""
    told = spending(retort, store)
    assert recorded(told) <= bill(server) <= recorded(told) + told["uncertain_max_usd"]
    assert cap is None or bill(server) <= cap * 1e9


def kill_again_and_again(run, retort, store, server, dice):
    """Kills the run six times at random moments; the books hold at each."""
    for _ in range(6):
        killed(run, dice.uniform(0.1, 0.7))
        time.sleep(0.1)
        if (store.root / "retort.json").exists():
            expect_true_books(retort, store, server)


def test_rejected_answers_are_in_the_books(retort, teacher, prompts, prices, tmp_path):
    server, store = teacher("--fail", "length=1"), Store(tmp_path / "store")
    flags = ["--prices", prices, "--max-cost", "0.08"]
    retort(
        "run", prompts(40), "--out", store.root, "--base-url", server.url, "--model", "m", "--max-tokens", 100,
        "--reject-finish", "length", *flags, status=75,
    )
    for _ in range(4):
        retort("retry", store.root, *flags, status=75)
    told = spending(retort, store)
    assert told["failures_usd"] == bill(server) > 0
    assert told["answers_usd"] == 0 == told["uncertain_max_usd"]
    assert bill(server) <= 0.08e9
    failure = next(iter(store.failures.values()))
    assert failure["usage"]["completion_tokens"] > 0 and failure["cost_usd"] > 0 and failure["prices"] == "test-1"
    retort("reindex", store.root, "--from", "segments")
    assert spending(retort, store) == told
    retort("verify", store.root, "--deep")


def test_answers_that_are_asked_again_are_counted(retort, teacher, prompts, prices, tmp_path):
    server, store = teacher("--fail-script", "1=malformed"), Store(tmp_path / "store")
    retort(
        "run", prompts(30), "--out", store.root, "--base-url", server.url, "--model", "m", "--max-tokens", 100,
        "--prices", prices, "--max-cost", 1, status=None,
    )
    told = spending(retort, store)
    assert recorded(told) == bill(server) and told["rounds_usd"] > 0 == told["uncertain_max_usd"]
    assert len(store.responses) == 30
    rounds = store.lane("rounds")
    assert 0 < len(rounds) <= 30 and {line["class"] for line in rounds} == {"server"}
    retort("verify", store.root, "--deep")


@pytest.mark.parametrize("number", range(3))
def test_the_cap_holds_over_kills(retort, teacher, prompts, prices, tmp_path, number):
    print(f"seed {SEED + number}")
    dice = random.Random(SEED + number)
    server = teacher(
        "--latency", "20ms", "--server-seed", SEED + number,
        "--fail", "429=0.1,500=0.1,length=0.1,content-filter=0.05,malformed=0.1,truncate=0.05,reset=0.05",
    )
    store, cap = Store(tmp_path / "store"), 0.25
    command = [
        "run", prompts(600), "--out", store.root, "--base-url", server.url, "--model", "m", "--prices", prices,
        "--max-tokens", 60, "-c", 200, "--max-cost", cap, "--reject-finish", "length", "--quiet",
    ]
    for _ in range(8):
        killed(command, dice.uniform(0.05, 0.6))
        # What the killed process had sent is still on the way to the server.
        time.sleep(0.1)
        if (store.root / "retort.json").exists():
            expect_true_books(retort, store, server)
        assert bill(server) <= cap * 1e9
    retort(*command, status=None)
    retort("retry", store.root, "--max-cost", cap, "--prices", prices, status=None)
    told = spending(retort, store)
    assert told["total_usd"] == recorded(told)
    expect_true_books(retort, store, server, cap)
    retort("verify", store.root, "--deep")
