"""Rates, limits and the window's size, measured at the server."""

import pytest

from dataset import Disk
from model_server import Watch

# The pace may run ahead by one burst (a tenth of a second's worth) and by one request that was just due.
PACES = [
    ("--rps", "50", 50, 6),
    ("--rpm", "3000", 50, 6),
    ("--throttle", "20ms", 50, 2),
]


@pytest.mark.parametrize("flag, value, per_second, burst", PACES)
def test_the_pace_is_kept(serve, prompts, ask, tmp_path, flag, value, per_second, burst):
    server = serve("--latency", "10ms")
    rows = prompts(80)
    with Watch(server) as watch:
        finished = ask(server, rows, flag, value)
    assert watch.excess(per_second) <= burst + 1
    assert (80 - burst - 1) / per_second <= finished.seconds <= 80 / per_second * 1.25 + 1
    Disk(tmp_path / "out").expect_done(rows)


def test_tokens_are_settled_by_what_the_server_counted(serve, prompts, ask, tmp_path):
    per_minute = 60_000
    server = serve("--latency", "10ms", "--tokens", "100")
    rows = prompts(25)
    with Watch(server) as watch:
        ask(server, rows, "--tpm", per_minute, "--concurrency", 4)
    # An answer's 100 tokens are known only when it arrives: the window may run ahead by what is in flight.
    in_flight = 4 * 110
    tokens = watch.excess(per_minute / 60, lambda counts: counts["prompt_tokens"] + counts["completion_tokens"])
    assert tokens <= in_flight + per_minute / 600 + 110
    Disk(tmp_path / "out").expect_done(rows)


@pytest.mark.parametrize("concurrency", [1, 7, 200])
def test_the_window_is_never_wider_than_told(serve, prompts, ask, tmp_path, concurrency):
    server = serve("--latency", "30ms", "--fail", "500=0.1,reset=0.05")
    rows = prompts(min(1000, 40 * concurrency))
    ask(server, rows, "--concurrency", concurrency, "--retry-base", "10ms", "--attempts", 20)
    peak = server.counts()["in_flight_peak"]
    assert concurrency * 0.8 <= peak <= concurrency
    Disk(tmp_path / "out").expect_done(rows)


def test_an_automatic_window_grows_and_gives_way(serve, prompts, ask, tmp_path):
    rows = prompts(1000)
    willing = serve("--latency", "50ms")
    grown = ask(willing, rows, "--concurrency", "auto", out="grown")
    assert willing.counts()["in_flight_peak"] >= 64
    assert grown.seconds < 1000 * 0.05 / 16, "as slow as a window of sixteen"
    # Of many requests at once most are rejected, by a server that does not report its limit.
    strict = serve("--latency", "50ms", "--server-rpm", 24_000, "--server-burst", 20, "--server-silent")
    ask(strict, rows, "--concurrency", "auto", "--retry-base", "50ms", "--attempts", 30, out="given-way")
    counts = strict.counts()
    assert counts["in_flight_peak"] < willing.counts()["in_flight_peak"]
    assert counts["rate_limited"] <= 0.3 * 1000
    Disk(tmp_path / "given-way").expect_done(rows)


@pytest.mark.parametrize("manner, latency, late_max, slack", [("telling", "5ms", 0.1, 2), ("silent", "300ms", 0.4, 6)])
def test_a_storm_of_refusals_ends_with_everything_done(serve, prompts, ask, tmp_path, manner, latency, late_max, slack):
    per_minute, at_once, count = 6000, 100, 600
    manners = ("--server-silent",) if manner == "silent" else ()
    server = serve("--server-rpm", per_minute, "--server-burst", at_once, "--latency", latency, *manners)
    rows = prompts(count)
    with Watch(server) as watch:
        finished = ask(server, rows, "--concurrency", 500)
    ideal = (count - at_once) / (per_minute / 60)
    # The first window of 500 is rejected, except for the burst.
    early = next(counts["rate_limited"] for _, after, counts in watch.samples if after > 2)
    late = server.counts()["rate_limited"] - early
    print(f"{manner}: {finished.seconds:.2f} s, ideal {ideal:.2f} s; {early} refused at first, {late} later")
    assert late <= late_max * count
    # A client that must guess the pace waits longer and longer for the last ones.
    assert finished.seconds <= ideal + slack
    assert server.counts()["items_answered_again"] == 0
    Disk(tmp_path / "out").expect_done(rows)
