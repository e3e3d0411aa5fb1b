"""A run on a real Slurm of several nodes: whatever is killed, every row has one outcome and the limit holds.

RETORT_SLURM_ROWS and RETORT_SLURM_RATE say how much; 50,000 rows at 3,000 a second by default.
"""

import json
import os
import signal
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))

from cluster import Cluster, missing  # noqa: E402
from model_server import ModelServer  # noqa: E402
from program import binary  # noqa: E402

ROWS = int(os.environ.get("RETORT_SLURM_ROWS", 50_000))
RATE = int(os.environ.get("RETORT_SLURM_RATE", 3000))
TASKS, WINDOW = 8, 32

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


@pytest.fixture
def cluster(tmp_path):
    folder = tmp_path / "slurm"
    folder.mkdir()
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


class Arrivals(threading.Thread):
    """Reads the server's own count all the time."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.samples, self.is_over = server, [], threading.Event()

    def run(self):
        while not self.is_over.wait(0.02):
            before = time.monotonic()
            count = self.server.counts()["requests"]
            self.samples.append((before, time.monotonic(), count))

    def most_in_a_second(self):
        most, first = 0, 0
        for _, ended, count in self.samples:
            while ended - self.samples[first][0] > 1:
                first += 1
            most = max(most, count - self.samples[first][2])
        return most


def processes_of(name, value):
    """Processes with a variable of that value in their environment: those of a node."""
    wanted = f"{name}={value}".encode()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    yield int(folder.name)
            except OSError:
                pass


def parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def lose_node(cluster, node):
    """As in a power cut: ends Slurm's daemon, the processes that watch its jobs, and the jobs."""
    cluster.kill(node)
    pids = set(processes_of("SLURMD_NODENAME", node))
    watchers = {parent(pid) for pid in pids} - pids
    # The watchers first: one that sees its job end would report that as the job's own end.
    for pid in [*watchers, *pids]:
        if pid in pids or b"slurmstepd" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)


def test_every_row_once_whatever_dies(cluster, tmp_path):
    server = ModelServer(tmp_path, "--latency", "20ms", "--quiet", "--count-windows")
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"id": f"q{n}", "prompt": f"Question {n}?"}) + "\n" for n in range(ROWS)))
    out = tmp_path / "runs"
    job = tmp_path / "job.yaml"
    job.write_text(f"input: {rows}\nbase-url: {server.url}\nmodel: m\nconcurrency: {WINDOW}\n")
    os.environ.update(cluster.environment, OPENAI_API_KEY="k", NO_PROXY="127.0.0.1")
    slurm = (binary(), "slurm")

    def count():
        return server.counts()["requests"]

    arrivals = Arrivals(server)
    try:
        arrivals.start()
        said = cluster.run(
            *slurm, "submit", job, "--out", out, "--shards", str(TASKS), "--partition", "low", "--time", "30", "--rps", str(RATE)
        )
        cluster.wait_for(lambda: count() > ROWS * 0.15, 120, f"the first rows {said}")
        print(cluster.run(*slurm, "status", out))
        lose_node(cluster, "node2")
        cluster.wait_for(lambda: count() > ROWS * 0.3, 120, "rows without a node")
        cluster.run("sbatch", "--partition=high", "--nodelist=node3", "--ntasks=2", "--output=/dev/null", "--wrap=sleep 3")
        # A requeued job waits two minutes for its next start.
        cluster.wait_for(lambda: count() > ROWS * 0.45, 300, "rows after preemption")
        cluster.kill("slurmctld")
        cluster.wait_for(lambda: count() > ROWS * 0.55, 120, "rows without the controller")
        cluster.start_controller()
        cluster.start_node("node2")
        for pid in processes_of("SLURM_JOB_NAME", "retort-limit"):
            if b"limit" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                os.kill(pid, signal.SIGKILL)
        merged = out / "logs" / "merge.log"
        cluster.wait_for(lambda: merged.exists() and "manifest" in merged.read_text(), 600, "the merge")
        counts = server.counts()
    finally:
        arrivals.is_over.set()
        print(cluster.run(*slurm, "status", out))
        print(cluster.run("squeue", "--array"))
        server.stop()
    assert f"every one of {ROWS:,} rows is in exactly one shard" in merged.read_text()
    print(f"{counts['requests']} requests, at most {counts['most_in_second']} in a second")
    assert RATE / 2 < arrivals.most_in_a_second() <= counts["most_in_second"] <= RATE
    # Two tasks of the lost node, two that were preempted: each may have lost what was in flight.
    assert arrivals.samples[-1][2] <= ROWS + 4 * WINDOW


def test_what_a_lost_node_kept_is_collected_when_it_is_back(cluster, tmp_path):
    """Stores on the nodes' disks: the shards of a lost node continue elsewhere, and srun collects its answers."""
    server = ModelServer(tmp_path, "--latency", "20ms", "--quiet")
    few = max(400, ROWS // 25)
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"id": f"q{n}", "prompt": f"Question {n}?"}) + "\n" for n in range(few)))
    out, disk = tmp_path / "runs", tmp_path / "disk"
    disk.mkdir()
    job = tmp_path / "job.yaml"
    job.write_text(f"input: {rows}\nbase-url: {server.url}\nmodel: m\nconcurrency: 8\n")
    os.environ.update(cluster.environment, OPENAI_API_KEY="k", NO_PROXY="127.0.0.1")
    slurm = (binary(), "slurm")
    try:
        rate = str(few / 20)
        cluster.run(
            *slurm, "submit", job, "--out", out, "--shards", str(TASKS), "--partition", "low", "--time", "30", "--rps", rate,
            "--scratch", disk,
        )
        cluster.wait_for(lambda: server.counts()["requests"] > few * 0.3, 120, "the first rows")
        lose_node(cluster, "node2")
        lost = [Path(file.read_text().strip()) for file in (out / "places").glob("*@node2")]
        assert len(lost) == 2 and all((store / "retort.json").exists() for store in lost)
        merged = out / "logs" / "merge.log"
        cluster.wait_for(lambda: merged.exists() and "manifest" in merged.read_text(), 600, "the merge")
        assert f"every one of {few:,} rows is in exactly one shard" in merged.read_text()
        print(cluster.run(*slurm, "status", out))
        kept = sum(json.loads(cluster.run(binary(), "status", store, "--json"))["done"] for store in lost)
        assert few <= server.counts()["requests"] <= few + kept + 2 * 8
        cluster.start_node("node2")
        cluster.wait_for(lambda: "idle" in cluster.run("sinfo", "--noheader", "--nodes=node2", "--format=%T"), 60, "node2")
        said = cluster.outputs(*slurm, "collect", out, "--remove")
        assert said.count("verified, root") == 2, said
        assert not any(store.exists() for store in lost) and not list((out / "places").iterdir())
        again = cluster.outputs(*slurm, "collect", out, "--remove")
        assert "nothing is left" in again
        stores = sorted(path.parent for path in out.glob("shard-*/retort.json"))
        assert len(stores) == TASKS + 2
        assert "is in exactly one shard" in cluster.outputs(binary(), "merge", *stores, "--out", tmp_path / "all")
    finally:
        print(cluster.run("squeue", "--array"))
        server.stop()
