"""Answers judged by a verifier: a rejected one goes into the next round, every round is on disk and in the books."""

import json
import random
import sys
import time

import pytest

from conftest import Store, killed
from test_books import bill, prices, recorded, spending  # noqa: F401

SEED = 20261130

# Accepts an answer in the round given by the item's number; for every tenth item never.
JUDGE = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    number = int(asked["id"].split("-")[1])
    passes = number % 10 != 9 and asked["round"] > number % 3
    score = {1: 0.3, 2: 0.9}.get(asked["round"], 0.5)
    reply = {"id": asked["id"], "sample": asked["sample"], "pass": passes, "score": score,
             "feedback": f"round {asked['round']} of {asked['row']['level']} is wrong"}
    print(json.dumps(reply), flush=True)
"""


@pytest.fixture
def judge(tmp_path):
    path = tmp_path / "judge.py"
    path.write_text(JUDGE)
    return f"{sys.executable} {path}"


def command(prompts, store, server, prices, *more):
    return [
        "run", prompts, "--out", store.root, "--base-url", server.url, "--model", "m", "--prices", prices,
        "--max-tokens", 40, *more,
    ]


def of_item(lines, item):
    return sorted((line for line in lines if line["id"] == item), key=lambda line: line.get("round", 0))


def test_rounds_go_on_until_an_answer_passes(retort, teacher, prompts, prices, judge, tmp_path):  # noqa: F811
    server, store = teacher(), Store(tmp_path / "store")
    flags = ["--verifier", judge, "--rounds", 3, "--max-cost", 1]
    retort(*command(prompts(20), store, server, prices, *flags), status=75)
    rounds, answers, failures = store.lane("rounds"), store.responses, store.failures
    assert len(answers) == 18 and sorted(failures) == ["q-19", "q-9"]
    for number in range(20):
        item = f"q-{number}"
        mine = of_item(rounds, item)
        count = 3 if number % 10 == 9 else number % 3 + 1
        assert [line["round"] for line in mine] == list(range(1, count + 1))
        assert {line["class"] for line in mine} == {"unjudged"}
        turns = json.loads(mine[-1]["request"]["body"])["messages"]
        assert len(turns) == 2 * count - 1
        if count > 1:
            assert turns[-1]["content"] == f"round {count - 1} of {number} is wrong"
            assert turns[-2]["content"] == mine[-2]["response"]
        outcome = answers.get(item) or failures[item]
        assert outcome["rounds"] == count
        assert outcome["rounds_cost_usd"] == pytest.approx(sum(line["cost_usd"] for line in mine))
        assert json.loads(outcome["verdict"])["pass"] == (item in answers)
        if item in answers:
            assert outcome["response"] == mine[-1]["response"] and outcome["cost_usd"] == mine[-1]["cost_usd"]
    assert failures["q-9"]["class"] == "verifier" and "round 3 of 9 is wrong" in failures["q-9"]["error"]
    verdicts = store.lane("verdicts")
    assert {line["pass"] for line in verdicts} == {False}
    assert len(verdicts) == len(rounds) - len(answers)
    told = spending(retort, store)
    assert recorded(told) == told["total_usd"] == bill(server)
    retort("reindex", store.root, "--from", "segments")
    assert spending(retort, store) == told
    retort("verify", store.root, "--deep")


def test_the_best_round_is_kept(retort, teacher, prompts, prices, tmp_path, judge):  # noqa: F811
    server, store = teacher(), Store(tmp_path / "store")
    template = tmp_path / "feedback.txt"
    template.write_text("Score {{score}}: {{feedback}}. You said: {{response}}\n")
    flags = ["--verifier", judge, "--rounds", 3, "--keep-best", "--feedback", template]
    retort(*command(prompts(10), store, server, prices, *flags))
    answer, rounds = store.responses["q-9"], of_item(store.lane("rounds"), "q-9")
    assert answer["response"] == rounds[1]["response"] and len(rounds) == 3
    verdict = json.loads(answer["verdict"])
    assert verdict["score"] == 0.9 and verdict["pass"] is False
    turns = json.loads(rounds[1]["request"]["body"])["messages"]
    assert turns[-1]["content"] == f"Score 0.3: round 1 of 9 is wrong. You said: {rounds[0]['response']}"


def test_what_a_verifier_could_not_judge_is_judged_later_at_no_cost(retort, teacher, prompts, prices, judge, tmp_path):  # noqa: F811
    server, store = teacher(), Store(tmp_path / "store")
    broken = tmp_path / "broken.py"
    broken.write_text("import sys; sys.exit('no model')\n")
    verifier = f"{sys.executable} {tmp_path / 'current.py'}"
    (tmp_path / "current.py").write_text(broken.read_text())
    line = command(prompts(12), store, server, prices, "--verifier", verifier, "--rounds", 3)
    told = retort(*line, status=75)
    assert "no model" in told.stderr
    before, _, _ = server.billed
    assert not store.responses and not store.failures and len(store.lane("rounds")) == before > 0
    (tmp_path / "current.py").write_text(JUDGE)
    retort(*line, status=75)
    assert len(store.responses) == 11
    rounds = store.lane("rounds")
    keys = [(each["id"], each["round"]) for each in rounds]
    assert len(set(keys)) == len(keys) == server.billed[0]
    retort("verify", store.root, "--deep")


def test_a_changed_row_does_not_get_the_answer_to_what_it_asked_before(retort, teacher, prices, judge, tmp_path):  # noqa: F811
    """Neither if its answer was superseded, nor if it was pending with a round on disk."""
    server, store, rows = teacher(), Store(tmp_path / "store"), tmp_path / "rows.jsonl"

    def write(word):
        lines = [{"id": f"q-{number}", "prompt": f"{word} #{number}", "level": str(number)} for number in range(10)]
        rows.write_text("".join(json.dumps(line) + "\n" for line in lines))

    write("name the capital of France")
    broken = tmp_path / "broken.py"
    broken.write_text("import sys; sys.exit('no model')\n")
    line = command(rows, store, server, prices, "--rounds", 3, "--max-cost", 1)
    retort(*line, "--verifier", f"{sys.executable} {broken}", status=75)
    assert not store.responses and len(store.lane("rounds")) == server.billed[0] > 0
    # Without a verifier these answers would be paid for again.
    assert "verifier" in retort(*line[:-4], status=78).stderr
    # Numbers of rounds continue, and the judge sees them.
    for word, wanted in (("translate", 15), ("summarise", 12)):
        write(word)
        before = server.billed[0]
        retort(*line, "--verifier", judge, "--on-change", "rerun", status=75)
        assert server.billed[0] - before == wanted
        for item, answer in store.responses.items():
            mine = of_item(store.lane("rounds"), item)[-1]
            asked = json.loads(mine["request"]["body"])["messages"]
            assert asked[0]["content"].startswith(word) and answer["response"] == mine["response"]
            assert all("capital" not in turn["content"] for turn in asked)
        told = spending(retort, store)
        assert recorded(told) == told["total_usd"] == bill(server)
    retort("verify", store.root, "--deep")


@pytest.mark.parametrize("number", range(3))
def test_a_kill_between_rounds_pays_nothing_twice(retort, teacher, prompts, prices, judge, tmp_path, number):  # noqa: F811
    print(f"seed {SEED + number}")
    dice = random.Random(SEED + number)
    server = teacher("--latency", "15ms", "--server-seed", SEED + number)
    store, rows, concurrency = Store(tmp_path / "store"), 300, 200
    line = command(
        prompts(rows), store, server, prices, "-c", concurrency, "--verifier", judge, "--rounds", 3, "--quiet",
        "--max-cost", 10,
    )
    kills = sum(killed(line, dice.uniform(0.1, 0.8)) for _ in range(6))
    time.sleep(0.1)
    retort(*line, status=75)
    told = spending(retort, store)
    assert recorded(told) <= bill(server) <= recorded(told) + told["uncertain_max_usd"]
    rounds = store.lane("rounds")
    keys = [(each["id"], each["round"]) for each in rounds]
    assert len(set(keys)) == len(keys)
    wanted = sum(3 if each % 10 == 9 else each % 3 + 1 for each in range(rows))
    assert len(rounds) == wanted and len(store.failures) == rows // 10
    answered, _, _ = server.billed
    assert wanted <= answered <= wanted + kills * concurrency
    retort("verify", store.root, "--deep")


def test_options_without_a_verifier_are_refused(retort, prompts, tmp_path):
    for flags in (["--rounds", 2], ["--keep-best"], ["--verifier-workers", 2], ["--sandbox", "none"]):
        told = retort("run", prompts(1), "--out", tmp_path / "store", "--simulate", *flags, status=64)
        assert "--verifier" in told.stderr and not (tmp_path / "store").exists()
