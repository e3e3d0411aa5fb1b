"""What is refused, with which exit status and message, and what must not have been changed."""

import json
import socket

import pytest

from bench import BAD_DATA, BUSY, CONFIGURATION, INCOMPLETE, INPUT_MISSING, IO, NOT_FOUND, REFUSED, USAGE
from bench import kill, retort, start


def test_missing_file(ask, teacher, store):
    ask(teacher, "nowhere.jsonl", status=INPUT_MISSING).says("nowhere.jsonl: no such input file")
    assert not store.root.exists()
    assert teacher.requests() == 0


def test_pattern_without_a_match(ask, teacher, store, tmp_path):
    ask(teacher, tmp_path / "*.jsonl", status=INPUT_MISSING).says("*.jsonl")
    assert not store.root.exists()


def test_unknown_flag_is_corrected():
    retort("run", "x.jsonl", "--outt", "a", status=USAGE).says("--outt", "Did you mean --out?")
    retort("rnu", status=USAGE).says("Did you mean run?")


def test_no_directory_named(write, rows):
    retort("run", write("in.jsonl", rows(1)), "--simulate", status=USAGE).says("--out")


@pytest.mark.parametrize("endpoint, variable", [("chat", "OPENAI_API_KEY"), ("messages", "ANTHROPIC_API_KEY")])
def test_no_key(endpoint, variable, write, rows, store):
    arguments = ["run", write("in.jsonl", rows(1)), "--out", store.root, "--model", "m", "--endpoint", endpoint]
    retort(*arguments, env={"OPENAI_API_KEY": None}, status=CONFIGURATION).says(variable)
    assert not store.root.exists()


def test_no_model(write, rows, store):
    retort("run", write("in.jsonl", rows(1)), "--out", store.root, status=USAGE).says("--model")
    assert not store.root.exists()


def test_base_url_that_is_none(write, rows, store):
    arguments = ["run", write("in.jsonl", rows(1)), "--out", store.root, "--model", "m"]
    retort(*arguments, "--base-url", "teacher.example", status=CONFIGURATION).says("teacher.example")
    assert not store.root.exists()


def test_another_job_says_what_differs(ask, teacher, write, rows, store):
    prompts = write("in.jsonl", rows(3))
    ask(teacher, prompts, "--temperature", "0.5", "--stop", "a, b")
    before = store.records()
    done = ask(teacher, prompts, "--temperature", "0.7", "--stop", "a", "--stop", "b", status=CONFIGURATION)
    done.says('stop is "a, b" in the store, "a", "b" in this run', "temperature is 0.5 in the store, 0.7")
    assert store.records() == before
    assert teacher.requests() == 3


def test_every_parameter_is_taken(ask, record, write, rows):
    server = record()
    flags = "--temperature 0.5 --top-p 0.9 --max-tokens 7 --seed 3 --stop END --reasoning-effort low".split()
    flags += ["--param", 'user="me"', "--response-format", '{"type":"json_object"}']
    ask(server, write("in.jsonl", rows(1)), *flags)
    sent = json.loads(server.bodies[0])
    assert sent["messages"] == [{"role": "user", "content": "Tell me about 0."}]
    del sent["messages"]
    assert sent == {
        "model": "teacher",
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 7,
        "seed": 3,
        "stop": ["END"],
        "reasoning_effort": "low",
        "user": "me",
        "response_format": {"type": "json_object"},
    }


def test_pace_and_address_are_not_the_job(ask, simulate, write, rows):
    prompts = write("in.jsonl", rows(5))
    first, second = simulate("--latency", "1ms"), simulate("--latency", "1ms")
    ask(first, prompts)
    ask(second, prompts, "--concurrency", "3", "--rps", "1000", "--attempts", "2")
    assert (first.requests(), second.requests()) == (5, 0)


def test_output_in_place_of_a_file(teacher, write, rows):
    prompts = write("in.jsonl", rows(1))
    taken = write("taken", "mine")
    for out in (taken, taken / "below"):
        arguments = ["run", prompts, "--out", out, "--base-url", teacher.url, "--model", "m"]
        retort(*arguments, status=IO).says(str(taken))
    assert taken.read_text() == "mine"
    assert teacher.requests() == 0


def test_output_where_nobody_can_write(teacher, write, rows):
    arguments = ["run", write("in.jsonl", rows(1)), "--base-url", teacher.url, "--model", "m"]
    retort(*arguments, "--out", "/proc/retort-out", status=IO).says("/proc/retort-out")


