"""`retort limit`: many runs, one limit."""

import json
import signal
import subprocess
import threading
import time

import pytest

from conftest import Store, binary, environment

LIMIT = 250
RUNS = 4
ROWS = 1000


class Limiter:
    def __init__(self, *flags, listen="127.0.0.1:0"):
        command = [binary(), "limit", "--listen", listen, *map(str, flags)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(), text=True)
        self.address = self.process.stdout.readline().strip()

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait(10)
        self.process.stdout.close()


@pytest.fixture
def limiter():
    running = []

    def start(*flags, **how):
        running.append(Limiter(*flags, **how))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)


class Rate:
    """Polls a server's count of requests, to find the maximum in any second."""

    def __init__(self, server):
        self.server, self.samples, self.is_over = server, [], threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.is_over.wait(0.02):
            before = time.monotonic()
            count = self.server.requests
            self.samples.append((before, time.monotonic(), count))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()

    @property
    def most(self):
        most = 0
        for index, (began, _, first) in enumerate(self.samples):
            inside = [count for _, ended, count in self.samples[index:] if ended - began <= 1]
            most = max(most, inside[-1] - first if inside else 0)
        return most


def run(server, prompts, out, *flags):
    where = ("--base-url", server.url, "--model", "m", "--out", out, "--concurrency", 32, "--quiet")
    return subprocess.Popen(
        [str(part) for part in (binary(), "run", prompts, *where, *flags)], env=environment(OPENAI_API_KEY="k")
    )


def test_runs_keep_to_one_limit_together_while_one_dies_and_the_limiter_too(limiter, teacher, prompts, tmp_path):
    server, source = teacher("--latency", "5ms"), prompts(ROWS)
    token = tmp_path / "token"
    token.write_text("a-word\n")
    first = limiter("--rps", LIMIT, "--token-file", token)
    flags = ("--limit-server", first.address, "--limit-token-file", token)
    outs = [tmp_path / f"shard-{number}" for number in range(1, RUNS + 1)]
    with Rate(server) as rate:
        runs = [
            run(server, source, out, "--shard", f"{number}/{RUNS}", *flags) for number, out in enumerate(outs, 1)
        ]
        time.sleep(1)
        runs[0].kill()
        runs[0].wait()
        first.end(signal.SIGKILL)
        limiter("--rps", LIMIT, "--token-file", token, listen=first.address)
        runs[0] = run(server, source, outs[0], "--shard", f"1/{RUNS}", *flags)
        assert [child.wait(60) for child in runs] == [0] * RUNS
    assert LIMIT / 2 < rate.most <= LIMIT
    assert sum(len(Store(out).responses) for out in outs) == ROWS


def test_money_is_shared_and_never_exceeded(limiter, teacher, prompts, counts, tmp_path):
    server, source = teacher("--latency", "5ms", "--tokens", "20"), prompts(400)
    prices = tmp_path / "prices"
    prices.write_text("m 1 1 10\n")
    cap = 0.02
    divider = limiter("--max-cost", cap, "--state", tmp_path / "state")
    flags = ("--limit-server", divider.address, "--prices", prices, "--max-tokens", 40)
    outs = [tmp_path / "one", tmp_path / "two"]
    runs = [run(server, source, out, "--shard", f"{number}/2", *flags) for number, out in enumerate(outs, 1)]
    assert [child.wait(60) for child in runs] == [75, 75]
    # One may have spent everything before the other began.
    spent = sum(counts(Store(out))["cost_usd"] or 0 for out in outs)
    assert cap * 0.9 < spent <= cap
    state = [json.loads(line) for line in (tmp_path / "state").read_text().splitlines()[1:]]
    last = {line["client"]: line["limit"] for line in state}
    assert len(last) == 2 and sum(last.values()) <= cap * 1e9


def test_a_file_is_enough_on_one_machine(teacher, prompts, tmp_path):
    server, source = teacher("--latency", "5ms"), prompts(500)
    flags = ("--limit-server", f"file:{tmp_path / 'limit'}", "--rps", LIMIT)
    with Rate(server) as rate:
        runs = [run(server, source, tmp_path / f"s{n}", "--shard", f"{n}/3", *flags) for n in (1, 2, 3)]
        assert [child.wait(60) for child in runs] == [0, 0, 0]
    assert LIMIT / 2 < rate.most <= LIMIT


def test_a_limiter_that_is_not_there_or_not_ours_sends_nothing(retort, limiter, teacher, prompts, tmp_path):
    server, source = teacher(), prompts(5)
    token = tmp_path / "token"
    token.write_text("right")
    strict = limiter("--rpm", 60, "--token-file", token)
    arguments = ("run", source, "--base-url", server.url, "--model", "m", "--out", tmp_path / "s")
    assert "the token is wrong" in retort(*arguments, "--limit-server", strict.address, status=78).stderr
    strict.end(signal.SIGKILL)
    assert "nothing was sent" in retort(*arguments, "--limit-server", strict.address, status=74).stderr
    assert "no address" in retort(*arguments, "--limit-server", "nowhere", status=64).stderr
    assert server.requests == 0


def test_a_limiter_whose_disk_is_full_gives_no_money_and_goes_on(limiter, teacher, prompts, counts, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        server, source = teacher("--latency", "5ms", "--tokens", "20"), prompts(60)
        prices = tmp_path / "prices"
        prices.write_text("m 1 1 10\n")
        # A page of the disk is full to its last bytes, so that the next line needs another.
        lines = ['{"format":"retort limit","version":1}\n']
        while sum(map(len, lines)) < 4040:
            lines.append(f'{{"client":"earlier-{len(lines)}","limit":0}}\n')
        (disk / "state").write_text("".join(lines))
        divider = limiter("--max-cost", 1, "--state", disk / "state")
        with pytest.raises(OSError), open(disk / "filler", "wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
        flags = ("--limit-server", divider.address, "--prices", prices, "--max-tokens", 40)
        child = run(server, source, tmp_path / "out", *flags)
        time.sleep(3)
        assert child.poll() is None and divider.process.poll() is None
        stuck = server.requests
        (disk / "filler").unlink()
        assert child.wait(60) == 0 and stuck < 60
        assert len(Store(tmp_path / "out").responses) == 60
        spent = counts(Store(tmp_path / "out"))["cost_usd"]
        last = [json.loads(line) for line in (disk / "state").read_text().splitlines()[1:]][-1]
        assert 0 < spent * 1e9 <= last["limit"] <= 1e9
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
