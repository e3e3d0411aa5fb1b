"""`run --on-change rerun`: changed prompts are sent again, and the old answers are archived."""

import gzip
import json
import shutil
import signal
import subprocess

import pytest

from conftest import Store, binary, environment

RERUN = ("--on-change", "rerun")


@pytest.fixture
def edited(tmp_path):
    """edited(changed, count=60, name): rows of which those with these numbers have a new prompt."""

    def write(changed=(), count=60, name="prompts.jsonl", ids=True):
        rows = []
        for number in range(count):
            row = {"prompt": f"Question {number}{' put otherwise' if number in changed else ''}?"}
            rows.append(({"id": f"q-{number}"} if ids else {}) | row)
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


@pytest.fixture
def ask(retort, tmp_path):
    def run(server, source, *flags, status=0):
        root = tmp_path / "store"
        done = retort("run", source, "--out", root, "--base-url", server.url, "--model", "m", *flags, status=status)
        store = Store(root)
        store.said = done.stderr
        return store

    return run


def asked(record):
    return record["messages"][-1]["content"]


def expect_clean(retort, store, count):
    """One line for each item, and a deep verification without findings."""
    assert len(store.lane("responses")) == len(store.responses) == count
    report = json.loads(retort("verify", store.root, "--deep", "--json").stdout)
    assert report["clean"] and not report["being_revised"], report
    return report


def set_aside(store, lane="responses"):
    return store.lane(f"superseded/{lane}")


def test_only_what_changed_is_asked_again(retort, teacher, edited, ask, counts):
    server, changed = teacher(), set(range(0, 60, 3))
    before = ask(server, edited()).responses
    store = ask(server, edited(changed), *RERUN)
    assert server.requests == 60 + len(changed)
    assert "20 items changed since the last run (20 answered, 0 failed)" in store.said
    after = store.responses
    for identity, record in after.items():
        if int(identity[2:]) in changed:
            assert asked(record).endswith("put otherwise?") and record["fingerprint"] != before[identity]["fingerprint"]
        else:
            assert record == before[identity]
    assert {record["id"]: record for record in set_aside(store)} == {f"q-{number}": before[f"q-{number}"] for number in changed}
    report = expect_clean(retort, store, 60)
    assert report["superseded"] == 20 and (report["done"], report["failed"], report["pending"]) == (60, 0, 0)
    assert counts(store)["superseded"]["records"] == 20
    printed = retort("cat", store.root, "--superseded").stdout.splitlines()
    assert sorted(json.loads(line)["id"] for line in printed) == sorted(f"q-{number}" for number in changed)
    # Once more: nothing is left to do.
    assert "no prompt changed since it was answered" in ask(server, edited(changed), *RERUN).said
    ask(server, edited(changed))
    assert server.requests == 80


def test_without_it_nothing_is_asked(retort, teacher, edited, ask):
    server = teacher()
    before = ask(server, edited()).responses
    store = ask(server, edited({5}), status=78)
    assert "1 prompt changed since it was answered" in store.said and "--on-change rerun" in store.said
    ask(server, edited({5}), "--on-change", "keep")
    assert server.requests == 60 and store.responses == before
    # What was kept can still be sent again.
    ask(server, edited({5}), *RERUN)
    assert server.requests == 61 and asked(store.responses["q-5"]).endswith("put otherwise?")
    expect_clean(retort, store, 60)


@pytest.mark.parametrize("ids", [True, False])
def test_a_parameter_changes_every_item(retort, teacher, edited, ask, ids):
    server, source = teacher(), edited(ids=ids, count=30)
    ask(server, source, "--samples", 2)
    refused = ask(server, source, "--samples", 2, "--temperature", "0.5", status=78)
    assert "temperature" in refused.said and "--on-change rerun" in refused.said and server.requests == 60
    store = ask(server, source, "--samples", 2, "--temperature", "0.5", *RERUN)
    assert server.requests == 120 and len(set_aside(store)) == 60
    assert len({(record["id"], record["sample"]) for record in store.lane("responses")}) == 60
    assert json.loads(retort("verify", store.root, "--deep", "--json").stdout)["pending"] == 0
    # The store's job is the new one.
    ask(server, source, "--samples", 2, "--temperature", "0.5")
    assert server.requests == 120
    ask(server, source, "--samples", 2, status=78)


