"""Fixtures: a run that continues until it is stopped, its page's address, and commands to it."""

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))

from devtools import Page  # noqa: E402
from program import RUN_SECONDS_MAX, Program, binary, clean_environment  # noqa: E402

ROWS = 20_000


class Run:
    """A run in the background with a page."""

    def __init__(self, folder, *options, rows=ROWS, models=()):
        self.folder = folder
        self.store = folder / "run"
        prompts = folder / "prompts.jsonl"
        prompts.write_text("".join(self.row(n, models) + "\n" for n in range(rows)))
        self.program = Program(
            folder, "run", prompts, "--out", self.store, "--simulate", "--listen", "127.0.0.1:0", *options
        )
        self.address, self.token = self.wait_for(r"live page: (http://\S+?)#token=(\w+)").groups()

    @staticmethod
    def row(n, models):
        row = {"prompt": f"number {n} <b>&amp;</b>"}
        return json.dumps(row | ({"model": models[n % len(models)]} if models else {}))

    def wait_for(self, pattern):
        end = time.monotonic() + RUN_SECONDS_MAX
        while True:
            text = self.program.paths[1].read_text()
            if found := re.search(pattern, text):
                return found
            assert self.program.process.poll() is None and time.monotonic() < end, text
            time.sleep(0.02)

    def get(self, path, headers=None, data=None):
        """(status, content type, body)"""
        request = urllib.request.Request(self.address + path, headers=headers or {}, data=data)
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return reply.status, reply.headers["content-type"], reply.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["content-type"], error.read()

    def state(self):
        return json.loads(self.get("state")[2])

    def until(self, is_reached):
        end = time.monotonic() + RUN_SECONDS_MAX
        while not is_reached(state := self.state()):
            assert time.monotonic() < end, state
            time.sleep(0.05)
        return state

    def ctl(self, *words, status=0):
        done = subprocess.run(
            [binary(), "ctl", self.store, *words],
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS_MAX,
            env=clean_environment(),
        )
        assert done.returncode == status, done
        return done.stdout + done.stderr


@pytest.fixture
def start(tmp_path):
    """start(*options): a run that has begun to get answers."""
    runs = []

    def begin(*options, folder=tmp_path, **how):
        run = Run(folder, *options, **how)
        runs.append(run)
        run.until(lambda state: state["items"]["done"] > 0)
        return run

    yield begin
    for run in runs:
        if run.program.process.poll() is None:
            run.program.process.kill()
        run.program.process.wait()


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    page = Page(tmp_path_factory.mktemp("browser"))
    yield page
    page.close()


@pytest.fixture
def page(browser):
    """The browser's page, empty, without the messages of an earlier test."""
    browser.open("about:blank", 900)
    browser.evaluate("1")
    browser.complaints.clear()
    return browser


@pytest.fixture
def retort_once(tmp_path):
    """retort_once(*arguments): the binary, run to its end without input."""
    return lambda *arguments: Program(tmp_path, *arguments).wait()
