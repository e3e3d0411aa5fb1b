"""A server that is gone for a while, or for good."""

import socket

from dataset import Disk
from model_server import Watch
from program import INCOMPLETE


def test_a_server_that_dies_and_comes_back_costs_no_item(serve, prompts, ask, tmp_path):
    # The server closes everything from half a second after its start on, for three seconds.
    server = serve("--latency", "100ms", "--fail", "down=3s@500ms")
    rows = prompts(500)
    finished = ask(server, rows, "--concurrency", 32, "--attempts", 3)
    assert finished.seconds > 3
    disk = Disk(tmp_path / "out").expect_done(rows)
    assert disk.records("failures") == []
    # Nothing is asked for in vain but what was in flight when it died, and the probes.
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
