"""`retort plan`: what the next run will send, without sending anything."""

import hashlib
import json
import os

import pytest


def digest(root):
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return [(str(path), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]


def plan(retort, source, root, *flags, **how):
    return json.loads(retort("plan", source, "--out", root, "--json", *flags, **how).stdout)


def test_the_plan_is_what_the_run_then_asks(retort, teacher, prompts, tmp_path):
    root, server = tmp_path / "store", teacher()
    job = ["--base-url", server.url, "--model", "m"]
    assert plan(retort, prompts(400), root, *job)["new"] == 400
    assert not root.exists()
    retort("run", prompts(250, "half.jsonl"), "--out", root, *job)
    asked = server.requests
    told = plan(retort, prompts(400), root, *job)
    assert (told["done"], told["failed"], told["new"]) == (250, 0, 150)
    retort("run", prompts(400), "--out", root, *job)
    assert server.requests - asked == 150


def test_estimates_hold_what_then_comes(retort, tmp_path, counts):
    from conftest import Store

    root, flags = tmp_path / "store", ["--simulate", "--latency", "lognormal:20ms,0.3", "--concurrency", 8]
    texts = [" ".join(f"word{number * factor}" for factor in range(1, number * 7 % 40 + 2)) for number in range(900)]
    rows = [json.dumps({"id": str(number), "prompt": text}) + "\n" for number, text in enumerate(texts)]
    third, whole = tmp_path / "third.jsonl", tmp_path / "whole.jsonl"
    third.write_text("".join(rows[:300]))
    whole.write_text("".join(rows))
    retort("run", third, "--out", root, *flags)
    before = counts(Store(root))
    told = plan(retort, whole, root, *flags)
    retort("run", whole, "--out", root, *flags)
    after = counts(Store(root))
    for name in ("prompt_tokens", "completion_tokens"):
        # The simulator's texts follow from its seed, so this is always true or never.
        assert told[f"{name}_low"] <= after[name] - before[name] <= told[f"{name}_high"]
    assert told["seconds_low"] < told["seconds"] < told["seconds_high"]


def test_nothing_is_written(retort, finished, prompts):
    store = finished(20, "--fail", "400=0.4", status=75)
    before = digest(store.root)
    plan(retort, prompts(40), store.root, "--simulate")
    assert digest(store.root) == before
    os.chmod(store.root, 0o555)
    plan(retort, prompts(40), store.root, "--simulate")


def test_changed_and_bad_rows_are_counted(retort, finished, tmp_path):
    store = finished(10)
    source = tmp_path / "changed.jsonl"
    source.write_text('{"id":"q-0","prompt":"another"}\n{"id":"q-1","prompt":"Question 1?","level":1}\n{oops\n')
    done = retort("plan", source, "--out", store.root, "--simulate", "--json")
    told = json.loads(done.stdout)
    assert (told["done"], told["changed"], told["bad"], told["new"]) == (2, 1, 1, 0)
    assert "changed.jsonl:3" in done.stderr


@pytest.mark.parametrize(
    "what, status", [("input", 66), ("job", 78), ("model", 64)]
)
def test_it_fails_as_the_run_would(retort, finished, prompts, tmp_path, what, status):
    store = finished(5)
    flags = {"job": ["--simulate", "--temperature", "0.1"], "model": []}.get(what, ["--simulate"])
    source = tmp_path / "other.jsonl"
    if what != "input":
        source.write_text('{"id":"a","prompt":"x"}\n')
    for command in ("plan", "run"):
        retort(command, source, "--out", store.root, *flags, status=status)


def test_no_key_is_needed(retort, prompts, tmp_path):
    told = plan(retort, prompts(3), tmp_path / "store", "--model", "m", "--max-tokens", 10, key=None)
    assert told["new"] == 3
