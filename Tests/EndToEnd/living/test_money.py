"""Prices, costs and `--max-cost`, against the built-in model server and its own counts."""

import json

import pytest

from conftest import Store

PRICE = "simulated-teacher 1.0 0.1 10.0\nm 1.0 0.1 10.0\n"


@pytest.fixture
def prices(tmp_path):
    path = tmp_path / "prices.txt"
    path.write_text(PRICE)
    return path


def cost_of(record):
    usage = record["usage"]
    fresh = usage["prompt_tokens"] - usage["cached_tokens"]
    return (fresh * 1.0 + usage["cached_tokens"] * 0.1 + usage["completion_tokens"] * 10.0) / 1e6


def test_every_record_states_its_cost(retort, finished, prices, counts):
    store = finished(30, "--prices", prices)
    records = store.responses.values()
    for record in records:
        assert record["cost_usd"] == pytest.approx(cost_of(record), abs=1e-9)
    assert counts(store)["cost_nanousd"] == pytest.approx(sum(map(cost_of, records)) * 1e9, abs=1)
    assert "cost" in retort("status", store.root).stdout
    retort("reindex", store.root, "--from", "segments")
    assert counts(store)["cost_nanousd"] == pytest.approx(sum(map(cost_of, records)) * 1e9, abs=1)


def test_no_cost_is_made_up(retort, finished):
    store = finished(3)
    assert {record["cost_usd"] for record in store.responses.values()} == {0.0}
    assert "cost" not in retort("status", store.root).stdout


def test_the_budget_is_never_crossed(retort, teacher, prompts, prices, tmp_path, counts):
    server, store = teacher("--latency", "5ms"), Store(tmp_path / "store")
    command = [
        "run", prompts(400), "--out", store.root, "--base-url", server.url, "--model", "m", "--prices", prices,
        "--max-tokens", 150, "-c", 16,
    ]
    stopped = retort(*command, "--max-cost", "0.1", status=75)
    assert "--max-cost" in stopped.stderr
    spent = counts(store)["cost_nanousd"] / 1e9
    assert 0.09 < spent <= 0.1
    asked = server.requests
    assert asked == len(store.responses)
    # The limit applies to the store, not to the run.
    retort(*command, "--max-cost", "0.1", status=75)
    assert server.requests == asked
    retort(*command, "--max-cost", "10")
    assert len(store.responses) == 400 == server.requests
    retort("verify", store.root, "--deep")


def test_a_limit_that_cannot_be_kept_is_refused(retort, prompts, prices, tmp_path):
    out = tmp_path / "store"
    for flags in (["--model", "made-up", "--max-tokens", 5], ["--model", "gpt-4o"]):
        retort("run", prompts(3), "--out", out, *flags, "--max-cost", 1, status=78)
    assert not out.exists()


def test_a_bad_price_file(retort, prompts, tmp_path):
    path = tmp_path / "prices.txt"
    path.write_text("m 1 1\n")
    refused = retort("run", prompts(3), "--out", tmp_path / "o", "--simulate", "--prices", path, status=78)
    assert f"{path}:1" in refused.stderr
    retort("run", prompts(3), "--out", tmp_path / "o", "--simulate", "--prices", tmp_path / "none", status=66)


def test_a_retry_keeps_to_the_budget(retort, teacher, prompts, prices, tmp_path, counts):
    bad, good = teacher("--fail", "400=1"), teacher()
    store = Store(tmp_path / "store")
    bad_run = ["--base-url", bad.url, "--model", "m", "--max-tokens", 100, "--refusals-max", 0]
    retort("run", prompts(40), "--out", store.root, *bad_run, status=75)
    retry = ["retry", store.root, "--base-url", good.url, "--prices", prices]
    retort(*retry, "--max-cost", "0.01", status=75)
    assert 0 < counts(store)["cost_nanousd"] <= 0.01e9
    assert 0 < good.requests < 40
    retort(*retry)
    assert good.requests == 40 and counts(store)["failed"] == 0


def test_the_plan_tells_the_cost(retort, finished, prompts, prices, counts, tmp_path):
    store = finished(100, "--prices", prices)
    before = counts(store)["cost_nanousd"]
    flags = ["--out", store.root, "--simulate", "--prices", prices]
    told = json.loads(retort("plan", prompts(500, "more.jsonl"), *flags, "--json").stdout)
    retort("run", prompts(500, "more.jsonl"), *flags)
    spent = (counts(store)["cost_nanousd"] - before) / 1e9
    assert told["cost_usd_low"] <= spent <= told["cost_usd_high"]
