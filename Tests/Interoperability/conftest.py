"""Fixtures: the binary, `retort run`, `retort simulate`, and one finished run of data/prompts.jsonl for all readers."""

import gzip
import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from answering import AnsweringServer
from processes import Server, clean_environment

REPOSITORY = Path(__file__).resolve().parents[2]
# More if `test_varied_store.py` uses a large store.
RUN_SECONDS_MAX = 120 + int(os.environ.get("RETORT_VARIED_ROWS", 0)) // 1000
KEY = "sk-for-the-tests"

# The Hugging Face libraries read these once, when they are imported.
HOME_OF_DATASETS = tempfile.TemporaryDirectory(prefix="retort-datasets-")
os.environ.update(HF_HOME=HOME_OF_DATASETS.name, HF_HUB_OFFLINE="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1")


def rows_of(path):
    """The rows of a JSONL file. Only LF ends a line: str.splitlines would cut at U+2028."""
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


def identity_of(row):
    """The id that a row has, or None if retort generates it."""
    return row.get("id") or row.get("custom_id") or row.get("uid")


@dataclass
class Dataset:
    """A directory of responses, and the number of records that it must hold."""

    folder: Path
    count: int

    @property
    def files(self):
        return sorted((self.folder / "responses").glob("*.jsonl.gz"))

    def each_record(self):
        for file in self.files:
            with gzip.open(file, "rt", encoding="utf-8", newline="\n") as lines:
                yield from map(json.loads, lines)

    def records(self):
        return list(self.each_record())

    def contents(self):
        return {file.name: file.read_bytes() for file in self.files}


@pytest.fixture(scope="session")
def data():
    return REPOSITORY / "data"


@pytest.fixture(scope="session")
def binary():
    path = Path(os.environ.get("RETORT", ".build/release/retort"))
    path = path if path.is_absolute() else REPOSITORY / path
    if not os.access(path, os.X_OK):
        pytest.fail(f"{path} is not there: type `make build`, or name the binary in RETORT")
    return path


@pytest.fixture(scope="session")
def retort(binary):
    """retort(*arguments, status=0, key=KEY): runs the binary to its end and checks its exit status."""

    def run(*arguments, status=0, key=KEY):
        command = [str(part) for part in (binary, *arguments)]
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS_MAX,
            env=clean_environment(OPENAI_API_KEY=key),
        )
        assert done.returncode == status, f"{command}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture
def simulate(binary, tmp_path):
    """simulate(*flags): a model server of its own; (server, base URL). Ended when the test ends."""
    servers = []

    def start(*flags):
        command = [binary, "simulate", "--port", "0", *flags]
        server = Server(command, tmp_path / f"simulate-{len(servers)}.log", clean_environment())
        servers.append(server)
        return server, server.first_line().decode().rstrip("\n")

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def demo_command(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("demo") / "run"
    return ["run", data / "prompts.jsonl", "--out", out, "--simulate", "--concurrency", 32]


@pytest.fixture(scope="session")
def demo(retort, demo_command, data):
    """data/prompts.jsonl, answered by the built-in model server."""
    retort(*demo_command)
    return Dataset(demo_command[3], len(rows_of(data / "prompts.jsonl")))


@pytest.fixture
def answering():
    """answering(reply): a model server in this process, ended with the test. See `AnsweringServer`."""
    servers = []

    def start(reply):
        servers.append(AnsweringServer(reply))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
