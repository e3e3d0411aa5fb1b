"""How schemas are sent to servers: found once, kept in the store, sent again after `retort check`."""

import json

import pytest

from answering import chat, question

WORD = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"], "additionalProperties": False}
PRICE = ("--prices", "prices.txt", "--max-tokens", "50")


def heeded(body):
    """A current vLLM supports only `structured_outputs`. It answers 200 to anything else, too."""
    schema = body.get("structured_outputs", {}).get("json")
    if schema is None:
        return "a banana"
    name, kind = next(iter(schema["properties"].items()))
    return json.dumps({name: kind.get("enum", ["said"])[0]})


@pytest.fixture
def run(tmp_path):
    rows = [{"id": f"q{number}", "prompt": f"word {number}"} for number in range(6)]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "s.json").write_text(json.dumps(WORD))
    (tmp_path / "prices.txt").write_text("m 1 1 10\n")
    flags = ["--out", tmp_path / "store", "--model", "m", "--prices", tmp_path / "prices.txt", "--max-tokens", 50]
    return lambda server, *more: [
        "run", tmp_path / "p.jsonl", *flags, "--base-url", server.url, "--schema", tmp_path / "s.json", *more,
    ]


def spent(retort, store):
    return json.loads(retort("status", store, "--json").stdout)["spent"]


def test_a_server_is_probed_once_and_the_probes_are_in_the_books(retort, answering, run, tmp_path):
    server = answering(lambda _, body: heeded(body))
    found = retort(*run(server, "--schema-by", "auto", "--max-cost", 1, "--limit", 3))
    assert "structured-outputs works (2 probes" in found.stderr
    assert len(server.requests) == 2 + 3
    assert all("structured_outputs" in body and "response_format" not in body for body in server.bodies[1:])
    # 10 tokens in at $1 and 5 out at $10 per million.
    books = spent(retort, tmp_path / "store")
    assert books["probes_usd"] == pytest.approx(2 * 60e-6) and books["answers_usd"] == pytest.approx(3 * 60e-6)
    assert books["total_usd"] == pytest.approx(5 * 60e-6) and books["uncertain_max_usd"] == 0
    again = retort(*run(server, "--schema-by", "auto", "--max-cost", 1))
    assert "probe" not in again.stderr.split("cost")[0] and len(server.requests) == 2 + 6
    # Another model must be probed separately, and is another job.
    retort("verify", tmp_path / "store", "--deep")


def test_a_probe_that_could_cross_the_cap_is_not_sent(retort, answering, run):
    server = answering(lambda _, body: heeded(body))
    refused = retort(*run(server, "--schema-by", "auto", "--max-cost", 0.0001), status=75)
    assert "probe" in refused.stderr and server.requests == []


def test_a_probe_without_a_bill_counts_at_its_worst(retort, answering, run, tmp_path):
    def unbilled(_, body):
        said = chat(heeded(body))
        del said["usage"]
        return said

    retort(*run(answering(unbilled), "--schema-by", "auto", "--max-cost", 1, "--limit", 1))
    assert spent(retort, tmp_path / "store")["uncertain_max_usd"] > 2 * 50 * 10e-6


def test_where_nothing_is_heeded_the_conversation_says_it(retort, answering, run, tmp_path):
    def obedient(_, body):
        if "tools" in body or "response_format" in body:
            return 400, {"error": {"message": "unknown parameter", "type": "invalid_request_error"}}
        return '{"word":"said"}' if "JSON Schema" in question(body) else "a banana"

    server = answering(obedient)
    found = retort(*run(server, "--schema-by", "auto"))
    assert "prompt works (4 probes" in found.stderr
    asked = server.bodies[-1]["messages"]
    assert len(asked) == 1 and asked[0]["content"].startswith("word ") and asked[0]["content"].endswith(json.dumps(WORD))
    # The record has the row's own prompt.
    record = json.loads(retort("cat", tmp_path / "store").stdout.split("\n")[0])
    assert record["messages"][0]["content"].startswith("word ") and "Schema" not in record["messages"][0]["content"]


def test_a_server_that_refuses_everything_is_not_taken_for_one_without_means(retort, answering, run):
    server = answering(lambda *_: (400, {"error": {"message": "no such deployment", "type": "invalid_request_error"}}))
    refused = retort(*run(server, "--schema-by", "auto"), status=77)
    assert "no such deployment" in refused.stderr
    failed = retort(*run(server, "--schema-by", "auto"), status=77)
    assert "refused all probes" in failed.stderr


def test_a_key_that_is_refused_ends_the_run(retort, answering, run):
    server = answering(lambda *_: (401, {"error": {"message": "no key", "type": "invalid_api_key"}}))
    retort(*run(server, "--schema-by", "auto"), status=77)
    assert len(server.requests) == 1


@pytest.mark.parametrize("means", ["response-format", "tool", "structured-outputs", "guided-json", "prompt"])
def test_how_it_is_told_may_change_and_retries_tell_of_the_stores_schema(retort, answering, run, tmp_path, means):
    server = answering(lambda _, body: "no value")
    retort(*run(server, "--schema-by", means), status=75)
    (tmp_path / "other.json").write_text(json.dumps({"type": "object", "properties": {"other": {"type": "integer"}}}))
    retort("check", tmp_path / "store", "--schema", tmp_path / "other.json")
    count = len(server.requests)
    flags = ["--base-url", server.url, "--prices", tmp_path / "prices.txt"]
    retort("retry", tmp_path / "store", *flags, status=75)
    retried = [json.dumps(body) for body in server.bodies[count:]]
    assert len(retried) == 6 and all("other" in body and "word" not in body.replace("word ", "") for body in retried)
    # And once more, after the second change.
    retort("check", tmp_path / "store", "--schema", tmp_path / "s.json")
    retort("retry", tmp_path / "store", *flags, status=75)
    retried = [json.dumps(body) for body in server.bodies[count + 6:]]
    assert len(retried) == 6 and all("other" not in body for body in retried)


def test_the_arguments_of_the_tool_are_the_answer(retort, answering, run, tmp_path):
    def call(_, body):
        assert body["tool_choice"] == {"type": "function", "function": {"name": "submit_answer"}}
        said = chat(None)
        said["choices"][0]["message"]["tool_calls"] = [
            {"id": "c", "type": "function", "function": {"name": "submit_answer", "arguments": ' {"word": "said"}'}}
        ]
        return said

    server = answering(call)
    retort(*run(server, "--schema-by", "tool"))
    records = [json.loads(line) for line in retort("cat", tmp_path / "store").stdout.split("\n")[:-1]]
    assert {record["value"] for record in records} == {'{"word": "said"}'}
    # Judged again, they stay; by a narrower schema they do not match.
    assert "6 answers" in retort("check", tmp_path / "store", "--dry-run").stdout
    (tmp_path / "none.json").write_text(json.dumps(WORD | {"required": ["word", "more"]}))
    done = retort("check", tmp_path / "store", "--schema", tmp_path / "none.json", "--dry-run").stdout
    assert "unfit      6 answers" in done
