"""Running again: nothing that has an answer is sent again, whatever happened in between."""

import json
import os
import random
import signal
import subprocess
import time

import pytest

from bench import CONFIGURATION, INTERRUPTED, kill, start

SEED = int(os.environ.get("RETORT_TEST_SEED", random.randrange(1 << 30)))


def without_ids(count):
    return [{"prompt": f"Tell me about {number // 2}."} for number in range(count)]


def begin(server, prompts, store, *flags, **how):
    arguments = ["run", prompts, "--out", store.root, "--base-url", server.url, "--model", "teacher", *flags]
    return start(*arguments, **how)


def wait_for(server, requests, process):
    deadline = time.monotonic() + 20
    while server.requests() < requests:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.002)


def test_same_command_asks_nothing(ask, teacher, write, rows, store):
    prompts = write("in.jsonl", rows(500))
    ask(teacher, prompts)
    lines = store.lines()
    ask(teacher, prompts).says("500 of 500 items; 500 outcomes from earlier runs", "none sent")
    assert teacher.requests() == 500 and store.lines() == lines


def test_appended_rows_alone_are_asked(ask, teacher, write, rows, store):
    prompts = write("in.jsonl", rows(300))
    ask(teacher, prompts)
    write("in.jsonl", rows(450))
    ask(teacher, prompts).says("450 of 450 items; 300 outcomes from earlier runs")
    assert teacher.requests() == 450 and len(store.records()) == 450
    assert (store.status()["items"], store.status()["pending"]) == (450, 0)
    # An input whose rows all have outcomes is not even read.
    ask(teacher, prompts).says("450 of 450 items; 450 outcomes from earlier runs", "none sent")
    assert teacher.requests() == 450


@pytest.mark.parametrize("make", ["rows", "without_ids"])
def test_reordered_rows_ask_nothing(make, ask, teacher, write, rows):
    content = rows(400) if make == "rows" else without_ids(400)
    prompts = write("in.jsonl", content)
    ask(teacher, prompts)
    random.Random(SEED).shuffle(content)
    write("in.jsonl", content)
    ask(teacher, prompts)
    assert teacher.requests() == 400


def test_removed_rows_are_told_apart(ask, teacher, write, rows, store):
    prompts = write("in.jsonl", rows(10))
    ask(teacher, prompts)
    write("in.jsonl", rows(4, first=8))
    ask(teacher, prompts).says("4 of 4 items; 2 outcomes from earlier runs", "8 records from rows not in this input")
    assert teacher.requests() == 12 and len(store.records()) == 12
    ask(teacher, prompts).says("4 of 4 items; 4 outcomes from earlier runs", "8 records from rows not in")
    write("in.jsonl", rows(100, first=1000))
    process = begin(teacher, prompts, store, "--rps", "20")
    wait_for(teacher, 15, process)
    while (status := store.status())["pending"] in (None, 100):
        assert process.poll() is None
    kill(process)
    # Counted by the run itself, for its own rows: the twelve of the other inputs are not included.
    assert status["items"] == 100 and 0 <= 100 - status["pending"] <= status["done"] - 12 < 100
    ask(teacher, prompts).says("100 of 100 items")
    assert store.status()["pending"] == 0