def test_directory_with_other_files_is_left_alone(ask, teacher, write, rows, store):
    store.root.mkdir()
    notes = store.root / "notes.txt"
    notes.write_text("mine")
    done = ask(teacher, write("in.jsonl", rows(2)), status=CONFIGURATION)
    done.says(f"{notes}: the directory is not a store", "--out")
    assert [path for path in store.root.rglob("*")] == [notes] and notes.read_text() == "mine"
    assert teacher.requests() == 0


@pytest.mark.parametrize("name", ["responses/000001.jsonl.gz", "failures/journal-0000000000000000.jsonl", "index/x"])
def test_files_named_like_a_stores_are_not_touched(name, ask, teacher, write, rows, store):
    foreign = store.root / name
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"somebody's data")
    done = ask(teacher, write("in.jsonl", rows(2)), status=CONFIGURATION)
    done.says(str(foreign), "retort.json")
    assert [path for path in store.root.rglob("*") if path.is_file()] == [foreign]
    assert foreign.read_bytes() == b"somebody's data"
    assert teacher.requests() == 0


def test_manifest_that_cannot_be_read(ask, teacher, write, rows, store):
    store.root.mkdir()
    (store.root / "retort.json").write_text("{}")
    ask(teacher, write("in.jsonl", rows(1)), status=BAD_DATA).says("retort.json")


def test_not_a_store(tmp_path):
    for command in (["status"], ["cat"], ["get", "x"]):
        arguments = [command[0], tmp_path, *command[1:]]
        retort(*arguments, status=NOT_FOUND).says("not a store")


def test_unknown_id(ask, teacher, write, rows, store):
    ask(teacher, write("in.jsonl", rows(2)))
    done = retort("get", store.root, "q-1", "q-7", status=NOT_FOUND).says("q-7")
    assert json.loads(done.output)["id"] == "q-1"


def test_port_in_use():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        retort("simulate", "--port", port, status=CONFIGURATION).says(str(port), "in use")


def test_no_server(ask, write, rows, store):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    class Nobody:
        url = f"http://127.0.0.1:{port}/v1"

    done = ask(Nobody, write("in.jsonl", rows(3)), "--outage-max", "1s", status=INCOMPLETE)
    done.says(str(port), "3 items left", "resume")
    assert store.records() == [] and store.records("failures") == []


@pytest.mark.parametrize(
    "how, words",
    [
        ({"body": b"<!doctype html><title>Welcome</title>", "kind": "text/html"}, "html"),
        ({"body": b""}, "empty"),
        ({"body": b"{}"}, "not an answer"),
        ({"body": b"[1,"}, "JSON"),
    ],
)
def test_server_of_another_kind(how, words, ask, record, write, rows, store):
    server = record(**how)
    ask(server, write("in.jsonl", rows(2)), "--attempts", "1", status=INCOMPLETE)
    failures = store.records("failures")
    assert len(failures) == 2 and store.records() == []
    assert all(words.lower() in json.dumps(failure).lower() for failure in failures), failures


def test_answer_of_200_megabytes(ask, record, write, rows, store):
    server = record(body=b" " * (1 << 20), repeat=200)
    ask(server, write("in.jsonl", rows(1)), "--attempts", "1", status=INCOMPLETE)
    (failure,) = store.records("failures")
    assert "64" in failure["error"], failure["error"]
    assert len(json.dumps(failure)) < 200_000


def test_refused_key_stops_the_run(ask, record, write, rows, store):
    server = record(body=b'{"error":{"message":"Incorrect API key provided"}}', status=401)
    done = ask(server, write("in.jsonl", rows(500)), "--concurrency", "4", status=REFUSED)
    done.says("Incorrect API key provided")
    assert len(server.bodies) < 20
    assert store.records("failures") == []
    assert "sk-for-the-tests" not in done.errors


def test_key_is_written_nowhere(ask, teacher, write, rows, store):
    done = ask(teacher, write("in.jsonl", rows(2)))
    assert "sk-for-the-tests" not in done.errors + done.output
    for path in store.root.rglob("*"):
        assert not path.is_file() or b"sk-for-the-tests" not in path.read_bytes()


def test_second_writer(simulate, write, rows, store):
    prompts = write("in.jsonl", rows(10))
    server = simulate("--latency", "5s")
    arguments = ["run", prompts, "--out", store.root, "--base-url", server.url, "--model", "m"]
    first = start(*arguments)
    try:
        while server.requests() == 0:
            assert first.poll() is None
        retort(*arguments, status=BUSY).says(str(store.root), str(first.pid))
    finally:
        kill(first)
