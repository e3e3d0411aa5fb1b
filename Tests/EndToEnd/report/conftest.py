"""Fixtures: the binary, runs of it in the background, one finished run with failures, and a headless browser."""

import gzip
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))

from browser import Browser  # noqa: E402
from program import REPOSITORY, RUN_SECONDS_MAX, binary, clean_environment  # noqa: E402


@dataclass
class Store:
    """The directory of a run, read without retort's help."""

    folder: Path

    def records(self, lane):
        files = sorted((self.folder / lane).glob("*.jsonl.gz"))
        text = b"".join(gzip.decompress(file.read_bytes()) for file in files)
        return [json.loads(line) for line in text.split(b"\n")[:-1]]

    def summary(self):
        return json.loads((self.folder / "report" / "summary.json").read_text())

    @property
    def page(self):
        return self.folder / "report" / "report.html"


@pytest.fixture(scope="session")
def retort():
    """retort(*arguments, status=0): runs the binary to its end and checks its exit status."""

    def run(*arguments, status=0):
        command = [str(part) for part in (binary(), *arguments)]
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS_MAX,
            env=clean_environment(),
        )
        assert done.returncode == status, f"{command}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture
def start():
    """start(*arguments, **subprocess's): the binary in the background; ended when the test ends."""
    processes = []

    def begin(*arguments, **how):
        command = [str(part) for part in (binary(), *arguments)]
        how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | how
        process = subprocess.Popen(command, env=clean_environment(), **how)
        processes.append(process)
        return process

    yield begin
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.fixture(scope="session")
def finished(retort, tmp_path_factory):
    """A run of a few seconds in which some items fail, with its report."""
    store = Store(tmp_path_factory.mktemp("finished") / "run")
    faults = "--fail=400=0.04,500=0.05,content-filter=0.03"
    pace = ["--concurrency", 16, "--latency", "lognormal:200ms,0.4", "--attempts", 2]
    retort(
        "run", REPOSITORY / "data" / "prompts.jsonl", "--out", store.folder, "--simulate", faults, *pace, status=75
    )
    retort("report", store.folder)
    return store


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    return Browser(tmp_path_factory.mktemp("browser"))
