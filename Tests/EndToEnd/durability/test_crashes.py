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
        points, certain = deaths.points(), deaths.certain_points()
        assert set(certain) <= set(points)
        # The others depend on the timing of threads: a run may end before its 60th write.
        sample = dice.sample(certain, SAMPLE // 2)
        sample += dice.sample([point for point in points if point not in sample], SAMPLE - len(sample))
        print(f"seed {seed}; {len(points)} calls to die at; tried: {sample}")
        statuses = [
            # Every other one is killed once more, early in its recovery.
            deaths.check(call, n, again=dice.choice(points[:20]) if number % 2 else None)
            for number, (call, n) in enumerate(sample)
        ]
        assert all(status in (0, -9) for status in statuses), statuses
        assert all(status == -9 for point, status in zip(sample, statuses) if point in certain), statuses
    finally:
        deaths.close()
