"""`verify`, `repair`, `reindex` and `merge` on stores as they come, whole and damaged."""

import json
import shutil
import subprocess

import pytest

from conftest import Store, binary, environment


def damage(store, lane="responses"):
    """Flips a byte in the middle of the lane's last segment."""
    segment = sorted((store.root / lane).glob("*.gz"))[-1]
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 0x55
    segment.write_bytes(content)


def test_a_clean_store_is_proved(retort, finished):
    store = finished(40, "--fail", "400=0.2", status=75)
    for flags in ([], ["--deep"]):
        report = json.loads(retort("verify", store.root, "--json", *flags).stdout)
        assert report["clean"] and report["problems"] == []
        assert report["inputs"] == 40 == report["done"] + report["failed"] + report["pending"]
        assert report["failed"] > 0
    assert "40 inputs = " in retort("verify", store.root).stdout


def test_damage_is_found_repaired_and_asked_again(retort, finished, prompts, counts):
    store = finished(40)
    answers = store.responses
    damage(store)
    report = json.loads(retort("verify", store.root, "--json", status=65).stdout)
    assert report["problem_counts"] == {"block": 1}
    assert report["problems"][0]["remedy"] and report["problems"][0]["lane"] == "responses"
    retort("repair", store.root)
    retort("verify", store.root, "--deep")
    assert list((store.root / "quarantine").iterdir())
    assert "nothing to repair" in retort("repair", store.root).stdout
    assert counts(store)["pending"] > 0
    retort("run", prompts(40), "--out", store.root, "--simulate", "--latency", "1ms")
    retort("verify", store.root, "--deep")
    again = store.responses
    assert {key: record["response"] for key, record in again.items()} == {
        key: record["response"] for key, record in answers.items()
    }


def test_a_lost_segment(retort, finished):
    store = finished(20)
    next((store.root / "responses").glob("*.gz")).unlink()
    report = json.loads(retort("verify", store.root, "--json", status=65).stdout)
    assert "segment" in report["problem_counts"]
    retort("repair", store.root)
    retort("verify", store.root, "--deep")


@pytest.mark.parametrize("source", ["hints", "segments"])
def test_an_index_is_made_anew(retort, finished, source, counts, prompts):
    store = finished(30, "--fail", "400=0.3", status=75)
    before = counts(store)
    shutil.rmtree(store.root / "index")
    retort("reindex", store.root, "--from", source)
    after = counts(store)
    assert {name: after[name] for name in ("done", "failed", "prompt_tokens", "completion_tokens")} == {
        name: before[name] for name in ("done", "failed", "prompt_tokens", "completion_tokens")
    }
    retort("verify", store.root, "--deep")


def test_merge(retort, finished, counts):
    first = finished(30, "--fail", "400=0.4", status=75, name="first")
    second = finished(50, "--server-seed", 2, "--fail", "400=0.4", status=75, name="second")
    done = [set(store.responses) for store in (first, second)]
    merged = Store(first.root.parent / "merged")
    retort("merge", first.root, second.root, "--out", merged.root)
    records = merged.responses
    assert set(records) == done[0] | done[1] and len(merged.lane("responses")) == len(records)
    for identity in done[0]:
        assert records[identity] == first.responses[identity]
    assert counts(merged)["failed"] == 50 - len(records)
    retort("verify", merged.root, "--deep")
    taken = retort("merge", first.root, "--out", merged.root, status=78)
    assert "not empty" in taken.stderr


def test_a_merged_store_goes_on(retort, finished, prompts, counts, teacher):
    first = finished(30, name="first")
    merged = Store(first.root.parent / "merged")
    retort("merge", first.root, "--out", merged.root)
    retort("run", prompts(35), "--out", merged.root, "--simulate", "--latency", "1ms")
    assert counts(merged)["done"] == 35 and len(merged.lane("responses")) == 35


def tree(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def nameless(tmp_path, name, *texts):
    rows = tmp_path / name
    rows.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in texts))
    return rows


