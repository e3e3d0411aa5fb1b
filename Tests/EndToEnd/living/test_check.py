"""`retort check`: stored answers judged again, offline."""

import http.server
import json
import shutil
import threading
import time

import pytest

from conftest import Store, killed

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
INCOMPLETE, CONFIGURATION = 75, 78


@pytest.fixture
def checked(retort, tmp_path, teacher):
    """A store of 40 answers that follow PERSON, its server, and a function that writes schemas."""

    def schema(value, name):
        path = tmp_path / name
        path.write_text(json.dumps(value))
        return path

    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text("".join(json.dumps({"id": f"q{n}", "prompt": f"person {n}"}) + "\n" for n in range(40)))
    server = teacher()
    run = ("run", prompts, "--out", tmp_path / "store", "--base-url", server.url, "--model", "m")
    retort(*run, "--schema", schema(PERSON, "person.json"))
    return server, run, schema


def test_a_new_schema_is_judged_offline_and_the_run_goes_on(retort, tmp_path, checked):
    server, run, schema = checked
    store = Store(tmp_path / "store")
    ages = sorted(json.loads(record["value"])["age"] for record in store.responses.values())
    middle = ages[len(ages) // 2]
    narrow = json.loads(json.dumps(PERSON))
    narrow["properties"]["age"]["minimum"] = middle
    path = schema(narrow, "narrow.json")
    refused = retort(*run, "--schema", path, status=CONFIGURATION)
    assert f"retort check {tmp_path}/store --schema {path}" in refused.stderr
    asked = server.requests
    old = {key: value for key, value in Store(tmp_path / "store").responses.items()}
    dry = retort("check", tmp_path / "store", "--schema", path, "--dry-run").stdout
    assert "would move" in dry and len(Store(tmp_path / "store").responses) == 40
    retort("check", tmp_path / "store", "--schema", path)
    assert server.requests == asked
    store = Store(tmp_path / "store")
    fitting = {key for key, record in old.items() if json.loads(record["value"])["age"] >= middle}
    assert set(store.responses) == fitting and 0 < len(fitting) < 40
    assert len(store.lane("superseded/responses")) == 40 - len(fitting)
    retort("verify", tmp_path / "store", "--deep")
    # The run continues with the pending items only.
    retort(*run, "--schema", path, status=None)
    assert server.requests >= asked + 40 - len(fitting)
    assert all(store.responses[key] == Store(tmp_path / "store").responses[key] for key in fitting)


def test_answers_of_a_run_without_a_schema(retort, tmp_path, teacher):
    prompts = tmp_path / "p.jsonl"
    prompts.write_text("".join(json.dumps({"id": f"q{n}", "prompt": f"say {n}"}) + "\n" for n in range(9)))
    server = teacher()
    root = tmp_path / "store"
    retort("run", prompts, "--out", root, "--base-url", server.url, "--model", "m")
    assert retort("check", root, status=64).stderr.count("--schema") == 1
    said = retort("check", root, "--json").stdout
    assert "9 answers moved to" in said and "pending" in said
    assert not Store(root).responses
    retort("verify", root, "--deep")


def test_nearly_json_is_repaired(retort, tmp_path, teacher):
    """Found, counted everywhere, kept by retry and check, and nothing that was truncated at the token limit."""
    prompts = tmp_path / "p.jsonl"
    prompts.write_text("".join(json.dumps({"id": f"q{n}", "prompt": f"say {n}"}) + "\n" for n in range(60)))
    root = tmp_path / "store"
    run = ("run", prompts, "--out", root, "--simulate", "--fields", "title:string, year:integer")
    faults = ("--json-faults", "sloppy=0.4,broken=0.2", "--fail", "length=0.1")
    said = retort(*run, "--repair-json", *faults, status=None).stderr
    store = Store(root)
    repaired = [record for record in store.responses.values() if record["value_found"] == "repaired"]
    assert len(repaired) > 20 and f"{len(repaired)} repaired" in said
    for record in repaired:
        assert set(json.loads(record["value"])) == {"title", "year"} and record["response"] != record["value"]
        with pytest.raises(ValueError):
            json.loads(record["response"])
    assert f"{len(repaired)} repaired" in retort("status", root).stdout
    assert json.loads(retort("status", root, "--json").stdout)["values_found"]["repaired"] == len(repaired)
    assert all(record["finish_reason"] != "length" for record in store.responses.values())
    assert store.failures and all("no JSON" in failure["error"] for failure in store.failures.values())
    retort("retry", root, "--json-faults", "sloppy=1")
    assert len(Store(root).responses) == 60
    # A run without it is refused; check removes it and adds it again.
    assert "retort check" in retort(*run, status=CONFIGURATION).stderr
    assert " repaired" not in retort("check", root, "--fields", "title:string, year:integer").stdout
    assert len(Store(root).responses) < 40
    retort("verify", root, "--deep")


def test_a_check_that_is_killed_loses_nothing(retort, tmp_path, teacher):
    """Killed at many moments: after each kill every answer is in one place, and the same command leads to the same result."""
    prompts = tmp_path / "p.jsonl"
    prompts.write_text("".join(json.dumps({"id": f"q{n}", "prompt": f"person {n}"}) + "\n" for n in range(3000)))
    schema = tmp_path / "person.json"
    schema.write_text(json.dumps(PERSON))
    first = tmp_path / "first"
    server = teacher("--json-faults", "almost=0.3")
    run = ("run", prompts, "--out", first, "--base-url", server.url, "--model", "m", "--attempts", 1)
    retort(*run, "--schema", schema, status=INCOMPLETE)
    old = {**{key: None for key in Store(first).failures}, **Store(first).responses}
    assert len(old) == 3000
    ages = sorted(json.loads(record["value"])["age"] for record in old.values() if record)
    wide = {"type": "object", "properties": {"age": {"type": ["integer", "object"], "minimum": ages[len(ages) // 2]}}}
    schema.write_text(json.dumps(wide))
    # The result without a kill.
    shutil.copytree(first, tmp_path / "whole")
    began = time.monotonic()
    retort("check", tmp_path / "whole", "--schema", schema)
    took = time.monotonic() - began
    wanted = Store(tmp_path / "whole")
    assert wanted.lane("superseded/responses") and len(wanted.responses) > 0
    kills = 0
    for number in range(12):
        root = tmp_path / f"killed-{number}"
        shutil.copytree(first, root)
        for again in range(4):
            if not killed(("check", root, "--schema", schema), took * (number + 1 + again) / 14):
                break
            kills += 1
            retort("verify", root, "--deep", status=None)
            store = Store(root)
            answers = set(store.responses) | {record["id"] for record in store.lane("superseded/responses")}
            assert {key for key, record in old.items() if record} <= answers
        retort("check", root, "--schema", schema)
        store = Store(root)
        assert store.responses == wanted.responses, number
        retort("verify", root, "--deep")
        shutil.rmtree(root)
    assert kills >= 12


def test_an_answer_of_60_megabytes(retort, tmp_path):
    """It is checked against a schema like any other, and a value that does not fit fails with its location."""
    value = json.dumps({"title": "x" * (58 << 20), "year": 3}).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            asked = self.rfile.read(int(self.headers["content-length"]))
            text = value if b"good" in asked else value.replace(b'"year": 3', b'"year": "3"')
            content = json.dumps("Here: " + text.decode())
            body = b'{"model":"m","choices":[{"finish_reason":"stop","message":{"content":%s}}]}' % content.encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    prompts = tmp_path / "p.jsonl"
    prompts.write_text('{"id":"a","prompt":"good"}\n{"id":"b","prompt":"bad"}\n')
    said = retort(
        "run", prompts, "--out", tmp_path / "o", "--base-url", f"http://127.0.0.1:{server.server_port}", "--model", "m",
        "--fields", "title:string, year:integer", "--repair-json", "--concurrency", 1, "--attempts", 1, "--response-size-max", "128M",
        status=INCOMPLETE).stderr
    server.shutdown()
    assert "/year: expected an integer" in said
    record = Store(tmp_path / "o").responses["a"]
    assert record["value_found"] == "first" and len(record["value"]) == len(value)
    retort("check", tmp_path / "o", "--fields", "title:string, year:integer")
