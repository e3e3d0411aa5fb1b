"""`--items-per-request`: several rows in one prompt; no row has another row's element, and the books are true."""

import json
import random

import pytest

from conftest import Store
from test_books import bill, expect_true_books, kill_again_and_again, prices, recorded, spending  # noqa: F401

SEED = 20261130


@pytest.fixture
def rows(tmp_path):
    def write(count, **more):
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps({"id": f"r{n}", "prompt": f"Row number {n} asks"} | more) + "\n" for n in range(count)))
        return path

    return write


def command(path, store, server, prices, *more):
    return [
        "run", path, "--out", store.root, "--base-url", server.url, "--model", "m", "--max-tokens", 400,
        "--prices", prices, "--retry-base", "20ms", *more,
    ]


def check_elements(store):
    """Each answer belongs to its own row: the server repeats the line of the prompt."""
    for record in store.lane("responses"):
        value = json.loads(record["value"])
        number = record["id"].removeprefix("r")
        # A correction is a request with another line.
        assert value["line"] == f"Row number {number} asks" or value["line"].startswith("Answer again"), record["id"]
        assert json.loads(record["response"]) == value
        assert record["messages"] == [{"role": "user", "content": f"Row number {number} asks"}]
        if "shared" in json.loads(record["other"] or "{}"):
            assert value["line"] == f"Row number {number} asks"


def test_rows_share_requests(retort, teacher, rows, prices, tmp_path):
    server, store = teacher(), Store(tmp_path / "store")
    run = command(rows(23), store, server, prices, "--items-per-request", 5, "--max-cost", 1)
    assert "23 in 5 requests" in retort("plan", *run[1:]).stdout
    retort(*run)
    assert server.requests == 5 and set(store.responses) == {f"r{n}" for n in range(23)}
    check_elements(store)
    _, prompt, completion = server.billed
    assert sum(record["usage"]["prompt_tokens"] for record in store.lane("responses")) == prompt
    assert sum(record["usage"]["completion_tokens"] for record in store.lane("responses")) == completion
    assert recorded(spending(retort, store)) == bill(server)
    # Another number of rows per request is not another job.
    retort(*command(rows(23), store, server, prices, "--items-per-request", 4))
    assert server.requests == 5
    assert "different settings" in retort(*command(rows(23), store, server, prices), status=78).stderr
    retort("verify", store.root, "--deep")


def test_what_is_missing_repeated_or_not_good_is_asked_alone(retort, teacher, rows, prices, tmp_path):
    server = teacher("--json-faults", "missing=0.2,doubled=0.2,invalid=0.2,broken=0.05,prose=0.1")
    store = Store(tmp_path / "store")
    fields = "item:integer, line:string, text:string"
    retort(*command(
        rows(200), store, server, prices, "--items-per-request", 5, "--fields", fields, "--schema-by", "none",
        "--corrections", 5))
    assert len(store.responses) == 200 and not store.failures
    check_elements(store)
    alone = [record for record in store.lane("responses") if "shared" not in json.loads(record["other"] or "{}")]
    assert len(store.lane("rounds")) >= len(alone) > 40 and server.requests >= 40 + len(alone)
    assert recorded(spending(retort, store)) == bill(server)


@pytest.mark.parametrize("number", range(3))
def test_kills_lose_and_repeat_nothing(retort, teacher, rows, prices, tmp_path, number):
    print(f"seed {SEED + number}")
    dice = random.Random(SEED + number)
    server = teacher(
        "--latency", "20ms", "--server-seed", SEED + number, "--json-faults", "missing=0.1,doubled=0.1,broken=0.05",
        "--fail", "429=0.1,500=0.1,400=0.02,content-filter=0.02,malformed=0.05,truncate=0.05,reset=0.05",
    )
    store, cap = Store(tmp_path / "store"), 20
    run = command(rows(1500), store, server, prices, "--items-per-request", 6, "-c", 30, "--max-cost", cap, "--quiet")
    kill_again_and_again(run, retort, store, server, dice)
    retort(*run, status=None)
    expect_true_books(retort, store, server, cap)
    check_elements(store)
    outcomes = [record["id"] for record in store.lane("responses") + store.lane("failures")]
    assert len(outcomes) == 1500 == len(set(outcomes))
    asked = server.requests
    retort(*run, status=None)
    assert server.requests == asked
    retort("retry", store.root, "--prices", prices, "--max-cost", cap, status=None)
    check_elements(store)
    expect_true_books(retort, store, server, cap)
    retort("verify", store.root, "--deep")


def test_the_cap_holds(retort, teacher, rows, prices, tmp_path):
    server, store = teacher(), Store(tmp_path / "store")
    retort(*command(rows(100), store, server, prices, "--items-per-request", 5, "--max-cost", 0.05), status=75)
    assert 0 < bill(server) <= 0.05e9 and recorded(spending(retort, store)) == bill(server)


def test_rows_of_other_parameters_are_asked_apart(retort, teacher, prices, tmp_path):
    server, store = teacher(), Store(tmp_path / "store")
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(
        json.dumps({"id": f"r{n}", "prompt": f"Row number {n} asks", "temperature": n % 2, "system": "S" * (1 + n % 3)}) + "\n"
        for n in range(24)))
    retort(*command(path, store, server, prices, "--items-per-request", 4))
    assert server.requests == 6 and len(store.responses) == 24


@pytest.mark.parametrize("flags, words", [
    (["--n", "2"], "do not go together"),
    (["--via", "batch"], "do not go together"),
    (["--reuse", "always"], "do not go together"),
    (["--until-accepted", "2"], "do not go together"),
    (["--endpoint", "completions"], "needs an array"),
    (["--json", "--schema-by", "tool"], "of one element"),
])
def test_clashes_are_refused_before_anything_is_paid(retort, teacher, rows, prices, tmp_path, flags, words):
    server, store = teacher(), Store(tmp_path / "store")
    refused = retort(*command(rows(3), store, server, prices, "--items-per-request", 3, *flags), status=78)
    assert words in refused.stderr and server.requests == 0


@pytest.mark.parametrize("row", [
    {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]},
    {"custom_id": "a", "url": "/v1/chat/completions", "body": {"model": "m", "messages": [{"role": "user", "content": "x"}]}},
    {"prompt": "a", "tools": [{"type": "function", "function": {"name": "f"}}]},
])
def test_rows_that_cannot_be_grouped_are_refused(retort, teacher, prices, tmp_path, row):
    server, store = teacher(), Store(tmp_path / "store")
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    refused = retort(*command(tmp_path / "rows.jsonl", store, server, prices, "--items-per-request", 3), status=None)
    assert refused.returncode != 0 and "cannot share a prompt with others" in refused.stderr and server.requests == 0


def test_elements_that_are_texts_are_judged_again_offline(retort, rows, tmp_path):
    store, schema, longer = Store(tmp_path / "store"), tmp_path / "text.json", tmp_path / "longer.json"
    schema.write_text('{"type": "string", "minLength": 2}')
    longer.write_text('{"type": "string", "minLength": 100000}')
    retort("run", rows(12), "--out", store.root, "--simulate", "--items-per-request", 4, "--schema", schema)
    before = store.responses
    said = retort("check", store.root, "--schema", schema).stdout
    assert "fit        12 answers" in said and "unfit" not in said, said
    assert Store(store.root).responses == before
    said = retort("check", store.root, "--schema", longer, "--dry-run").stdout
    assert "fit        0 answers" in said and "unfit      12 answers" in said, said