def test_rows_of_the_same_text_in_two_stores_are_two(retort, tmp_path, teacher):
    server = teacher()
    inputs = [nameless(tmp_path, name, "milk", "bread") for name in ("a.jsonl", "b.jsonl")]
    settings = ["--base-url", server.url, "--model", "m"]
    for number, rows in enumerate(inputs):
        retort("run", rows, "--out", tmp_path / f"store-{number}", *settings)
    stores = [tmp_path / "store-0", tmp_path / "store-1"]
    before = [tree(root) for root in stores]
    said = retort("merge", *stores, "--out", tmp_path / "merged").stderr
    assert "2 of them under a new id" in said
    assert len(Store(tmp_path / "merged").responses) == 4 and server.requests == 4
    retort("verify", tmp_path / "merged", "--deep")
    assert [tree(root) for root in stores] == before
    # With both inputs nothing is left to send.
    retort("run", *inputs, "--out", tmp_path / "merged", *settings)
    assert server.requests == 4
    # A copy of a store is that store, and so is a merge of it.
    shutil.copytree(stores[0], tmp_path / "copy")
    retort("merge", stores[0], tmp_path / "copy", "--out", tmp_path / "again")
    assert len(Store(tmp_path / "again").responses) == 2
    retort("merge", tmp_path / "merged", tmp_path / "copy", stores[1], "--out", tmp_path / "more")
    assert len(Store(tmp_path / "more").responses) == 4


def test_a_killed_source_is_read_as_it_is(retort, teacher, prompts, tmp_path):
    slow = teacher("--latency", "20ms", "--fail", "hang=0.2")
    root = tmp_path / "store"
    command = [str(binary()), "run", str(prompts(60)), "--out", str(root), "--base-url", slow.url, "--model", "m"]
    process = subprocess.Popen(command, env=environment(OPENAI_API_KEY="k"), stderr=subprocess.DEVNULL)
    while not any(path.stat().st_size for path in root.glob("responses/journal-*")):
        assert process.poll() is None
    process.kill()
    process.wait()
    before = tree(root)
    received = sum(path.read_bytes().count(b"\n") for path in root.glob("responses/journal-*"))
    for path in [root, *root.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    retort("merge", root, "--out", tmp_path / "merged")
    for path in [root, *root.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert tree(root) == before
    retort("verify", tmp_path / "merged", "--deep")
    assert 0 < received <= len(Store(tmp_path / "merged").responses)


def test_other_jobs_need_to_be_meant(retort, finished):
    first = finished(5, name="first")
    second = finished(6, "--model", "other", name="second")
    out = first.root.parent / "merged"
    refused = retort("merge", first.root, second.root, "--out", out, status=78)
    assert "--allow-different-jobs" in refused.stderr and not out.exists()
    retort("merge", first.root, second.root, "--out", out, "--allow-different-jobs")
    assert len(Store(out).responses) == 6


def test_a_damaged_source_gives_no_output(retort, finished):
    store = finished(20)
    damage(store)
    out = store.root.parent / "merged"
    retort("merge", store.root, "--out", out, status=65)
    assert not out.exists()


def test_a_store_that_is_being_written(retort, teacher, prompts, tmp_path):
    slow = teacher("--latency", "30s")
    root = tmp_path / "store"
    command = [str(binary()), "run", str(prompts(3)), "--out", str(root), "--base-url", slow.url, "--model", "m"]
    process = subprocess.Popen(command, env=environment(OPENAI_API_KEY="k"), stderr=subprocess.DEVNULL)
    while slow.requests < 3:
        pass
    report = json.loads(retort("verify", root, "--json").stdout)
    assert report["clean"] and str(process.pid) in report["writer"]
    for command in (["repair", root], ["reindex", root], ["merge", root, "--out", tmp_path / "m"]):
        assert str(process.pid) in retort(*command, status=73).stderr
    process.kill()
    process.wait()


@pytest.mark.parametrize("command", ["verify", "repair", "reindex", "merge"])
def test_what_is_no_store(retort, tmp_path, command):
    more = ["--out", tmp_path / "out"] if command == "merge" else []
    retort(command, tmp_path / "missing", *more, status=1)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "file").write_text("mine")
    retort(command, tmp_path / "foreign", *more, status=1)
    assert [entry.name for entry in (tmp_path / "foreign").iterdir()] == ["file"]


def test_output_that_cannot_be_written(retort, finished):
    store = finished(3)
    with open("/dev/full", "w") as full:
        retort("verify", store.root, status=74, stdout=full)
