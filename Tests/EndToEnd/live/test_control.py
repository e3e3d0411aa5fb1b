"""Changing a run from another terminal."""

import json
import signal
import stat
import subprocess

from program import binary, clean_environment

PACE = ("--latency", "40ms", "--concurrency", 4)


def test_pause_resume_set_and_drain(start):
    run = start(*PACE)
    assert "paused" in run.ctl("pause")
    run.until(lambda state: state["state"] == "paused" and state["window"]["in_flight"] == 0)
    done = run.state()["items"]["done"]
    assert "paused by the user" in run.ctl("explain")
    assert run.state()["items"]["done"] == done
    assert json.loads(run.ctl("resume", "--json")) == {"done": True, "message": "resumed"}
    assert "set concurrency 16, rpm 90000" in run.ctl("set", "concurrency=16", "rpm=90000")
    run.until(lambda state: state["window"]["max"] == 16 and state["window"]["in_flight"] > 4)
    run.ctl("drain")
    assert run.program.process.wait(timeout=30) == 75
    errors = run.program.paths[1].read_text()
    for words in ("changed: paused", "changed: set concurrency 16", "changed: draining", "Stopped early"):
        assert words in errors
    changes = [json.loads(line)["change"] for line in (run.store / "changes.jsonl").read_text().splitlines()]
    assert [change.split()[0] for change in changes] == ["paused:", "resumed", "set", "draining:"]
    assert not (run.store / "control.sock").exists()
    assert "no run is active" in run.ctl("pause", status=1)
    verified = subprocess.run([binary(), "verify", run.store], capture_output=True, env=clean_environment())
    assert verified.returncode == 0, verified


def test_what_cannot_be_done_is_told_and_changes_nothing(start):
    run = start(*PACE)
    for words, status in (
        (["set", "concurrency=0"], 64),
        (["set", "rpm=-1"], 64),
        (["set", "temperature=1"], 64),
        (["set"], 64),
        (["dance"], 64),
        (["pause", "now"], 64),
        (["set", "max-cost=20"], 78),
        (["set", "rpm=10", "max-cost=20"], 78),
    ):
        run.ctl(*words, status=status)
    assert not (run.store / "changes.jsonl").exists()
    assert run.state()["window"]["max"] == 4


def failures(run):
    done = subprocess.run([binary(), "cat", run.store, "--failures"], capture_output=True, text=True, env=clean_environment())
    return [json.loads(line)["id"] for line in done.stdout.splitlines()]


def answers(run):
    done = subprocess.run([binary(), "cat", run.store], capture_output=True, text=True, env=clean_environment())
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_failed_item_is_asked_again(start):
    run = start("--latency", "10ms", "--concurrency", 8, "--fail", "500=0.2", "--attempts", "1", rows=3000)
    run.until(lambda state: state["items"]["failed"] >= 8)
    run.ctl("pause")
    run.until(lambda state: state["state"] == "paused" and state["window"]["in_flight"] == 0)
    before = run.state()["items"]
    failed, known = failures(run), {record["id"] for record in answers(run)}
    assert len(failed) == before["failed"]
    for name in failed[:8]:
        assert f"sending again: {name}, which had failed: server" in run.ctl("requeue", name)
        # The run has the item now, and no other command gets it.
        assert "the item is in flight" in run.ctl("requeue", name, status=78)
    assert "the item has an answer" in run.ctl("requeue", next(iter(known)), status=78)
    assert "no such item yet" in run.ctl("requeue", "nothing", status=78)
    run.ctl("requeue", status=64)
    run.ctl("resume")
    run.ctl("set", "concurrency=64")
    run.program.process.wait(timeout=60)
    again = {record["id"]: record for record in answers(run) if record["id"] in failed[:8]}
    assert again and all(record["attempts"] == 2 for record in again.values())
    assert not set(again) & set(failures(run))
    status = subprocess.run([binary(), "status", run.store, "--json"], capture_output=True, env=clean_environment())
    status = json.loads(status.stdout)
    assert (status["done"] + status["failed"], status["pending"]) == (3000, 0)
    assert status["failed"] == len(failures(run))
    changes = [json.loads(line)["change"] for line in (run.store / "changes.jsonl").read_text().splitlines()]
    assert sum(change.startswith("sending again: ") for change in changes) == 8
    verified = subprocess.run([binary(), "verify", run.store, "--deep"], capture_output=True, env=clean_environment())
    assert verified.returncode == 0, verified


def test_a_model_waits_and_the_others_go_on(start):
    run = start("--latency", "5ms", "--concurrency", 4, "--server-models", "big,small", rows=4000, models=("big", "small"))
    assert "holding big: its items wait, others continue" in run.ctl("hold", "big")

    def counts():
        models = [record["model"] for record in answers(run)]
        return models.count("big"), models.count("small")

    # Requests in flight end; from then on only the other model gets requests.
    run.until(lambda state: state["items"]["done"] > 300)
    big = counts()[0]
    done = run.state()["items"]["done"]
    run.until(lambda state: state["items"]["done"] > done + 300)
    assert counts()[0] == big
    assert "released big" in run.ctl("release", "big")
    run.ctl("set", "concurrency=64")
    assert run.program.process.wait(timeout=60) == 0
    assert counts() == (2000, 2000)


def test_the_socket_is_the_users_own_and_of_this_run(start, tmp_path):
    run = start(*PACE)
    path = run.store / "control.sock"
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600
    run.program.process.send_signal(signal.SIGKILL)
    run.program.process.wait()
    # The socket of a killed run exists, but nothing answers.
    assert path.exists()
    assert "no run is active" in run.ctl("pause", status=1)
    assert stat.S_ISSOCK(path.lstat().st_mode)
    run.program = start(*PACE).program
    assert "paused" in run.ctl("pause")


def test_a_path_longer_than_a_socket_may_have(start, tmp_path):
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    run = start(*PACE, folder=deep)
    assert len(str(run.store / "control.sock")) > 107
    assert "paused" in run.ctl("pause")
    run.until(lambda state: state["state"] == "paused")


def test_two_controllers_at_once(start):
    run = start(*PACE)
    words = [["set", f"concurrency={n}"] for n in range(1, 9)]
    processes = [
        subprocess.Popen([binary(), "ctl", run.store, *word], stdout=subprocess.PIPE, env=clean_environment())
        for word in words
    ]
    assert [process.wait(timeout=30) for process in processes] == [0] * 8
    for process in processes:
        process.stdout.close()
    assert len((run.store / "changes.jsonl").read_text().splitlines()) == 8
