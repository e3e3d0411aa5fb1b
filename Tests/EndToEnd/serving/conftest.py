"""Fixtures: `retort serve` before a model server, and a client that knows nothing but HTTP."""

import http.client
import json
import signal
import sys
import time
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))

from dataset import Disk  # noqa: E402
from fixtures import serve as model_server  # noqa: E402, F401
from fixtures import workshop  # noqa: E402, F401

START_SECONDS_MAX = 20


class Reply:
    def __init__(self, reply):
        self.status, self.body = reply.status, reply.read()
        self.headers = {name.lower(): value for name, value in reply.getheaders()}

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def is_reused(self):
        return self.headers.get("x-retort-reused") == "1"


class Front:
    """A running `retort serve`."""

    def __init__(self, program, root):
        self.program, self.disk = program, Disk(root)
        self.port = int(self.first_line().split(":")[2].split("/")[0])

    def first_line(self):
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            text = self.program.paths[0].read_text()
            if "\n" in text:
                return text.split("\n")[0]
            assert self.program.is_running and time.monotonic() < deadline, self.program.errors
            time.sleep(0.01)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def connection(self, seconds=30):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)

    def post(self, path, body, connection=None, **headers):
        connection = connection or self.connection()
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("POST", path, data, {"content-type": "application/json"} | named)
        return Reply(connection.getresponse())

    def get(self, path, **headers):
        connection = self.connection()
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return Reply(connection.getresponse())

    def ask(self, text, connection=None, headers=None, **members):
        body = {"model": "m", "messages": [{"role": "user", "content": text}]} | members
        return self.post("/v1/chat/completions", body, connection, **(headers or {}))

    def end(self, status=130):
        self.program.send(signal.SIGINT)
        return self.program.wait().expect(status)


@pytest.fixture
def front(workshop, tmp_path):  # noqa: F811
    """front(url, *flags): a server of its own, killed with the test."""

    def start(url, *flags, out="out", under=(), **environment):
        root = tmp_path / out
        where = ("--base-url", url) if url else ("--simulate",)
        program = workshop.start(
            "serve", "--out", root, *where, "--listen", "127.0.0.1:0", "--retry-base", "10ms", *flags, under=under, **environment
        )
        return Front(program, root)

    return start
