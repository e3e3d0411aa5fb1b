"""`retort retry`: failed items only, from their own records."""

import json
import signal
import subprocess

import pytest

from conftest import Store, binary, environment


def run(retort, server, source, root, *flags, status=0):
    retort("run", source, "--out", root, "--base-url", server.url, "--model", "teacher", *flags, status=status)
    return Store(root)


def test_asks_for_what_failed_and_nothing_else(retort, teacher, prompts, tmp_path, counts):
    bad, good = teacher("--fail", "503=0.4"), teacher()
    source = prompts(60)
    store = run(retort, bad, source, tmp_path / "store", "--attempts", 1, status=75)
    failed = counts(store)["failed"]
    assert 0 < failed < 60
    before = store.failures
    # The input is not needed any more.
    source.unlink()
    retort("retry", store.root, "--base-url", good.url)
    assert good.requests == failed
    after = store.responses
    assert len(after) == 60 and counts(store)["failed"] == 0 and counts(store)["pending"] == 0
    retort("verify", store.root, "--deep")
    for identity, failure in before.items():
        record = after[identity]
        assert record["attempts"] == failure["attempts"] + 1
        assert record["metadata"] == failure["metadata"]
        assert json.loads(record["metadata"]) == {"level": int(identity[2:])}
        assert record["messages"] == failure["messages"]
        assert record["fingerprint"] == failure["fingerprint"] and record["row"] == failure["row"]


def test_afterwards_the_run_asks_nothing(retort, teacher, prompts, tmp_path):
    bad, good = teacher("--fail", "400=0.5"), teacher()
    source = prompts(40)
    store = run(retort, bad, source, tmp_path / "store", status=75)
    retort("retry", store.root, "--base-url", good.url)
    asked = good.requests
    run(retort, good, source, store.root)
    assert good.requests == asked


def test_attempts_add_up_over_retries(retort, teacher, prompts, tmp_path):
    server = teacher("--fail", "400=1")
    store = run(retort, server, prompts(5), tmp_path / "store", status=75)
    for attempts in (2, 3):
        retort("retry", store.root, "--base-url", server.url, status=75)
        assert {record["attempts"] for record in store.failures.values()} == {attempts}
    assert server.requests == 15
    retort("verify", store.root, "--deep")


def test_classes_choose(retort, teacher, prompts, tmp_path, counts):
    server, good = teacher("--fail", "400=0.3,truncate=0.3"), teacher()
    store = run(retort, server, prompts(60), tmp_path / "store", "--attempts", 1, status=75)
    classes = counts(store)["failed_by_class"]
    assert len(classes) > 1
    retort("retry", store.root, "--base-url", good.url, "--class", "bad_request", status=75)
    assert good.requests == classes["bad_request"]
    left = counts(store)["failed_by_class"]
    assert left == {name: count for name, count in classes.items() if name != "bad_request"}
    assert "bad_request" not in retort("retry", store.root, "--class", "auth", "--base-url", good.url, status=75).stdout


def test_nothing_failed(retort, finished):
    store = finished(5)
    done = retort("retry", store.root, key=None)
    assert "nothing to retry" in done.stderr and done.stdout == ""


def test_another_model_needs_to_be_meant(retort, teacher, prompts, tmp_path):
    bad, good = teacher("--fail", "400=1"), teacher()
    store = run(retort, bad, prompts(4), tmp_path / "store", "--temperature", "0.5", status=75)
    refused = retort("retry", store.root, "--base-url", good.url, "--model", "other", status=78)
    assert "model is teacher in the store and other here" in refused.stderr
    assert good.requests == 0
    # Values equal to the store's are not a difference.
    retort("retry", store.root, "--base-url", bad.url, "--model", "teacher", "--temperature", "0.5", status=75)
    retort("retry", store.root, "--base-url", good.url, "--model", "other", "--override")
    assert {record["model"] for record in store.responses.values()} == {"other"}


def test_an_override_does_not_stick_to_what_fails_again(retort, teacher, prompts, tmp_path):
    bad = teacher("--fail", "400=1")
    store = run(retort, bad, prompts(3), tmp_path / "store", status=75)
    retort("retry", store.root, "--base-url", bad.url, "--model", "other", "--override", status=75)
    assert {json.loads(record["request"]["body"])["model"] for record in store.failures.values()} == {"teacher"}


def test_bad_rows_are_for_the_run(retort, tmp_path, counts):
    source = tmp_path / "rows.jsonl"
    source.write_text('{"id":"a","prompt":"x"}\n{"id":"b"}\n')
    retort("run", source, "--out", tmp_path / "store", "--simulate", status=75)
    done = retort("retry", tmp_path / "store", status=75)
    assert "bad_input" in done.stderr and "correct the rows" in done.stderr


