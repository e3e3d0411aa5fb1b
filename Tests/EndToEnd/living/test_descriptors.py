"""A run with a low limit of open files: every answer is kept, or nothing is sent."""

import json
import resource
import subprocess

import pytest

from conftest import Store, binary, environment

ROWS = 300


def limited(limit, *arguments):
    def lower():
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

    command = [str(part) for part in (binary(), *arguments)]
    return subprocess.run(
        command, text=True, timeout=60, capture_output=True, stdin=subprocess.DEVNULL, preexec_fn=lower,
        env=environment(OPENAI_API_KEY="k"))  # fmt: skip


@pytest.fixture
def files(tmp_path):
    """An input of many files."""
    for number in range(20):
        rows = [{"id": f"{number}-{n}", "prompt": f"{number} {n} " + "x" * 3000} for n in range(ROWS // 20)]
        (tmp_path / f"part-{number}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return sorted(tmp_path.glob("part-*.jsonl"))


@pytest.mark.parametrize("concurrency", ["200", "auto"])
@pytest.mark.parametrize("limit", [64, 80, 128, 256])
def test_every_answer_is_kept(retort, tmp_path, files, teacher, limit, concurrency):
    server = teacher("--latency", "20ms")
    root = tmp_path / "store"
    done = limited(
        limit, "run", *files, "--out", root, "--base-url", server.url, "--model", "m", "--concurrency", concurrency)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(Store(root).responses) == ROWS and server.requests == ROWS
    assert done.stderr.count(f"the limit of open files ({limit}) leaves room for") == 1
    retort("verify", root, "--deep")


@pytest.mark.parametrize("limit", [64, 100])
def test_the_builtin_server_needs_them_too(retort, tmp_path, files, limit):
    root = tmp_path / "store"
    done = limited(limit, "run", *files, "--out", root, "--simulate", "--latency", "5ms", "-c", "200")
    assert done.returncode == 0, done.stderr
    assert len(Store(root).responses) == ROWS
    retort("verify", root, "--deep")


@pytest.mark.parametrize("limit", [16, 24, 32, 40])
def test_too_few_are_said_before_anything_is_asked(tmp_path, files, teacher, limit):
    server = teacher()
    done = limited(limit, "run", *files, "--out", tmp_path / "store", "--base-url", server.url, "--model", "m")
    assert done.returncode == 78
    assert f"it is {limit}, and at least" in done.stderr and "ulimit -n" in done.stderr
    assert server.requests == 0 and not (tmp_path / "store").exists()


def test_a_high_limit_is_not_spoken_of(tmp_path, files, teacher):
    server = teacher()
    done = limited(1024, "run", *files, "--out", tmp_path / "store", "--base-url", server.url, "--model", "m")
    assert done.returncode == 0 and "limit of open files" not in done.stderr
