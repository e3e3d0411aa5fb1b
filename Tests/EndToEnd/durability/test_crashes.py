"""kill -9 at random moments and at chosen system calls: whatever was received is there afterwards, exactly once."""

import random
import shutil

import pytest

from crashes import SyscallDeaths, kill_campaign

SAMPLE = 10


def test_ten_kills_lose_nothing(tmp_path):
    hits, twice = kill_campaign(tmp_path, kills=10, seed=random.randrange(1 << 32), rows_count=5000)
    print(f"{hits} of 10 kills hit a running process; {twice} answers were paid twice")
    assert hits >= 5


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_deaths_at_system_calls_lose_nothing(tmp_path):
    seed = random.randrange(1 << 32)
    dice = random.Random(seed)
    deaths = SyscallDeaths(tmp_path)
    try:
        points = deaths.points()
        assert len(points) > 50
        sample = dice.sample(points, SAMPLE)
        print(f"seed {seed}; {len(points)} calls to die at; tried: {sample}")
        statuses = [
            # Every other one dies once more, early in its recovery.
            deaths.check(call, n, again=dice.choice(points[:20]) if number % 2 else None)
            for number, (call, n) in enumerate(sample)
        ]
        assert sum(status == -9 for status in statuses) >= SAMPLE // 2, statuses
    finally:
        deaths.close()