def test_a_template_changes_the_rows_that_it_renders_otherwise(retort, teacher, tmp_path, ask):
    server, source, template = teacher(), tmp_path / "rows.jsonl", tmp_path / "ask.txt"
    source.write_text("".join(json.dumps({"id": str(n), "a": n, "b": n % 2}) + "\n" for n in range(20)))
    template.write_text("Tell me of {{a}}.")
    ask(server, source, "--template", template)
    template.write_text("Tell me of {{a}}, please.")
    store = ask(server, source, "--template", template, *RERUN)
    assert server.requests == 40 and {asked(record).endswith("please.") for record in store.lane("responses")} == {True}
    expect_clean(retort, store, 20)


def test_samples_are_added(teacher, edited, ask):
    server, source = teacher(), edited(count=5)
    ask(server, source)
    store = ask(server, source, "--samples", 3, *RERUN)
    assert server.requests == 15 and not set_aside(store) and len(store.lane("responses")) == 15


def test_a_new_request_that_fails_is_a_failed_item(retort, teacher, edited, ask, counts):
    good, bad = teacher(), teacher("--fail", "400=0.5")
    before = ask(good, edited()).responses
    store = ask(bad, edited(range(20)), *RERUN, status=75)
    state = counts(store)
    assert state["failed"] > 0 and state["done"] + state["failed"] == 60
    assert bad.requests == 20
    # No answer belongs to a request that is no longer made, and none is lost.
    assert not set(store.responses) & {key for key, record in store.failures.items()}
    assert {record["id"]: record for record in set_aside(store)} == {f"q-{number}": before[f"q-{number}"] for number in range(20)}
    assert json.loads(retort("verify", store.root, "--deep", "--json").stdout)["clean"]
    retort("retry", store.root, "--base-url", good.url)
    assert good.requests == 60 + state["failed"]
    assert all(asked(store.responses[f"q-{number}"]).endswith("put otherwise?") for number in range(20))
    expect_clean(retort, store, 60)


def test_failed_items_that_changed_are_asked_anew(retort, teacher, edited, ask):
    bad, good = teacher("--fail", "400=1"), teacher()
    ask(bad, edited(count=10), status=75)
    store = ask(good, edited({1, 2}, count=10), *RERUN, status=75)
    assert good.requests == 2 and set(store.responses) == {"q-1", "q-2"}
    assert len(set_aside(store, "failures")) == 2
    retort("retry", store.root, "--base-url", good.url)
    expect_clean(retort, store, 10)


def test_a_plan_says_what_it_would_ask(retort, teacher, edited, ask):
    server = teacher()
    store = ask(server, edited())
    source = edited(range(7))
    command = ("plan", source, "--out", store.root, "--base-url", server.url, "--model", "m")
    plan = json.loads(retort(*command, *RERUN, "--json").stdout)
    assert (plan["changed"], plan["new"], plan["done"]) == (7, 7, 53)
    assert "sent again" in retort(*command, *RERUN).stdout
    hotter = json.loads(retort(*command, *RERUN, "--temperature", "1", "--json").stdout)
    assert hotter["new"] == 60
    assert json.loads(retort(*command, "--json").stdout)["new"] == 0
    assert server.requests == 60 and not set_aside(store)


def test_from_a_job_file(retort, teacher, edited, ask, tmp_path):
    server = teacher()
    store = ask(server, edited())
    job = tmp_path / "job.yaml"
    job.write_text(f"input: {edited({3})}\nout: {store.root}\nmodel: m\nbase-url: {server.url}\non-change: rerun\n")
    retort("run", job)
    assert server.requests == 61 and asked(store.responses["q-3"]).endswith("put otherwise?")
    assert "rerun" in retort("completion", "bash").stdout


