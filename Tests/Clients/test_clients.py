"""bespokelabs-curator and lm-eval, each in an environment of its own, as clients of `retort serve`."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "Interoperability"))

from processes import Server, clean_environment  # noqa: E402

CLIENTS = Path(os.environ.get("RETORT_CLIENTS", HERE.parents[1] / ".build" / "clients"))
BINARY = Path(os.environ.get("RETORT", HERE.parents[1] / ".build" / "release" / "retort")).resolve()
CLIENT_SECONDS_MAX = 240
ROWS = 45
TASK = """
task: sums
dataset_path: json
dataset_kwargs: {{data_files: {rows}}}
test_split: train
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: ["\\n\\n"], max_gen_toks: 64}}
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
"""


class Front:
    """`retort serve` with `retort simulate` behind it."""

    def __init__(self, folder, *flags):
        environment = clean_environment(OPENAI_API_KEY="sk-for-the-tests")
        self.store = folder / "store"
        self.simulator = Server([BINARY, "simulate", "--port", "0", "--quiet"], folder / "simulate.log", environment)
        command = [BINARY, "serve", "--out", self.store, "--listen", "127.0.0.1:0", *flags]
        command += ["--base-url", self.simulator.first_line().decode().strip()]
        self.server = Server(command, folder / "serve.log", environment)
        self.url = self.server.first_line().decode().strip()

    def records(self):
        """Stops the server; returns the prompts that its store has answers to."""
        assert self.server.stop() == 130, self.server.state()
        self.simulator.stop()
        lines = [gzip.decompress(file.read_bytes()) for file in sorted((self.store / "responses").glob("*.jsonl.gz"))]
        return [json.loads(line) for line in b"".join(lines).splitlines()]

    def close(self):
        self.server.stop()
        self.simulator.stop()


@pytest.fixture
def front(tmp_path):
    fronts = []

    def start(*flags):
        fronts.append(Front(tmp_path, *flags))
        return fronts[-1]

    yield start
    for one in fronts:
        one.close()


def program(client, name):
    path = CLIENTS / client / "bin" / name
    if not path.exists():
        pytest.skip(f"{client} is not installed in {CLIENTS}")
    return path


def run(command, folder):
    environment = clean_environment(
        OPENAI_API_KEY="of the client", HOME=str(folder), CURATOR_CACHE_DIR=str(folder / "cache"),
        CURATOR_DISABLE_RICH_DISPLAY="1", TELEMETRY_ENABLED="0", HF_HUB_OFFLINE="1", DO_NOT_TRACK="1")
    done = subprocess.run(
        [str(part) for part in command], env=environment, capture_output=True, text=True, timeout=CLIENT_SECONDS_MAX)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("way", ["live", "batch"])
def test_curator_gets_what_the_store_has(front, tmp_path, way):
    python = program("curator", "python")
    server = front()
    said = run([python, HERE / "curate.py", server.url, way, ROWS], tmp_path)
    got = {row["question"]: row["answer"] for row in json.loads(said.strip().split("\n")[-1])}
    assert len(got) == ROWS
    records = server.records()
    assert {record["messages"][-1]["content"]: record["response"] for record in records} == got
    assert len(records) == ROWS


def test_an_evaluation_that_is_repeated_asks_nothing(front, tmp_path):
    lm_eval = program("lm-eval", "lm_eval")
    rows = tmp_path / "sums.jsonl"
    rows.write_text("".join(
        json.dumps({"question": f"What is {number}+{number}?", "answer": str(2 * number)}) + "\n"
        for number in range(ROWS)))
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "sums.yaml").write_text(TASK.format(rows=rows))
    server = front("--reuse", "auto")
    model = f"model=m,base_url={server.url}/chat/completions,num_concurrent=8,max_retries=3,tokenized_requests=False"
    for turn in ("first", "second"):
        run([
            lm_eval, "--model", "local-chat-completions", "--model_args", model, "--tasks", "sums", "--include_path",
            tmp_path / "tasks", "--apply_chat_template", "--log_samples", "--output_path", tmp_path / turn], tmp_path)
        samples = list((tmp_path / turn).rglob("samples_sums_*.jsonl"))
        assert len(samples) == 1 and len(samples[0].read_text().splitlines()) == ROWS
    assert len(server.records()) == ROWS
