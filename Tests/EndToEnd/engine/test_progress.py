"""What a run reports while it waits, and how well it fills its window."""

import json
import signal
import time

from dataset import Disk
from program import INTERRUPTED


def reports(errors):
    return [json.loads(line) for line in errors.splitlines() if line.startswith('{"event":"progress"')]


def test_the_tail_says_what_it_waits_for(serve, prompts, ask, tmp_path):
    # One item in forty takes four seconds.
    server = serve("--latency", "40ms", "--fail", "slow=0.025", "--server-seed", 3)
    rows = prompts(40)
    finished = ask(server, rows, "--progress", "json", "--progress-every", "200ms")
    assert server.counts()["faults"]["slow"] >= 1, "choose another seed"
    Disk(tmp_path / "out").expect_done(rows)
    assert reports(finished.errors)[-1]["done"] == 40


def test_one_slow_item_is_seen_to_be_waited_for(serve, prompts, begin, tmp_path):
    server = serve("--fail-script", "1=hang")
    run = begin(server, prompts(1), "--progress", "json", "--progress-every", "100ms", "--timeout", "3500ms",
                "--retry-base", "10ms")
    run.wait().expect(0)
    notes = [report["note"] for report in reports(run.errors)]
    assert any("waiting for 1 request" in note and "2s" in note for note in notes), notes
    assert all(report["in_flight"] <= 1 for report in reports(run.errors))


def test_a_retry_that_is_waited_for_is_counted_down(serve, prompts, begin):
    server = serve("--fail-script", "1=429", "--retry-after", "3s")
    run = begin(server, prompts(1), "--progress", "json", "--progress-every", "100ms")
    run.wait().expect(0)
    notes = [report["note"] for report in reports(run.errors) if report["retrying"] == 1]
    assert len(notes) >= 2 and all("1 rate_limited" in note for note in notes), notes


def test_totals_are_right_on_resume(serve, prompts, begin, tmp_path):
    server = serve("--latency", "100ms")
    rows = prompts(200)
    run = begin(server, rows, "--concurrency", 20)
    server.wait_for(lambda counts: counts["given"] >= 80)
    run.send(signal.SIGINT)
    run.wait().expect(INTERRUPTED)
    kept = len(Disk(tmp_path / "out").records())
    again = begin(server, rows, "--concurrency", 20, "--progress", "json", "--progress-every", "100ms")
    again.wait().expect(0)
    seen = reports(again.errors)
    assert {report["total"] for report in seen if report["total"] is not None} == {200}
    assert {report["resumed"] for report in seen} == {kept}
    dones = [report["done"] for report in seen]
    assert dones == sorted(dones) and kept <= dones[0] and dones[-1] == 200
    assert all(report["done"] + report["in_flight"] + report["retrying"] <= 200 for report in seen)


def test_the_window_is_kept_full(serve, prompts, ask, tmp_path):
    server = serve("--latency", "50ms", "--tokens", 20)
    rows = prompts(2000)
    finished = ask(server, rows, "--concurrency", 20, "--progress", "json")
    ideal = 2000 * 0.05 / 20
    elapsed = reports(finished.errors)[-1]["elapsed_s"]
    print(f"2,000 items of 50 ms at concurrency 20: {elapsed:.3f} s, {100 * (elapsed / ideal - 1):.1f}% over {ideal} s")
    assert ideal <= elapsed < 2 * ideal
    assert server.counts()["in_flight_peak"] <= 20
    Disk(tmp_path / "out").expect_done(rows)


def test_many_requests_are_in_flight_at_once(serve, prompts, begin, tmp_path):
    server = serve("--latency", "4s", "--tokens", 20)
    rows = prompts(2000)
    run = begin(server, rows, "--concurrency", 2000)
    began = time.monotonic()
    server.wait_for(lambda counts: counts["in_flight"] == 2000)
    with open(f"/proc/{run.process.pid}/status") as status:
        resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    run.wait().expect(0)
    print(f"2,000 in flight: {resident / 2000:.0f} KB a request, {time.monotonic() - began:.2f} s for 4 s of waiting")
    Disk(tmp_path / "out").expect_done(rows)