def test_changed_rows_are_counted_and_refused(ask, teacher, write, rows, store):
    content = rows(50)
    prompts = write("in.jsonl", content)
    ask(teacher, prompts)
    for number in (7, 20, 33):
        content[number]["prompt"] = "Something else."
    write("in.jsonl", content + rows(5, first=100))
    for _ in range(2):
        ask(teacher, prompts, status=CONFIGURATION).says(
            f"{prompts}:8: 3 prompts changed since they were answered", "--on-change keep"
        )
        assert teacher.requests() == 50
    ask(teacher, prompts, "--on-change", "keep")
    assert teacher.requests() == 55 and len(store.records()) == 55
    # Once kept, the same input is not refused again.
    ask(teacher, prompts)
    assert teacher.requests() == 55


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_resumes_to_the_rest(number, ask, simulate, write, rows, store):
    server = simulate("--latency", "20ms", "--tokens", "5")
    prompts = write("in.jsonl", rows(600))
    process = begin(server, prompts, store, "--concurrency", "8")
    wait_for(server, 60, process)
    process.send_signal(number)
    errors = process.communicate(timeout=20)[1].decode()
    assert process.returncode == INTERRUPTED, errors
    assert "Interrupted: " in errors and "left." in errors and "retort run" in errors
    asked = server.requests()
    assert asked < 600 and len(store.records()) == asked
    ask(server, prompts)
    assert server.requests() == 600 and len(store.records()) == 600


def test_interrupted_while_the_input_is_a_changed_one(ask, simulate, write, rows, store):
    server = simulate("--latency", "20ms", "--tokens", "5")
    prompts = write("in.jsonl", rows(200))
    ask(server, prompts)
    write("in.jsonl", rows(50, first=500) + rows(400))
    process = begin(server, prompts, store, "--concurrency", "4")
    wait_for(server, 230, process)
    kill(process)
    in_flight = 4
    ask(server, prompts)
    assert 450 <= server.requests() <= 450 + in_flight
    assert store.ids() == sorted(row["id"] for row in rows(50, first=500) + rows(400))


@pytest.mark.parametrize("form", ["ids", "no ids", "samples"])
def test_killed_at_random_moments(form, ask, simulate, write, rows, store, capsys):
    print(f"seed {SEED}")
    draw = random.Random(SEED + len(form))
    concurrency, kills = 16, 4
    count, samples = (400, 3) if form == "samples" else (1200, 1)
    server = simulate("--latency", "lognormal:8ms,0.7", "--tokens", "20")
    prompts = write("in.jsonl", without_ids(count) if form == "no ids" else rows(count))
    flags = ["--concurrency", concurrency, "--samples", samples]
    at = sorted(draw.sample(range(20, count * samples - 100), kills))
    for moment in at:
        process = begin(server, prompts, store, *flags)
        wait_for(server, moment, process)
        time.sleep(draw.random() * 0.01)
        kill(process)
    ask(server, prompts, *flags)
    total = count * samples
    keys = store.keys()
    assert len(keys) == len(set(keys)) == total, f"seed {SEED}"
    assert total <= server.requests() <= total + kills * concurrency, f"seed {SEED}"
    if form == "ids":
        again = [item["attempts"] - 1 for item in server.items() if item["attempts"] > 1]
        assert sum(again) <= kills * concurrency, f"seed {SEED}: {again}"
    ask(server, prompts, *flags)
    assert server.requests() <= total + kills * concurrency
    assert store.status()["done"] == total


def test_interrupted_while_it_waits_for_rows(simulate, store):
    server = simulate("--latency", "1ms", "--tokens", "5")
    process = begin(server, "-", store, stdin=subprocess.PIPE)
    process.stdin.write(b'{"prompt":"1"}\n')
    process.stdin.flush()
    wait_for(server, 1, process)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == INTERRUPTED
    process.stdin.close()
    assert len(store.records()) == 1


def test_two_inputs_in_turn(ask, teacher, write, rows, store):
    first, second = write("a.jsonl", rows(20)), write("b.jsonl", rows(20, first=100))
    for _ in range(2):
        ask(teacher, first)
        ask(teacher, second)
    assert teacher.requests() == 40 and len(store.records()) == 40


def test_index_may_be_deleted(ask, teacher, write, store, rows):
    prompts = write("in.jsonl", rows(300))
    ask(teacher, prompts)
    for path in (store.root / "index").iterdir():
        path.unlink()
    ask(teacher, prompts).says("300 outcomes from earlier runs")
    assert teacher.requests() == 300
    assert json.loads(json.dumps(store.status()))["done"] == 300
