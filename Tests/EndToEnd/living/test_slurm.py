"""`retort slurm`: its scripts as plain processes, with stand-ins for Slurm's commands that record their arguments."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from conftest import Store, binary, environment

STAND_IN = """#!/bin/bash
printf '%s\\n' "$(basename "$0") $*" >> "$SLURM_NOTES"
case "$(basename "$0") $*" in
    sbatch*) echo $((100 + $(grep -c ^sbatch "$SLURM_NOTES")));;
    *config) echo "MaxArraySize            = 3";;
    squeue*) echo "101_1|RUNNING|node7"; echo "101_2|PENDING|";;
esac
"""


@pytest.fixture
def slurm(tmp_path):
    """Slurm's environment; its notes are lines with the commands that were called."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sbatch", "scontrol", "squeue", "scancel"):
        (tools / name).write_text(STAND_IN)
        (tools / name).chmod(0o755)
    notes = tmp_path / "notes"
    notes.touch()
    return {"SLURM_NOTES": str(notes), "PATH": f"{tools}:{os.environ['PATH']}", "OPENAI_API_KEY": "k"}


def notes(slurm):
    with open(slurm["SLURM_NOTES"]) as file:
        return file.read().splitlines()


def retort(slurm, *arguments, status=0):
    done = subprocess.run(
        [str(part) for part in (binary(), *arguments)], env=environment(**slurm), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == status, done.stderr
    return done


def task(slurm, out, number, offset=0):
    variables = {"SLURM_ARRAY_TASK_ID": str(number), "SLURM_ARRAY_JOB_ID": "101", "RETORT_SHARD_OFFSET": str(offset)}
    return subprocess.Popen(["bash", out / "task.sh"], env=environment(**slurm, **variables))


@pytest.fixture
def job(teacher, prompts, tmp_path):
    server = teacher("--latency", "30ms")
    path = tmp_path / "job.yaml"
    path.write_text(f"input: {prompts(240)}\nbase-url: {server.url}\nmodel: m\nconcurrency: 4\n")
    return path


def test_tasks_limiter_and_merge_are_submitted_and_do_the_work(slurm, job, tmp_path):
    out = tmp_path / "runs with spaces"
    said = retort(slurm, "slurm", "submit", job, "--out", out, "--shards", 4, "--partition", "cpu", "--rps", 200).stderr
    submitted = [line for line in notes(slurm) if line.startswith("sbatch")]
    assert [line.split("--export=")[-1].split(" ")[0] for line in submitted[1:3]] == [
        "ALL,RETORT_SHARD_OFFSET=0", "ALL,RETORT_SHARD_OFFSET=2",
    ]
    assert "--array=1-2" in submitted[1] and "--dependency=afterany:102:103" in submitted[3]
    assert "submitted 4 tasks as job 102, 103, the limiter as 101, the merge as 104" in said
    assert oct((out / "limit.token").stat().st_mode)[-3:] == "600"
    limiter = subprocess.Popen(["bash", out / "limit.sh"], env=environment(**slurm), stderr=subprocess.DEVNULL)
    try:
        tasks = [task(slurm, out, number, offset) for offset in (0, 2) for number in (1, 2)]
        assert [one.wait(60) for one in tasks] == [0] * 4
    finally:
        limiter.terminate()
        limiter.wait()
    merge = subprocess.run(["bash", out / "merge.sh"], env=environment(**slurm, RETORT_LIMITER="101"), capture_output=True, text=True)
    assert merge.returncode == 0 and "every one of 240 rows is in exactly one shard" in merge.stderr
    assert "scancel 101" in notes(slurm)
    table = retort(slurm, "slurm", "status", out).stdout.splitlines()
    assert table[-1].split()[-5:-1] == ["begun", "240", "0", "0"]
    retort(slurm, "slurm", "cancel", out)
    assert notes(slurm)[-1] == "scancel 102 103 101 104"


def test_a_task_that_is_told_to_end_drains_and_goes_on_in_the_queue(slurm, job, tmp_path):
    out = tmp_path / "runs"
    retort(slurm, "slurm", "submit", job, "--out", out, "--shards", 1)
    first = task(slurm, out, 1)
    store = out / "shard-1"
    while not list((store / "responses").glob("*")):
        time.sleep(0.02)
    time.sleep(0.3)
    first.send_signal(signal.SIGTERM)
    assert first.wait(30) == 130
    assert notes(slurm)[-1] == "scontrol requeue 101_1"
    before = json.loads(retort(slurm, "status", store, "--json").stdout)["done"]
    assert 0 < before < 240
    assert task(slurm, out, 1).wait(60) == 0
    assert len(Store(store).responses) == 240
    assert notes(slurm).count("scontrol requeue 101_1") == 1


def test_a_dry_run_prints_the_scripts_and_touches_nothing(slurm, job, tmp_path):
    out = tmp_path / "runs"
    printed = retort(
        slurm, "slurm", "submit", job, "--out", out, "--shards", 5, "--array-limit", 1, "--time", "1:00:00", "--dry-run",
        "--sbatch=--mem=2G",
    ).stdout
    assert "#SBATCH --time=1:00:00\n#SBATCH --mem=2G" in printed and "--array=1-2%1" in printed
    assert not out.exists() and not [line for line in notes(slurm) if line.startswith("sbatch")]
    retort(slurm, "slurm", "status", out, status=1)
    retort(slurm, "slurm", "dance", out, status=64)
    retort(slurm, "slurm", "submit", job, "--out", out, "--shards", 2, "--sbatch=a\nb", status=64)


def test_stores_on_nodes_come_home_and_lost_ones_are_collected(slurm, job, tmp_path):
    out, disk = tmp_path / "runs", tmp_path / "disk"
    disk.mkdir()
    retort(slurm, "slurm", "submit", job, "--out", out, "--shards", 2, "--scratch", disk)
    lost = task({**slurm, "SLURMD_NODENAME": "lost"}, out, 1)
    place = out / "places" / "shard-1@lost"

    def journalled():
        journals = Path(place.read_text().strip()).glob("responses/journal-*") if place.exists() else ()
        return sum(journal.stat().st_size for journal in journals)

    while journalled() < 8000:
        time.sleep(0.02)
    for child in children_of(lost.pid) + [lost.pid]:
        os.kill(child, signal.SIGKILL)
    lost.wait()
    kept = place.read_text().strip()
    retort(slurm, "copy", kept, out / "shard-1@lost")
    had = json.loads(retort(slurm, "status", kept, "--json").stdout)["done"]
    # Another node continues the shard and sends nothing that was copied.
    here = {**slurm, "SLURMD_NODENAME": "good"}
    assert [task(here, out, number).wait(60) for number in (1, 2)] == [0, 0]
    counts = [json.loads(retort(slurm, "status", out / f"shard-{n}@good", "--json").stdout)["done"] for n in (1, 2)]
    assert sum(counts) + had == 240 and 0 < had
    assert not (out / "places" / "shard-1@good").exists() and not list(disk.glob("retort-*/*/good/*"))
    table = retort(slurm, "slurm", "status", out).stdout.splitlines()
    assert table[-1].split()[-5:-1] == ["begun", "240", "0", "0"]
    host = os.uname().nodename
    place.rename(out / "places" / f"shard-1@{host}")
    (out / "shard-1@lost").rename(out / f"shard-1@{host}")
    said = retort(slurm, "slurm", "collect", out, "--remove", "--merge").stderr
    assert "verified, root" in said and "every one of 240 rows is in exactly one shard" in said
    assert not os.path.exists(kept) and "nothing is left" in retort(slurm, "slurm", "collect", out).stderr


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        found = [int(child) for child in file.read().split()]
    return [further for child in found for further in children_of(child)] + found
