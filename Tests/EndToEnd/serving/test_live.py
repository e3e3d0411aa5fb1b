"""A server that is watched and steered, and one that has several servers behind it."""

import http.client
import json
import re
import threading
import time

import pytest

from dataset import Disk


def page_of(server):
    """The address of the live page, and its token."""
    deadline = time.monotonic() + 20
    while True:
        found = re.search(r"live page: http://127\.0\.0\.1:(\d+)/?#token=(\w+)", server.program.errors)
        if found:
            return int(found[1]), found[2]
        assert time.monotonic() < deadline, server.program.errors
        time.sleep(0.01)


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path)
    reply = connection.getresponse()
    return reply.status, reply.read().decode()


def until(condition, seconds_max=20):
    deadline = time.monotonic() + seconds_max
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Load:
    """Clients that send one prompt after another until they are stopped, or the server is gone."""

    def __init__(self, front, clients):
        self.front, self.replies, self.is_over = front, {}, threading.Event()
        self.threads = [threading.Thread(target=self.ask, args=(number,)) for number in range(clients)]
        for thread in self.threads:
            thread.start()

    def ask(self, client):
        connection = self.front.connection()
        for number in range(100_000):
            if self.is_over.is_set():
                return
            name = f"{client}-{number}"
            try:
                reply = self.front.ask(name, connection, {"x-retort-id": name})
            except (OSError, http.client.HTTPException):
                return
            self.replies[name] = reply.status

    def end(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join()
        return self.replies


def test_a_server_is_watched_at_an_address_of_its_own(front, model_server):
    server = front(model_server("--latency", "1ms").url, "--live", "127.0.0.1:0")
    port, _ = page_of(server)
    assert port != server.port
    for number in range(5):
        assert server.ask(f"question {number}").status == 200
    status, page = get(port, "/")
    assert status == 200 and "<html" in page.lower()
    until(lambda: 'retort_items{state="done"} 5' in get(port, "/metrics")[1])
    # Neither has the other's routes.
    assert server.get("/metrics").status == 404 and server.get("/").status == 404
    assert get(port, "/v1/models")[0] == 404
    server.end()


def test_a_server_is_paused_changed_and_drained(front, model_server, workshop):
    teacher = model_server("--latency", "5ms")
    server = front(teacher.url, "--max-cost", "5", "--price", "1 1 1")
    root = server.disk.root
    assert server.ask("before", max_tokens=50).status == 200
    workshop.run("ctl", root, "pause")
    replies = []
    thread = threading.Thread(target=lambda: replies.append(server.ask("paused", max_tokens=50)))
    thread.start()
    time.sleep(0.3)
    assert teacher.counts()["requests"] == 1 and not replies
    workshop.run("ctl", root, "set", "concurrency=3", "max-cost=7")
    workshop.run("ctl", root, "resume")
    thread.join()
    assert replies[0].status == 200
    workshop.run("ctl", root, "drain")
    server.program.wait().expect(130)
    changes = [json.loads(line)["change"].split()[0] for line in (root / "changes.jsonl").read_text().splitlines()]
    assert changes == ["paused:", "set", "resumed", "draining:"]
    assert len(Disk(root).records()) == 2


def test_what_was_set_holds_after_the_cap_was_reached(front, model_server, workshop):
    teacher = model_server("--latency", "1ms", "--tokens", "100")
    server = front(teacher.url, "--max-cost", "0.004", "--price", "0 0 10")
    statuses = [server.ask(f"question {number}", max_tokens=200).status for number in range(10)]
    assert 200 in statuses and statuses[-1] == 503
    workshop.run("ctl", server.disk.root, "set", "max-cost=0.02")
    more = [server.ask(f"more {number}", max_tokens=200).status for number in range(40)]
    assert more[0] == 200 and more[-1] == 503
    # Reached again: the limit is still the one that was set.
    assert sum(status == 200 for status in more) > sum(status == 200 for status in statuses)
    server.end()
    spent = sum(record["cost_usd"] for record in server.disk.records())
    assert 0.004 < spent <= 0.02


def test_requests_go_past_a_server_that_dies(front, model_server):
    first, second = model_server("--latency", "5ms"), model_server("--latency", "5ms")
    server = front(first.url, "--base-url", second.url)
    load = Load(server, 8)
    until(lambda: first.counts()["answered"] > 50 and second.counts()["answered"] > 50)
    first.stop()
    before = second.counts()["answered"]
    until(lambda: second.counts()["answered"] > before + 200)
    replies = load.end()
    assert set(replies.values()) == {200}
    # Read-only requests pass a paused server too.
    assert server.get("/v1/models").status == 200
    server.end()
    assert {record["id"] for record in server.disk.records()} == set(replies)


@pytest.mark.parametrize("dying", ["server", "both"])
def test_what_clients_got_from_several_servers_is_in_the_store_after_a_kill(front, model_server, dying):
    first, second = model_server("--latency", "5ms"), model_server("--latency", "5ms")
    server = front(first.url, "--base-url", second.url)
    load = Load(server, 16)
    until(lambda: len(load.replies) > 300)
    if dying == "both":
        first.stop()
        until(lambda: len(load.replies) > 500)
    server.program.kill()
    replies = load.end()
    assert set(replies.values()) == {200} and set(replies) <= server.disk.received()
    again = front(second.url, "--base-url", model_server("--latency", "5ms").url)
    name = next(iter(replies))
    assert again.ask(name, headers={"x-retort-id": name}).is_reused
    again.end()
    assert set(replies) <= {record["id"] for record in again.disk.records()}
