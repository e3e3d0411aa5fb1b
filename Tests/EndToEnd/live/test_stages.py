"""A job with stages: one page, one socket, one log for all of them."""

import json
import os
import re
import signal
import socket
import time

import pytest
from conftest import Run
from program import RUN_SECONDS_MAX, Program

STAGES = """\
stages:
  - name: draft
  - name: review
    from: draft
    prompt: "Review: {{response}}"
"""
# The draft takes some seconds, and the review is always running at the same time.
PACE = ("--simulate", "--latency", "40ms", "--concurrency", 8)


class Pipeline:
    """A job with two stages in the background, with a page."""

    def __init__(self, folder, rows, *options, stages=STAGES, listen=True):
        self.folder, self.out = folder, folder / "out"
        prompts = folder / "prompts.jsonl"
        prompts.write_text("".join(json.dumps({"id": f"q-{n}", "prompt": f"number {n}"}) + "\n" for n in range(rows)))
        self.job = folder / "job.yaml"
        self.job.write_text(f"input: {prompts}\nout: {self.out}\nmodel: m\n{stages}")
        listening = ("--listen", "127.0.0.1:0") if listen else ()
        self.program = Program(folder, "run", self.job, *PACE, *listening, *options)


@pytest.fixture
def start(start, tmp_path):
    """start(rows, *options): a pipeline whose second stage has answers. It has all functions of `Run`."""
    made = []

    def begin(rows, *options, **how):
        pipeline = Pipeline(tmp_path, rows, *options, **how)
        run = Run.__new__(Run)
        run.folder, run.store, run.program, run.job = tmp_path, pipeline.out, pipeline.program, pipeline.job
        made.append(run)
        run.address, run.token = run.wait_for(r"live page: (http://\S+?)#token=(\w+)").groups()
        run.until(lambda state: len(state["stages"]) == 2 and state["stages"][1]["items"]["done"] > 0)
        return run

    yield begin
    for run in made:
        if run.program.process.poll() is None:
            run.program.process.kill()
        run.program.process.wait()


def stage(state, name):
    return next(stage for stage in state["stages"] if stage["name"] == name)


