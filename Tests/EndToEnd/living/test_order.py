"""Order by prefix, and files in templates."""

import collections
import http.server
import json
import threading

import pytest
from conftest import Store


class CachingServer(http.server.BaseHTTPRequestHandler):
    """A server that caches the beginnings of few prompts, as real ones do, and reports its cache hits."""

    protocol_version = "HTTP/1.1"
    cache = collections.OrderedDict()
    size = 4
    asked = 0

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        system = request["messages"][0]["content"]
        found = system in self.cache
        self.cache[system] = None
        self.cache.move_to_end(system)
        while len(self.cache) > self.size:
            self.cache.popitem(last=False)
        type(self).asked += 1
        usage = {"prompt_tokens": 100, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 80 * found}}
        choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
        body = json.dumps({"model": "m", "choices": [choice], "usage": usage}).encode()
        self.send_response(400 if "fail" in request["messages"][1]["content"] else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def caching():
    CachingServer.cache.clear()
    CachingServer.asked = 0
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), CachingServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def cached_share(root):
    records = Store(root).responses.values()
    return sum(record["usage"]["cached_tokens"] for record in records) / (80 * len(records))


def test_rows_that_begin_alike_are_sent_one_after_the_other(retort, tmp_path, caching):
    """The share of prompts that a small cache knows, with --order prefix and without, in run, resume and retry."""
    source = tmp_path / "p.jsonl"
    systems = [f"You are expert number {n}. " + "Be brief. " * 50 for n in range(20)]
    rows = [
        {"id": f"q{n}", "messages": [{"role": "system", "content": systems[n * 7 % 20]}, {"role": "user", "content": f"Say {n}"}]}
        for n in range(400)
    ]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = ("run", source, "--base-url", caching, "--model", "m", "--concurrency", 2, "--price", "1 0.1 2")
    retort(*run, "--out", tmp_path / "plain")
    assert cached_share(tmp_path / "plain") < 0.05
    # Interrupted and resumed: the same items.
    retort(*run, "--out", tmp_path / "ordered", "--order", "prefix", "--limit", 200)
    said = retort(*run, "--out", tmp_path / "ordered", "--order", "prefix").stderr
    share = cached_share(tmp_path / "ordered")
    assert share > 0.85
    assert "of the tokens in came from a cache" in said and "which saved $" in said
    plain, ordered = Store(tmp_path / "plain").responses, Store(tmp_path / "ordered").responses
    assert CachingServer.asked == 800 and len(ordered) == 400
    assert all(plain[key]["fingerprint"] == ordered[key]["fingerprint"] and plain[key]["row"] == ordered[key]["row"] for key in plain)
    retort("verify", tmp_path / "ordered", "--deep")
    saved = sum(record["usage"]["cached_tokens"] for record in list(ordered.values())[200:]) * 0.9e-6
    assert saved > 0


def test_a_retry_sends_in_order_too(retort, tmp_path, caching):
    source = tmp_path / "p.jsonl"
    rows = [
        {"id": f"q{n}", "messages": [{"role": "system", "content": f"{n * 7 % 20} " * 50}, {"role": "user", "content": f"fail {n}"}]}
        for n in range(200)
    ]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    flags = ("--base-url", caching, "--concurrency", 1, "--refusals-max", 0)
    retort("run", source, "--model", "m", *flags, "--out", tmp_path / "o", status=75)
    order = []
    CachingServer.cache = RecordingCache(order)
    try:
        retort("retry", tmp_path / "o", *flags, "--order", "prefix", status=75)
    finally:
        CachingServer.cache = collections.OrderedDict()
    assert len(order) == 200 and sum(one != next for one, next in zip(order, order[1:])) == 19


class RecordingCache(collections.OrderedDict):
    """Records what is looked up."""

    def __init__(self, order):
        super().__init__()
        self.order = order

    def __contains__(self, key):
        self.order.append(key)
        return super().__contains__(key)


def test_a_template_inserts_files(retort, tmp_path, teacher):
    """As they are; a changed file is a changed template."""
    shots = tmp_path / "shots.txt"
    shots.write_text('Q: {{name}} "x"\n@user\nA: é\n')
    template = tmp_path / "t.txt"
    template.write_text('@system\n{{file "%s"}}\n@user\nAsk {{q}}\n' % shots)
    source = tmp_path / "p.jsonl"
    source.write_text("".join(json.dumps({"id": f"q{n}", "q": n}) + "\n" for n in range(3)))
    server = teacher()
    run = ("run", source, "--out", tmp_path / "o", "--template", template, "--base-url", server.url, "--model", "m")
    retort(*run)
    record = Store(tmp_path / "o").responses["q1"]
    assert record["messages"] == [
        {"role": "system", "content": 'Q: {{name}} "x"\n@user\nA: é'}, {"role": "user", "content": "Ask 1"},
    ]
    shots.write_text("other")
    assert "changed" in retort(*run, status=78).stderr
    retort(*run, "--on-change", "rerun")
    assert server.requests == 6
    shots.unlink()
    said = retort(*run, status=78).stderr
    assert f"{template}:2:1" in said and "cannot be inserted" in said
    shots.write_bytes(b"x" * (5 << 20))
    assert "larger than 4 MiB" in retort(*run, status=78).stderr


def test_choices_of_a_row_stay_in_one_request(retort, tmp_path, teacher):
    """In any order: --n 3 is one request per row, also at the end of a batch of items."""
    source = tmp_path / "p.jsonl"
    source.write_text("".join(json.dumps({"id": f"q{n}", "prompt": f"{n % 5} say"}) + "\n" for n in range(200)))
    server = teacher()
    retort("run", source, "--out", tmp_path / "o", "--base-url", server.url, "--model", "m", "--n", 3, "--order", "prefix")
    assert server.requests == 200 and len(Store(tmp_path / "o").lane("responses")) == 600