def test_simulated_stores_stay_simulated(retort, finished, teacher, counts):
    store = finished(20, "--fail", "400=0.5", status=75)
    paid = teacher()
    refused = retort("retry", store.root, "--base-url", paid.url, status=78)
    assert "simulated is yes in the store" in refused.stderr and paid.requests == 0
    retort("retry", store.root, "--latency", "1ms", key=None)
    assert counts(store)["failed"] == 0


def test_interrupted_it_goes_on(retort, teacher, prompts, tmp_path, counts):
    bad = teacher("--fail", "400=1")
    store = run(retort, bad, prompts(30), tmp_path / "store", status=75)
    slow = teacher("--latency", "150ms")
    command = [str(binary()), "retry", str(store.root), "--base-url", slow.url, "-c", "2"]
    process = subprocess.Popen(command, env=environment(OPENAI_API_KEY="k"), stderr=subprocess.PIPE)
    while slow.requests < 4:
        pass
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    process.stderr.close()
    done = counts(store)["done"]
    assert 0 < done < 30 and done == slow.requests
    good = teacher()
    retort("retry", store.root, "--base-url", good.url)
    assert good.requests == 30 - done and len(store.responses) == 30
    retort("verify", store.root, "--deep")


@pytest.mark.parametrize("what", ["missing", "foreign", "newer"])
def test_what_is_no_store(retort, tmp_path, what, finished):
    root, status = tmp_path / "x", 1
    if what == "foreign":
        root.mkdir()
        (root / "file").write_text("mine")
    if what == "newer":
        root = finished(2, "--fail", "400=1", status=75).root
        manifest = json.loads((root / "retort.json").read_text())
        (root / "retort.json").write_text(json.dumps(manifest | {"version": 99}))
        status = 78
    retort("retry", root, status=status)


def test_a_store_that_is_being_written_is_left_alone(retort, teacher, prompts, tmp_path):
    bad, slow = teacher("--fail", "400=1"), teacher("--latency", "20s")
    source = prompts(4)
    store = run(retort, bad, source, tmp_path / "store", status=75)
    command = [str(binary()), "retry", str(store.root), "--base-url", slow.url]
    process = subprocess.Popen(command, env=environment(OPENAI_API_KEY="k"), stderr=subprocess.DEVNULL)
    while slow.requests < 4:
        pass
    busy = retort("retry", store.root, "--base-url", bad.url, status=73)
    assert str(process.pid) in busy.stderr
    process.kill()
    process.wait()


def test_equal_requests_are_retried_once(retort, teacher, tmp_path):
    """With --reuse: the answer of one is that of all, and an answer that the store has is taken."""
    source = tmp_path / "p.jsonl"
    rows = [{"id": f"q-{n}", "prompt": f"Question {n % 3}?"} for n in range(12)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    bad, good = teacher("--fail", "400=1"), teacher()
    store = run(retort, bad, source, tmp_path / "store", "--refusals-max", 0, status=75)
    said = retort("retry", store.root, "--base-url", good.url, "--reuse", "auto").stderr
    assert good.requests == 3 and "9 answers from equal requests" in said
    answers = store.responses.values()
    assert len(answers) == 12 and sum(record["usage"]["completion_tokens"] == 0 for record in answers) == 9
    assert len({record["response"] for record in answers}) == 3
    retort("verify", store.root, "--deep")
    # The store's rows, and another one.
    more = tmp_path / "more.jsonl"
    more.write_text("".join(json.dumps({"id": f"r-{n}", "prompt": f"Question {n}?"}) + "\n" for n in range(4)))
    run(retort, bad, more, tmp_path / "other", "--refusals-max", 0, status=75)
    retort("retry", tmp_path / "other", "--base-url", good.url, "--reuse-from", store.root)
    assert good.requests == 4 and len(Store(tmp_path / "other").responses) == 4
    refused = retort("retry", store.root, "--reuse", "auto", "--drop", "x", status=None)
    assert refused.returncode in (0, 78)


def test_reuse_of_other_requests_is_refused(retort, teacher, prompts, tmp_path):
    bad = teacher("--fail", "400=1")
    store = run(retort, bad, prompts(3), tmp_path / "store", "--temperature", "0.5", status=75)
    for flags in (("--drop", "temperature"), ("--temperature", "0", "--override")):
        assert "--reuse compares" in retort("retry", store.root, "--reuse", "auto", *flags, status=78).stderr
    said = retort("retry", store.root, "--base-url", teacher().url, "--reuse", "auto").stderr
    assert "nothing is reused: at temperature 0.5" in said


def test_a_retry_asks_for_streams(retort, teacher, prompts, tmp_path):
    bad, good = teacher("--fail", "400=1"), teacher("--tokens", 100, "--time-per-token", "10ms")
    store = run(retort, bad, prompts(4), tmp_path / "store", status=75)
    said = retort("retry", store.root, "--base-url", good.url, "--stream").stderr
    assert "first token" in said
    for record in store.responses.values():
        assert json.loads(record["other"])["first_token_ms"] < record["latency_ms"] / 2