def test_one_page_shows_all_stages(start, page):
    run = start(20_000)
    state = run.state()
    assert state["items"]["done"] >= stage(state, "draft")["items"]["done"] > 0
    assert stage(state, "review")["from"] == "draft" and stage(state, "review")["state"] == "running"
    assert {entry["name"].split(":")[0] for entry in state["endpoints"]} == {"draft", "review"}
    for width, dark in ((360, True), (1600, False)):
        page.open(run.address, width, dark=dark)
        page.wait_for("document.querySelectorAll('#stages .line').length === 2")
        page.wait_for("document.querySelectorAll('#endpoints .line').length === 2")
        page.wait_for("document.querySelectorAll('#chart-items path').length > 0")
        before = page.evaluate("last.stages[1].items.done")
        page.wait_for(f"last.stages[1].items.done > {before}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.complaints == []
    text = run.get("metrics")[2].decode()
    assert re.search(r'^retort_stage_items\{stage="review",state="done"\} [1-9]', text, re.M)


def test_commands_reach_the_stages(start, tmp_path):
    run = start(20_000, "--max-cost", "500", "--max-tokens", "400", "--price", "1 - 4")
    run.ctl("set", "max-cost=700")
    assert run.state()["cost"]["cap"] == 700
    assert run.ctl("pause").startswith("draft, review: paused")
    state = run.until(lambda state: state["state"] == "paused" and state["window"]["in_flight"] == 0)
    assert [one["state"] for one in state["stages"]] == ["paused", "paused"]
    assert "resumed" in run.ctl("resume")
    run.until(lambda state: state["state"] == "running")
    # One stage, by the path of its store.
    draft = type(run).__new__(type(run))
    draft.__dict__ = run.__dict__ | {"store": run.store / "draft"}
    assert draft.ctl("pause").startswith("paused")
    state = run.until(lambda state: stage(state, "draft")["state"] == "paused")
    assert stage(state, "review")["state"] == "running" and state["state"] == "running"
    draft.ctl("resume")
    assert "all stages together" in draft.ctl("set", "max-cost=1", status=78)
    # The window that the stages share at their server grows with them.
    run.ctl("set", "concurrency=24")
    run.until(lambda state: state["window"]["in_flight"] > 8)
    assert "24" in (run.store / "review" / "changes.jsonl").read_text()
    assert "draft: " in run.ctl("explain") and "no such stage" in post(run, {"command": "pause", "stage": "x"}, 400)
    run.ctl("drain")
    assert run.program.process.wait(RUN_SECONDS_MAX) == 75
    assert "resume with" in run.program.errors and "no run is active" in run.ctl("pause", status=1)


def post(run, command, status=200):
    headers = {"Authorization": f"Bearer {run.token}"}
    found, _, body = run.get("control", headers, json.dumps(command).encode())
    assert found == status, body
    return json.loads(body).get("error" if status >= 400 else "message")


def test_a_cap_that_is_lowered_ends_the_run_and_holds(start):
    run = start(20_000, "--max-cost", "500", "--max-tokens", "400", "--price", "1 - 4")
    cap = run.state()["cost"]["spent"] + 0.5
    run.ctl("set", f"max-cost={cap}")
    assert run.program.process.wait(RUN_SECONDS_MAX) == 75
    assert "all stages together may spend" in run.program.errors
    # The summary's figure is rounded.
    spent = sum(json.loads((run.store / name / "progress.json").read_text())["cost_usd"] for name in ("draft", "review"))
    assert 0 < spent <= cap


def test_what_was_said_holds_for_the_next_samples(start):
    run = start(200, stages=STAGES.replace("- name: draft", "- name: draft\n    samples: 8\n    until-accepted: 1600"))
    run.ctl("set", "concurrency=3")
    # Each sample is a pass over all rows, as a new run with its own window.
    state = run.until(lambda state: stage(state, "draft")["items"]["done"] > 450)
    assert stage(state, "draft")["limit"] <= 3


def test_the_log_is_one_file_and_the_end_is_told_once(tmp_path):
    told, log = tmp_path / "told", tmp_path / "events.jsonl"
    pipeline = Pipeline(
        tmp_path, 100, "--log", log, "--notify", f'echo "$RETORT_EVENT $RETORT_STORE" >> {told}', listen=False
    )
    assert pipeline.program.wait().status == 0, pipeline.program.errors
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert (events[0]["event"], events[0].get("stage")) == ("start", None)
    assert {event.get("stage") for event in events} == {None, "draft", "review"}
    last = events[-1]
    assert (last["event"], last["text"], last["done"], last.get("stage")) == ("end", "ended", 200, None)
    assert told.read_text().splitlines() == [f"end {pipeline.out}"]


def test_in_the_background(start, tmp_path, retort_once):
    pipeline = Pipeline(tmp_path, 20_000, "--detach")
    done = pipeline.program.wait()
    assert done.status == 0, done
    process = int(re.search(r"process (\d+)", done.errors).group(1))
    try:
        assert re.search(r"live page: http://\S+#token=", done.errors)
        busy = retort_once("run", pipeline.job, *PACE)
        assert busy.status == 73 and "another process is writing here" in busy.errors, busy
        assert retort_once("ctl", pipeline.out, "drain").status == 0
        end = time.monotonic() + RUN_SECONDS_MAX
        while "Stopped early." not in (log := (tmp_path / "out.log").read_text()):
            assert time.monotonic() < end, log
            time.sleep(0.05)
    finally:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass


def test_seen_from_outside(start, page, tmp_path):
    run = start(20_000)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    watch = Program(tmp_path, "watch", run.store, "--listen", f"127.0.0.1:{port}")
    try:
        end = time.monotonic() + RUN_SECONDS_MAX
        while not (found := re.search(r"live page: (\S+)", watch.errors)):
            assert watch.is_running and time.monotonic() < end, watch.errors
            time.sleep(0.05)
        page.open(found.group(1), 900)
        page.wait_for("typeof last !== 'undefined' && last && last.stages.length === 2 && last.stages[1].items.done > 0")
        page.evaluate("document.getElementById('stage').value = 'draft'")
        page.evaluate("document.querySelector('[data-command=pause]').click()")
        page.wait_for("last.stages[0].state === 'paused' && last.stages[1].state !== 'paused'")
        page.evaluate("document.getElementById('stage').value = ''")
        page.evaluate("document.querySelector('[data-command=drain]').click()")
        page.wait_for("last.state === 'stopped'")
        assert run.program.process.wait(RUN_SECONDS_MAX) == 75
        assert page.complaints == []
    finally:
        watch.kill()


def test_an_option_of_all_stages_is_refused_in_one(tmp_path):
    pipeline = Pipeline(tmp_path, 3, stages=STAGES + "    log: one.jsonl\n", listen=False)
    done = pipeline.program.wait()
    assert done.status == 78 and "log is for all stages together" in done.errors and "job.yaml:" in done.errors
    assert not pipeline.out.exists()
