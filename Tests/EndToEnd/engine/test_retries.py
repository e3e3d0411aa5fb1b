"""What is sent again, what is not, and what ends the run; judged by the requests that reached the server."""

import pytest

from dataset import Disk
from model_server import Watch
from program import CONFIGURATION, INCOMPLETE, REFUSED

QUICK = ("--retry-base", "20ms", "--retry-cap", "100ms")


@pytest.mark.parametrize("form", ["seconds", "date", "milliseconds"])
def test_a_wait_the_server_asks_for_is_kept(serve, prompts, ask, tmp_path, form):
    wait = 2.0 if form == "date" else 1.0
    server = serve("--fail-script", "1=429", "--retry-after", f"{wait:.0f}s", "--retry-after-form", form)
    rows = prompts(5)
    with Watch(server) as watch:
        ask(server, rows, *QUICK)
    refused = watch.last_without(lambda counts: counts["statuses"].get("429"))
    answered = watch.first(lambda counts: counts["statuses"].get("200"))
    # A date has whole seconds: the requested delay is between one second less and the full delay.
    assert wait - (1.0 if form == "date" else 0) <= answered - refused < wait + 2
    assert server.attempts() == [2] * 5
    Disk(tmp_path / "out").expect_done(rows)


@pytest.mark.parametrize("fault", ["500", "503", "529", "429-bare"])
def test_a_passing_error_is_asked_again(serve, prompts, ask, tmp_path, fault):
    # So few items that their failures do not count as an outage.
    server = serve("--fail-script", f"1-2={fault}")
    rows = prompts(4)
    ask(server, rows, *QUICK)
    assert server.counts()["statuses"] == {"200": 4, fault[:3]: 8}
    assert server.attempts() == [3] * 4
    Disk(tmp_path / "out").expect_done(rows)


@pytest.mark.parametrize("fault", ["reset", "truncate", "garbage", "malformed", "empty"])
def test_a_broken_answer_is_asked_again(serve, prompts, ask, tmp_path, fault):
    server = serve("--fail-script", f"1={fault}")
    rows = prompts(8)
    ask(server, rows, *QUICK, "--concurrency", 4)
    assert server.counts()["faults"] == {fault: 8}
    assert server.attempts() == [2] * 8
    Disk(tmp_path / "out").expect_done(rows)


@pytest.mark.parametrize(
    "fault, flags",
    [
        ("hang", ("--first-byte-timeout", "500ms")),
        ("stall", ("--stall-timeout", "500ms")),
        ("slow", ("--timeout", "500ms")),
        ("hang", ("--timeout", "500ms")),
    ],
)
def test_a_silent_server_is_left_after_the_timeout(serve, prompts, ask, tmp_path, fault, flags):
    server = serve("--fail-script", f"1={fault}", "--latency", "100ms")
    rows = prompts(6)
    finished = ask(server, rows, *QUICK, *flags)
    assert server.counts()["faults"] == {fault: 6}
    assert server.attempts() == [2] * 6
    assert 0.5 <= finished.seconds < 5
    Disk(tmp_path / "out").expect_done(rows)


def test_an_item_that_always_breaks_the_server_ends_at_its_attempts(serve, prompts, ask, tmp_path):
    # So few items that their failures do not count as an outage.
    server = serve("--fail-script", "1-1000=500")
    rows = prompts(4)
    ask(server, rows, *QUICK, "--attempts", 3, status=INCOMPLETE)
    assert server.attempts() == [3] * 4
    failures = Disk(tmp_path / "out").failures()
    assert {record["attempts"] for record in failures.values()} == {3}
    assert len(failures) == 4


@pytest.mark.parametrize("status", ["400", "404", "413", "422"])
def test_a_bad_request_is_asked_once(serve, prompts, ask, tmp_path, status):
    server = serve("--fail-script", f"1-1000={status}")
    rows = prompts(30)
    ask(server, rows, *QUICK, status=INCOMPLETE)
    assert server.counts()["statuses"] == {status: 30}
    assert server.attempts() == [1] * 30
    failures = Disk(tmp_path / "out").failures()
    assert {record["class"] for record in failures.values()} == {"bad_request"} and len(failures) == 30


@pytest.mark.parametrize("fault", ["401", "403", "insufficient-quota"])
def test_a_refusal_of_the_account_stops_after_a_handful_of_requests(serve, prompts, ask, tmp_path, fault):
    server = serve("--fail", f"{fault}=1", "--latency", "100ms")
    rows = prompts(2000)
    finished = ask(server, rows, "--concurrency", 16, status=REFUSED)
    assert server.counts()["requests"] <= 2 * 16
    assert Disk(tmp_path / "out").records("failures") == []
    assert "quota" in finished.errors or "key" in finished.errors


def test_an_unknown_model_stops_after_a_handful_of_requests(serve, prompts, ask):
    server = serve("--server-models", "another", "--latency", "100ms")
    finished = ask(server, prompts(2000), "--concurrency", 16, status=REFUSED)
    assert server.counts()["requests"] <= 2 * 16
    assert "teacher" in finished.errors


def test_an_address_without_an_api_is_said_to_be_one(serve, prompts, ask):
    server = serve()
    finished = ask(server.url + "/nowhere", prompts(200), status=CONFIGURATION)
    assert server.counts()["requests"] == 0
    assert "base URL" in finished.errors


def test_a_stop_keeps_what_was_answered_and_the_next_run_asks_the_rest(serve, prompts, ask, tmp_path):
    rows = prompts(400)
    refusing = serve("--fail", "insufficient-quota=0.02", "--latency", "20ms")
    ask(refusing, rows, "--concurrency", 8, status=REFUSED)
    kept = len(Disk(tmp_path / "out").records())
    assert kept == refusing.counts()["given"]
    willing = serve()
    ask(willing, rows)
    assert willing.counts()["requests"] == 400 - kept
    Disk(tmp_path / "out").expect_done(rows)