def test_what_cannot_be_read_twice_is_refused(retort, teacher, edited, ask):
    server = teacher()
    store = ask(server, edited())
    with edited({3}).open() as rows:
        command = ("run", "-", "--out", store.root, "--base-url", server.url, "--model", "m", *RERUN)
        assert "reads its input twice" in retort(*command, status=78, stdin=rows).stderr
    assert server.requests == 60 and not set_aside(store)


def test_killed_while_it_asks_it_goes_on(retort, teacher, edited, ask, tmp_path):
    quick, slow = teacher(), teacher("--latency", "60ms")
    before = ask(quick, edited()).responses
    source, root = edited(range(40)), tmp_path / "store"
    command = [str(binary()), "run", str(source), "--out", str(root), "--base-url", slow.url, "--model", "m", *RERUN, "-c", "4"]
    for wanted in (8, 20):
        process = subprocess.Popen(command, env=environment(OPENAI_API_KEY="k"), stderr=subprocess.DEVNULL)
        while slow.requests < wanted:
            assert process.poll() is None
        process.kill()
        process.wait()
        assert json.loads(retort("verify", root, "--deep", "--json").stdout)["clean"]
    store = ask(slow, source, *RERUN, "-c", 4)
    # Each kill costs maximum what was in flight.
    assert 40 <= slow.requests <= 40 + 2 * 4
    expect_clean(retort, store, 60)
    assert {record["id"]: record for record in set_aside(store)} == {f"q-{number}": before[f"q-{number}"] for number in range(40)}


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not there")
@pytest.mark.parametrize("call", ["rename", "fdatasync", "fsync", "pwrite64", "unlink", "ftruncate"])
def test_dies_at_every_call_of_setting_aside(retort, teacher, edited, ask, tmp_path, call):
    server = teacher()
    before = ask(server, edited(), "--sync", "never").responses
    whole, root = tmp_path / "whole", tmp_path / "store"
    root.rename(whole)
    source, moved = edited(range(0, 60, 4)), 15
    command = [str(binary()), "run", str(source), "--out", str(root), "--base-url", "http://127.0.0.1:9/v1", "--model", "m"]
    # Without a server behind the port every request fails: kills hit the archiving and what follows it.
    command += [*RERUN, "--attempts", "1", "--quiet", "--outage-max", "0s"]
    moves = set()
    for number in range(1, 40):
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(whole, root)
        inject = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}"]
        inject += ["-e", f"inject={call}:signal=KILL:when={number}"]
        died = subprocess.run(inject + command, env=environment(OPENAI_API_KEY="k"), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=60)
        store = Store(root)
        assert json.loads(retort("verify", root, "--deep", "--json").stdout)["clean"]
        held = store.responses
        # Before the next opening a move may be half done; each answer still exists. Files in .new count from the moment
        # at which the manifest names them, and are complete then.
        is_certain = "superseding" in json.loads((root / "retort.json").read_text())
        pending = root.glob("superseded/responses/*" + ("" if is_certain else ".jsonl.gz"))
        kept = set(held) | {json.loads(line)["id"] for file in pending for line in lines_of(file)}
        assert kept == set(before)
        if died.returncode not in (-signal.SIGKILL, 137):
            break
        retort("reindex", root)
        archived = [record["id"] for record in set_aside(store)]
        assert len(archived) in (0, moved) and sorted(archived + list(store.responses)) == sorted(before)
        moves.add(len(archived))
    assert number > 3 and moved in moves
    retort("run", source, "--out", root, "--base-url", server.url, "--model", "m", *RERUN, status=None)
    retort("retry", root, "--base-url", server.url, status=None)
    expect_clean(retort, Store(root), 60)


def lines_of(file):
    return gzip.decompress(file.read_bytes()).splitlines()
