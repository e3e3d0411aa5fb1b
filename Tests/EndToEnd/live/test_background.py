"""Runs in the background, lists of runs, notifications, logs, comparisons, and the page of a store from outside."""

import http.server
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest
from program import RUN_SECONDS_MAX, Program, binary, clean_environment


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "prompts.jsonl"
    path.write_text("".join(f'{{"id": "row-{n}", "prompt": "number {n}"}}\n' for n in range(400)))
    return path


def once(*arguments, status=0, **environment):
    done = subprocess.run(
        [binary(), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS_MAX,
        env=clean_environment(**environment),
    )
    assert done.returncode == status, done
    return done


def test_a_detached_run_goes_on_is_found_and_ends(prompts, tmp_path):
    store, log = tmp_path / "runs" / "a", tmp_path / "runs" / "a.log"
    store.parent.mkdir()
    pace = ("--simulate", "--latency", "50ms", "--concurrency", "4", "--listen", "127.0.0.1:0")
    done = once("run", prompts, "--out", store, "--detach", *pace)
    process = int(re.search(r"process (\d+)", done.stderr).group(1))
    try:
        assert re.search(r"live page: http://127.0.0.1:\d+/#token=", done.stderr), done
        # A session of its own: closing the terminal does not affect it.
        assert os.getsid(process) == process
        assert " running " in once("list", store.parent).stdout
        once("ctl", store, "set", "concurrency=64")
        end = time.monotonic() + RUN_SECONDS_MAX
        # The summary is printed after the store has ended.
        while "Finished: every item has its answer." not in log.read_text():
            assert time.monotonic() < end
            time.sleep(0.1)
        assert json.loads(once("list", store.parent, "--json").stdout)["state"] != "running"
    finally:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass
    assert "changed: set concurrency 64" in log.read_text()


def test_a_detached_run_that_cannot_start_says_so(prompts, tmp_path):
    assert "no such" in once("run", tmp_path / "missing", "--out", tmp_path / "a", "--simulate", "--detach", status=66).stderr
    assert "standard input" in once("run", "-", "--out", tmp_path / "a", "--simulate", "--detach", status=64).stderr


def test_notifications_and_the_log(prompts, tmp_path):
    store, log = tmp_path / "a", tmp_path / "events.jsonl"
    told = tmp_path / "told"
    notify = f'echo "$RETORT_EVENT $RETORT_STORE $RETORT_TEXT" >> {told}'
    secret = "sk-a-secret-of-this-test"
    server = ("--simulate", "--latency", "20ms", "--fail", "400=0.3")
    once("run", prompts, "--out", store, *server, "--log", log, "--notify", notify, status=75, OPENAI_API_KEY=secret)
    lines = told.read_text().splitlines()
    assert lines[-1].startswith(f"end {store} ended; ")
    assert [line.split()[0] for line in lines] in (["failures", "end"], ["end"])
    events = [json.loads(line) for line in log.read_text().splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "start" and kinds[-1] == "end" and kinds.count("failure") == 1
    assert events[-1]["done"] + events[-1]["failed"] == 400
    assert secret not in log.read_text()


class Listener:
    """Receives posts; answers with each of the statuses in turn, then with 204."""

    def __init__(self, *statuses):
        self.posts, self.statuses, outer = [], list(statuses), self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.posts.append((self.path, self.headers["content-type"], json.loads(body)))
                self.send_response(outer.statuses.pop(0) if outer.statuses else 204)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook/a-secret?token=b-secret"


def test_notifications_by_post(prompts, tmp_path):
    store, listener = tmp_path / "run", Listener(503)
    server = ("--simulate", "--latency", "20ms", "--fail", "400=0.3")
    done = once("run", prompts, "--out", store, *server, "--notify", listener.url, status=75, NO_PROXY="127.0.0.1")
    path, kind, last = listener.posts[-1]
    assert (path, kind) == ("/hook/a-secret?token=b-secret", "application/json")
    assert last["event"] == "end" and last["store"] == str(store) and last["state"] == "ended"
    assert last["done"] + last["failed"] == last["total"] == 400
    # The first attempt was temporarily rejected and repeated.
    assert listener.posts[0][2] == listener.posts[1][2] or listener.posts[0][2] in [post[2] for post in listener.posts[1:]]
    assert "not delivered" not in done.stderr
    listener.server.shutdown()


def test_who_cannot_be_notified_is_told_without_secrets(prompts, tmp_path):
    listener = Listener(404, 404)
    done = once(
        "run", prompts, "--out", tmp_path / "run", "--simulate", "--latency", "1ms", "--notify", listener.url,
        NO_PROXY="127.0.0.1",
    )  # fmt: skip
    assert f"--notify: not delivered: http://127.0.0.1:{listener.server.server_port} answered 404" in done.stderr
    assert len(listener.posts) == 1 and "secret" not in done.stderr
    listener.server.shutdown()
    refused = once("run", prompts, "--out", tmp_path / "other", "--simulate", "--notify", "http://", status=64)
    assert "not an address to post to" in refused.stderr and not (tmp_path / "other").exists()


def test_two_stores_are_compared(prompts, tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    once("run", prompts, "--out", a, "--simulate", "--latency", "1ms", "--limit", "300")
    once("run", prompts, "--out", b, "--simulate", "--latency", "1ms", "--server-seed", "7", "--skip", "100")
    text = once("diff", a, b).stdout
    rows = [json.loads(line) for line in once("diff", a, b, "--json").stdout.splitlines()]
    counts = rows.pop()
    assert counts["only_a"] == 100 and counts["only_b"] == 100
    assert counts["same"] + counts["answer"] == 200
    assert len(rows) == 200 + counts["answer"]
    assert re.search(r"only in A +100", text)
    same = json.loads(once("diff", a, a, "--json").stdout)
    assert same["same"] == 300 and same["answer"] == 0


def test_the_page_of_a_store_from_outside(start, page):
    run = start("--latency", "40ms", "--concurrency", 8)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    watch = Program(run.folder, "watch", run.store, "--listen", f"127.0.0.1:{port}")
    try:
        end = time.monotonic() + RUN_SECONDS_MAX
        while not (found := re.search(r"live page: (\S+)", watch.errors)):
            assert watch.is_running and time.monotonic() < end, watch.errors
            time.sleep(0.05)
        page.open(found.group(1), 1200)
        page.wait_for("typeof last !== 'undefined' && last !== null && last.items.done > 0")
        page.wait_for("document.querySelectorAll('#answers pre').length > 0")
        page.evaluate("document.querySelector('[data-command=pause]').click()")
        page.wait_for("last.state === 'paused'")
        run.program.process.send_signal(signal.SIGKILL)
        run.program.process.wait()
        page.wait_for("last.state === 'stopped'")
        page.evaluate("document.querySelector('[data-command=resume]').click()")
        page.wait_for("document.getElementById('reply').textContent.includes('no run is active')")
        assert [text for text in page.complaints if "400" not in text] == []
        watch.send(signal.SIGTERM)
        assert watch.wait().status == 0
    finally:
        watch.kill()
