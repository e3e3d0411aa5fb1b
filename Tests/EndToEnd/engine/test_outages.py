"""A server that is gone for a while, or for good."""

import json
import signal
import socket
import time
from collections import Counter

from dataset import Disk
from model_server import Watch
from program import INCOMPLETE


def test_a_server_that_dies_and_comes_back_costs_no_item(serve, prompts, ask, tmp_path):
    # The server closes everything for three seconds, from half a second after its start.
    server = serve("--latency", "100ms", "--fail", "down=3s@500ms")
    rows = prompts(500)
    finished = ask(server, rows, "--concurrency", 32, "--attempts", 3)
    assert finished.seconds > 3
    disk = Disk(tmp_path / "out").expect_done(rows)
    assert disk.records("failures") == []
    # Only what was in flight at the outage, and the probes, are sent in vain.
    assert server.counts()["requests"] <= 500 + 32 + 20


def test_a_server_that_answers_nothing_but_errors_is_probed(serve, prompts, ask, tmp_path):
    server = serve("--fail", "503=1", "--latency", "10ms")
    with Watch(server) as watch:
        ask(server, prompts(500), "--concurrency", 32, "--outage-max", "3s", status=INCOMPLETE)
    counts = server.counts()
    assert counts["requests"] <= 32 + 10, "a dead server is not stormed"
    assert max(sample[2]["in_flight"] for sample in watch.samples if sample[0] > 1.5) <= 1
    disk = Disk(tmp_path / "out")
    assert disk.records("failures") == [], "an outage is charged to no item"


def test_nobody_listening_ends_after_the_outage_limit(prompts, ask, tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
        finished = ask(address, prompts(100), "--outage-max", "2s", status=INCOMPLETE)
    assert 2 <= finished.seconds < 6
    assert "unreachable" in finished.errors and "Connection refused" in finished.errors
    assert Disk(tmp_path / "out").records("failures") == []


def test_a_run_goes_on_where_a_dead_server_left_it(serve, prompts, ask, workshop, begin, tmp_path):
    rows = prompts(300)
    first = serve("--latency", "100ms")
    run = begin(first, rows, "--concurrency", 10)
    first.wait_for(lambda counts: counts["given"] >= 50)
    port = first.port
    first.server.stop(9)
    again = serve("--latency", "10ms", port=port)
    run.wait().expect(0)
    disk = Disk(tmp_path / "out").expect_done(rows)
    assert disk.records("failures") == []
    assert again.counts()["items_answered_again"] == 0


def test_a_run_with_several_servers_loses_and_doubles_nothing_when_one_dies_and_comes_back(
        serve, prompts, begin, workshop, tmp_path):
    rows = prompts(1500)
    servers = [serve("--latency", f"{latency}ms") for latency in (20, 40, 60)]
    others = [flag for server in servers[1:] for flag in ("--base-url", f"{server.url} concurrency=8")]
    run = begin(f"{servers[0].url} concurrency=8", rows, *others)
    servers[1].wait_for(lambda counts: counts["given"] >= 80)
    before = servers[1].counts()["answered"]
    servers[1].server.stop(9)
    servers[0].wait_for(lambda counts: counts["given"] >= 300)
    again = serve("--latency", "40ms", port=servers[1].port)
    run.wait().expect(0)
    disk = Disk(tmp_path / "out").expect_done(rows)
    assert disk.records("failures") == []
    by_server = Counter(json.loads(record["other"])["endpoint"] for record in disk.records())
    assert set(by_server) == {server.url for server in servers}
    for server in (servers[0], servers[2]):
        counts = server.counts()
        assert counts["answered"] == by_server[server.url] and counts["items_answered_again"] == 0
    lost = before + again.counts()["answered"] - by_server[servers[1].url]
    assert -8 <= lost <= 8, "what was in flight when it died"
    status = json.loads(workshop.run("status", tmp_path / "out", "--json").output)
    assert [one["state"] for one in status["endpoints"]] == ["up", "up", "up"]
    assert status["endpoints"][1]["failures"] > 0
    # A run with one of the servers finds everything done.
    workshop.run("run", rows, "--out", tmp_path / "out", "--base-url", servers[0].url, "--model", "teacher")
    assert servers[0].counts()["answered"] == by_server[servers[0].url]


# The answer times of eight servers in milliseconds, and the requests that each accepts at once.
LATENCIES = (300, 400, 500, 600, 700, 800, 1000, 1200)
AT_ONCE = 16


def test_eight_servers_give_what_they_can_while_two_of_them_die(serve, prompts, begin):
    """Within 5% of what the servers can answer together, each at its own speed, before and after two are killed."""
    servers = [serve("--latency", f"{latency}ms") for latency in LATENCIES]
    urls = [f"{server.url} concurrency={AT_ONCE}" for server in servers]
    others = [flag for url in urls[1:] for flag in ("--base-url", url)]
    run = begin(urls[0], prompts(20_000), *others, "--concurrency", AT_ONCE * len(servers))
    for server in servers:
        server.wait_for(lambda counts: counts["answered"] >= AT_ONCE)

    def given_over(living, seconds):
        """Answers within this time, relative to what these servers can answer in it."""
        before, start = [servers[place].counts()["answered"] for place in living], time.monotonic()
        time.sleep(seconds)
        after, took = [servers[place].counts()["answered"] for place in living], time.monotonic() - start
        possible = sum(took * AT_ONCE * 1000 / LATENCIES[place] for place in living)
        return (sum(after) - sum(before)) / possible

    everyone = list(range(len(servers)))
    whole = given_over(everyone, 5)
    dying = (1, 4)
    for place in dying:
        servers[place].server.stop(9)
    living = [place for place in everyone if place not in dying]
    rest = given_over(living, 5)
    run.send(signal.SIGINT)
    finished = run.wait()
    assert whole > 0.95 and rest > 0.95, (whole, rest, finished.errors)
    # Each server has its line, and the failed ones are reported as down.
    lines = [line for line in finished.errors.splitlines() if "/v1: " in line and " answers, " in line]
    assert len(lines) == len(servers)
    assert [place for place, line in enumerate(lines) if "; down" in line] == list(dying)


def test_a_refusal_for_the_rate_moves_the_item_to_another_server(serve, prompts, ask, tmp_path):
    """Without a wait: no item waits for the server that requested a delay of one minute."""
    strict = serve("--fail", "429=1", "--retry-after", "60s", "--latency", "5ms")
    other = serve("--latency", "5ms")
    rows = prompts(100)
    finished = ask(strict, rows, "--base-url", other.url, "--concurrency", 8)
    assert finished.seconds < 20
    disk = Disk(tmp_path / "out").expect_done(rows)
    assert disk.records("failures") == [] and other.counts()["answered"] == 100
    assert strict.counts()["requests"] < 40
