"""Fixtures: the binary, stores with failures in them, and a model server that counts its requests."""

import gzip
import json
import os
import signal
import subprocess
import tempfile
import urllib.request
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
RUN_SECONDS_MAX = 60
DROPPED = ("_proxy", "_PROXY", "OPENAI_", "ANTHROPIC_", "RETORT_")

# The Hugging Face libraries read these once, when they are imported.
HOME_OF_DATASETS = tempfile.TemporaryDirectory(prefix="retort-datasets-")
os.environ.update(HF_HOME=HOME_OF_DATASETS.name, HF_HUB_OFFLINE="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1")


def environment(**extra):
    kept = {name: value for name, value in os.environ.items() if not any(part in name for part in DROPPED)}
    return kept | {"NO_PROXY": "127.0.0.1", "NO_COLOR": "1"} | extra


def binary():
    path = Path(os.environ.get("RETORT", ".build/release/retort"))
    path = path if path.is_absolute() else REPOSITORY / path
    if not os.access(path, os.X_OK):
        pytest.fail(f"{path} is not there: type `make build`, or name the binary in RETORT")
    return path


@pytest.fixture(scope="session")
def retort():
    """retort(*arguments, status=0, key="k", **subprocess's): runs the binary to its end, checks its exit status."""

    def run(*arguments, status=0, key="k", **how):
        command = [str(part) for part in (binary(), *arguments)]
        how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | how
        done = subprocess.run(
            command, text=True, timeout=RUN_SECONDS_MAX, env=environment(**({"OPENAI_API_KEY": key} if key else {})), **how
        )
        assert status in (None, done.returncode), f"{command}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


class Teacher:
    """`retort simulate` on a port of its own."""

    def __init__(self, *flags):
        command = [str(binary()), "simulate", "--port", "0", "--quiet", "--latency", "1ms", *map(str, flags)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(), text=True)
        self.url = self.process.stdout.readline().strip()

    def _get(self, path):
        address = self.url.removesuffix("/v1") + path
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(address, timeout=5) as answer:
            return json.load(answer)

    @property
    def counts(self):
        return self._get("/simulator/counts")

    @property
    def requests(self):
        return self.counts["requests"]

    @property
    def billed(self):
        """Answers, prompt tokens and completion tokens that a provider would bill."""
        counts = self._get("/simulator/counts")
        return counts["billed"], counts["billed_prompt_tokens"], counts["billed_completion_tokens"]

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()


@pytest.fixture
def teacher():
    """teacher(*flags): a model server, ended with the test."""
    running = []

    def start(*flags):
        running.append(Teacher(*flags))
        return running[-1]

    yield start
    for server in running:
        server.stop()


def killed(command, seconds):
    """Runs the binary with these arguments and kills it after so long: whether it was still running then."""
    run = subprocess.Popen(
        [str(binary()), *map(str, command)], env=environment(OPENAI_API_KEY="k"), stderr=subprocess.DEVNULL
    )
    try:
        run.wait(seconds)
    except subprocess.TimeoutExpired:
        run.send_signal(signal.SIGKILL)
        run.wait()
        return True
    return False


class Store:
    def __init__(self, root):
        self.root = root

    def lane(self, name):
        text = b"".join(gzip.decompress(file.read_bytes()) for file in sorted((self.root / name).glob("*.jsonl.gz")))
        return [json.loads(line) for line in text.split(b"\n")[:-1]]

    @property
    def responses(self):
        return {record["id"]: record for record in self.lane("responses")}

    @property
    def failures(self):
        """The newest failure of each id, done since or not."""
        return {record["id"]: record for record in self.lane("failures")}


@pytest.fixture
def prompts(tmp_path):
    """prompts(count): a file of that many rows."""

    def write(count, name="prompts.jsonl", **fields):
        path = tmp_path / name
        rows = [{"id": f"q-{number}", "prompt": f"Question {number}?", "level": number} | fields for number in range(count)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


@pytest.fixture
def finished(retort, prompts, tmp_path):
    """finished(count, *flags, status=0): a store of a simulated run."""

    def make(count, *flags, status=0, name="store"):
        root = tmp_path / name
        retort("run", prompts(count), "--out", root, "--simulate", "--latency", "1ms", *flags, status=status)
        return Store(root)

    return make


@pytest.fixture
def counts(retort):
    """counts(store): the output of `retort status --json`."""

    def status(store):
        return json.loads(retort("status", store.root, "--json").stdout)

    return status
