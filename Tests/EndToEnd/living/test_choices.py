"""`--n`: several samples from one request; the books, kills, and what a server omits."""

import json
import random

import pytest

from conftest import Store
from test_books import bill, expect_true_books, kill_again_and_again, prices, recorded, spending  # noqa: F401

SEED = 20261129


def samples(store):
    return sorted((record["id"], record["sample"]) for record in store.lane("responses"))


def command(prompts, count, store, server, prices, *more):
    return [
        "run", prompts(count), "--out", store.root, "--base-url", server.url, "--model", "m", "--max-tokens", 60,
        "--prices", prices, *more,
    ]


def test_one_request_has_n_samples(retort, teacher, prompts, prices, tmp_path):
    server, store = teacher(), Store(tmp_path / "store")
    run = command(prompts, 10, store, server, prices, "--n", 4, "--samples", 2, "--max-cost", 1)
    assert "80 in 20 requests" in retort("plan", *run[1:]).stdout
    retort(*run)
    assert server.requests == 20 and len(store.lane("responses")) == 80 == len(set(samples(store)))
    shares = {}
    for record in store.lane("responses"):
        share = json.loads(record["other"])["shared"]
        shares.setdefault(share["request"], []).append(share["place"])
        assert share["of"] == 4
    assert len(shares) == 20 and all(sorted(places) == [0, 1, 2, 3] for places in shares.values())
    _, prompt, completion = server.billed
    assert sum(record["usage"]["prompt_tokens"] for record in store.lane("responses")) == prompt
    assert sum(record["usage"]["completion_tokens"] for record in store.lane("responses")) == completion
    assert recorded(spending(retort, store)) == bill(server)
    # The same samples without n: nothing is left to send.
    retort(*command(prompts, 10, store, server, prices, "--samples", 8))
    assert server.requests == 20
    retort("verify", store.root, "--deep")


@pytest.mark.parametrize("number", range(3))
def test_kills_lose_and_repeat_nothing(retort, teacher, prompts, prices, tmp_path, number):
    print(f"seed {SEED + number}")
    dice = random.Random(SEED + number)
    server = teacher(
        "--latency", "20ms", "--server-seed", SEED + number,
        "--fail", "429=0.1,500=0.1,fewer-choices=0.2,content-filter=0.02,malformed=0.1,truncate=0.05,reset=0.05",
    )
    store, cap = Store(tmp_path / "store"), 4
    run = command(
        prompts, 200, store, server, prices, "--n", 5, "--samples", 2, "-c", 40, "--max-cost", cap, "--quiet",
        "--retry-base", "20ms")
    kill_again_and_again(run, retort, store, server, dice)
    retort(*run, status=None)
    expect_true_books(retort, store, server, cap)
    outcomes = samples(store) + sorted((record["id"], record["sample"]) for record in store.lane("failures"))
    assert len(outcomes) == 2000 == len(set(outcomes))
    asked = server.requests
    retort(*run, status=None)
    assert server.requests == asked
    retort("verify", store.root, "--deep")


def test_a_bad_answer_is_corrected_alone(retort, teacher, prompts, prices, tmp_path):
    server, store = teacher("--json-faults", "broken=0.3"), Store(tmp_path / "store")
    run = command(prompts, 20, store, server, prices, "--n", 4, "--json", "--corrections", 3, "--max-tokens", 600)
    retort(*run, status=None)
    assert len(store.lane("responses")) + len(store.lane("failures")) == 80 and len(store.lane("rounds")) > 5
    for record in store.lane("responses"):
        assert json.loads(record["value"]) and (record["rounds"] > 1 or "shared" in json.loads(record["other"]))
    assert recorded(spending(retort, store)) == bill(server)
    failed = len(store.lane("failures"))
    retort("retry", store.root, "--prices", prices, status=None)
    assert len(store.lane("failures")) <= failed
    assert recorded(spending(retort, store)) == bill(server)


def test_streams_have_choices_too(retort, teacher, prompts, prices, tmp_path):
    server, store = teacher(), Store(tmp_path / "store")
    retort(*command(prompts, 10, store, server, prices, "--n", 3, "--stream"))
    assert server.requests == 10 and len(store.lane("responses")) == 30
    assert recorded(spending(retort, store)) == bill(server)


@pytest.mark.parametrize("flags, words", [
    (["--endpoint", "messages"], "has no n"),
    (["--endpoint", "responses"], "has no n"),
    (["--via", "batch"], "not for --via batch"),
    (["--reuse", "always"], "do not go together"),
    (["--until-accepted", "5"], "do not go together"),
    (["--samples", "9999"], "more than 10000 samples"),
])
def test_clashes_are_refused_before_anything_is_paid(retort, teacher, prompts, prices, tmp_path, flags, words):
    server, store = teacher(), Store(tmp_path / "store")
    refused = retort(*command(prompts, 3, store, server, prices, "--n", 4, *flags), status=78)
    assert words in refused.stderr and server.requests == 0


def test_batch_rows_are_refused(retort, teacher, prices, tmp_path):
    server = teacher()
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    (tmp_path / "rows.jsonl").write_text(json.dumps({"custom_id": "a", "url": "/v1/chat/completions", "body": body}) + "\n")
    refused = retort("run", tmp_path / "rows.jsonl", "--out", tmp_path / "s", "--base-url", server.url, "--n", 2, status=None)
    assert refused.returncode != 0 and "a batch row is sent unchanged" in refused.stderr and server.requests == 0
