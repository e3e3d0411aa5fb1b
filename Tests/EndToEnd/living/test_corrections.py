"""Answers that do not fit are sent back: every round is on disk and in the books, and a kill between rounds pays nothing twice."""

import json
import random
import time

import pytest

from conftest import Store, killed
from test_books import bill, prices, recorded, spending  # noqa: F401

SEED = 20261129
FIELDS = "title:string, year:integer"


def command(prompts, store, server, prices, *more):
    return [
        "run", prompts, "--out", store.root, "--base-url", server.url, "--model", "m", "--prices", prices,
        "--max-tokens", 60, "--fields", FIELDS, "--schema-by", "none", "--corrections", 3, *more,
    ]


def test_every_round_is_kept(retort, teacher, prompts, prices, tmp_path):  # noqa: F811
    server, store = teacher(), Store(tmp_path / "store")
    retort(*command(prompts(12), store, server, prices, "--max-cost", 1), status=75)
    rounds, failures = store.lane("rounds"), store.failures
    assert len(rounds) == 36 and len(failures) == 12
    told = spending(retort, store)
    assert recorded(told) == told["total_usd"] == bill(server)
    assert told["rounds_usd"] > told["failures_usd"] > 0 == told["uncertain_max_usd"]
    for item in failures:
        mine = sorted((line for line in rounds if line["id"] == item), key=lambda line: line["round"])
        assert [line["round"] for line in mine] == [1, 2, 3]
        assert [line["corrections"] for line in mine] == [0, 1, 2]
        assert {line["class"] for line in mine} == {"invalid_output"}
        # Each request contains the earlier answers, and what was wrong with them.
        turns = [json.loads(line["request"]["body"])["messages"] for line in mine]
        assert [len(each) for each in turns] == [1, 3, 5]
        assert turns[2][3]["content"] == mine[1]["response"] and "holds no JSON value" in turns[2][4]["content"]
        failure = failures[item]
        assert failure["class"] == "invalid_output" and failure["rounds"] == 4 and failure["attempts"] == 4
        in_all = sum(line["cost_usd"] for line in mine) + failure["cost_usd"]
        assert failure["rounds_cost_usd"] == pytest.approx(in_all)
    retort("reindex", store.root, "--from", "segments")
    assert spending(retort, store) == told
    # A retry starts the conversation again, and continues the numbers of its rounds.
    retort("retry", store.root, "--prices", prices, "--corrections", 1, status=75)
    assert max(line["round"] for line in store.lane("rounds")) == 4
    told = spending(retort, store)
    assert recorded(told) == bill(server)
    retort("verify", store.root, "--deep")


@pytest.mark.parametrize("number", range(3))
def test_a_kill_between_rounds_pays_nothing_twice(retort, teacher, prompts, prices, tmp_path, number):  # noqa: F811
    print(f"seed {SEED + number}")
    dice = random.Random(SEED + number)
    server = teacher("--latency", "15ms", "--server-seed", SEED + number)
    store, rows, concurrency = Store(tmp_path / "store"), 300, 50
    line = command(prompts(rows), store, server, prices, "-c", concurrency, "--max-cost", 10, "--quiet")
    kills = sum(killed(line, dice.uniform(0.1, 0.5)) for _ in range(6))
    time.sleep(0.1)
    retort(*line, status=75)
    told = spending(retort, store)
    assert recorded(told) <= bill(server) <= recorded(told) + told["uncertain_max_usd"]
    rounds = store.lane("rounds")
    keys = [(line["id"], line["sample"], line["round"]) for line in rounds]
    assert len(set(keys)) == len(keys)
    assert len(rounds) == 3 * rows and len(store.failures) == rows
    answered, _, _ = server.billed
    assert 4 * rows <= answered <= 4 * rows + kills * concurrency
    retort("verify", store.root, "--deep")
