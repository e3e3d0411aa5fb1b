"""Shared by the tests of bad input: the binary, its files on disk, and servers that keep what they receive."""

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path.append(str(REPOSITORY / "Tests" / "Interoperability"))

from processes import Server, clean_environment  # noqa: E402

RUN_SECONDS_MAX = 60
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

OK, NOT_FOUND, USAGE, BAD_DATA, INPUT_MISSING, BUSY, IO = 0, 1, 64, 65, 66, 73, 74
INCOMPLETE, REFUSED, CONFIGURATION, INTERRUPTED = 75, 77, 78, 130


def binary():
    path = Path(os.environ.get("RETORT", ".build/release/retort"))
    path = path if path.is_absolute() else REPOSITORY / path
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path} is not there: type `make build`, or name the binary in RETORT")
    return path


class Done:
    """An ended process: exit status, standard output, standard error."""

    def __init__(self, arguments, status, output, errors):
        self.arguments, self.status, self.output, self.errors = arguments, status, output, errors

    def __repr__(self):
        return f"{self.arguments}\nexit status {self.status}\n{self.output[-2000:]!r}\n{self.errors[-4000:]}"

    def says(self, *texts):
        """Standard error holds all the texts."""
        for text in texts:
            assert text in self.errors, f"no {text!r} in: {self!r}"
        return self


def environment_of(changes):
    given = clean_environment(OPENAI_API_KEY="sk-for-the-tests") | changes
    return {name: value for name, value in given.items() if value is not None}


def retort(*arguments, status=OK, stdin=b"", env=(), cwd=None):
    """Runs the binary to its end and checks its exit status. A variable of `env` that is None is not set."""
    command = [str(part) for part in (binary(), *arguments)]
    ended = subprocess.run(
        command, input=stdin, capture_output=True, timeout=RUN_SECONDS_MAX, env=environment_of(dict(env)), cwd=cwd
    )
    done = Done(command[1:], ended.returncode, ended.stdout.decode(), ended.stderr.decode())
    assert done.status == status, f"expected exit status {status}: {done!r}"
    return done


def start(*arguments, **how):
    command = [str(part) for part in (binary(), *arguments)]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | how
    return subprocess.Popen(command, env=environment_of({}), **streams)


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.communicate()


def lines_of(files):
    for file in sorted(files):
        text = gzip.decompress(file.read_bytes())
        assert text.endswith(b"\n"), f"{file} does not end with a whole line"
        yield from text.split(b"\n")[:-1]


class Store:
    """The directory of a run."""

    def __init__(self, root):
        self.root = Path(root)

    def lines(self, lane="responses"):
        return list(lines_of((self.root / lane).glob("*.jsonl.gz")))

    def records(self, lane="responses"):
        return [json.loads(line) for line in self.lines(lane)]

    def ids(self, lane="responses"):
        return sorted(record["id"] for record in self.records(lane))

    def keys(self):
        return sorted((record["id"], record["sample"]) for record in self.records())

    def status(self):
        return json.loads(retort("status", self.root, "--json").output)


class Simulator:
    """`retort simulate`, and its counts."""

    def __init__(self, folder, *flags):
        number = len(list(folder.glob("simulate-*.log")))
        command = [binary(), "simulate", "--port", "0", *flags]
        self.server = Server(command, folder / f"simulate-{number}.log", clean_environment())
        self.url = self.server.first_line().decode().rstrip("\n")

    def get(self, path):
        with DIRECT.open(self.url.removesuffix("/v1") + path, timeout=10) as reply:
            return reply.read()

    def counts(self):
        return json.loads(self.get("/simulator/counts"))

    def requests(self):
        return self.counts()["requests"]

    def items(self):
        return [json.loads(line) for line in self.get("/simulator/items").splitlines()]

    def stop(self):
        self.server.stop()


class Recorder:
    """A server that answers every request with the same status and body, and keeps the bodies it receives."""

    ANSWER = json.dumps(
        {
            "id": "x",
            "object": "chat.completion",
            "model": "teacher",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }
    ).encode()

    def __init__(self, body=ANSWER, status=200, kind="application/json", repeat=1):
        self.bodies = bodies = []
        self.paths = paths = []
        self.headers = headers = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                paths.append(self.path)
                headers.append(dict(self.headers))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body) * repeat))
                self.end_headers()
                try:
                    for _ in range(repeat):
                        self.wfile.write(body)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
