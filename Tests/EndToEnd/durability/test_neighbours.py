"""Other processes at the same store: a second writer, and readers while a run writes."""

import json
import random
import time

from dataset import Disk, ids_of
from program import BUSY, OK


def test_a_second_writer_is_turned_away_by_name(serve, prompts, begin, ask, tmp_path):
    server = serve("--latency", "200ms")
    rows = prompts(200)
    run = begin(server, rows, "--concurrency", 20)
    server.wait_for(lambda counts: counts["given"] >= 20)
    second = ask(server, rows, status=BUSY)
    assert str(run.process.pid) in second.errors and str(tmp_path / "out") in second.errors
    run.wait().expect(OK)
    assert server.counts()["requests"] == 200
    Disk(tmp_path / "out").expect_done(rows)


def test_a_lock_dies_with_its_holder(serve, prompts, begin, ask, tmp_path):
    server = serve("--latency", "100ms")
    rows = prompts(100)
    run = begin(server, rows, "--concurrency", 10)
    server.wait_for(lambda counts: counts["given"] >= 20)
    run.kill()
    ask(server, rows, "--concurrency", 10)
    Disk(tmp_path / "out").expect_done(rows)


def test_readers_of_a_run_in_progress_never_fail(serve, prompts, begin, ask, workshop, tmp_path):
    reference = serve()
    rows = prompts(2500)
    ask(reference, rows, "--concurrency", 64, out="reference")
    expected = {record["id"]: record["response"] for record in Disk(tmp_path / "reference").records()}
    server = serve("--latency", "lognormal:60ms,0.5")
    run = begin(server, rows, "--concurrency", 25, "--sync", "50ms")
    server.wait_for(lambda counts: counts["given"] >= 1)
    while not (tmp_path / "out" / "retort.json").exists():
        time.sleep(0.01)
    seed = random.randrange(1 << 32)
    dice, rounds, last_done = random.Random(seed), 0, 0
    ids = ids_of(rows)
    while run.is_running:
        rounds += 1
        status = json.loads(workshop.run("status", tmp_path / "out", "--json").output)
        assert status["done"] >= last_done and status["failed"] == 0 and status["damaged"] == 0
        lines = workshop.run("cat", tmp_path / "out").output.split("\n")[:-1]
        records = [json.loads(line) for line in lines]
        assert len({record["id"] for record in records}) == len(records) >= status["done"]
        assert all(expected[record["id"]] == record["response"] for record in records)
        last_done = len(records)
        if records:
            some = [dice.choice(records)["id"], records[-1]["id"]]
            found = workshop.run("get", tmp_path / "out", *some).output.split("\n")[:-1]
            assert [json.loads(line)["id"] for line in found] == some
        absent = workshop.start("get", tmp_path / "out", dice.choice(ids)).wait()
        assert absent.status in (0, 1), absent
    print(f"seed {seed}: {rounds} rounds of status, cat and get beside the run")
    assert rounds >= 3
    run.wait().expect(OK)
    Disk(tmp_path / "out").expect_done(rows)
