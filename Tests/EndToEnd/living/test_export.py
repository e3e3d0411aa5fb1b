"""`retort export`: the files that trainers read, as they read them."""

import gzip
import json
import os
import subprocess
import zlib

import pytest

from conftest import REPOSITORY, Store, binary, environment

FORMATS = ["messages", "sharegpt", "alpaca", "openai-batch", "text"]


@pytest.fixture(scope="module")
def demo(retort, tmp_path_factory):
    """data/prompts.jsonl, answered with some reasoning by the built-in model server."""
    root = tmp_path_factory.mktemp("demo") / "store"
    flags = ["--simulate", "--latency", "1ms", "--reasoning-tokens", "5"]
    retort("run", REPOSITORY / "data" / "prompts.jsonl", "--out", root, *flags)
    return Store(root)


def answered(store):
    """The records with a response: one that spent all its tokens on reasoning has none."""
    return {identity: record for identity, record in store.responses.items() if record["response"]}


def lines(path):
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in text.split(b"\n")[:-1]]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("reasoning", ["drop", "keep", "think"])
def test_datasets_reads_every_format(retort, demo, tmp_path, form, reasoning):
    import datasets

    path = tmp_path / f"train-{form}.jsonl.gz"
    retort("export", demo.root, "--format", form, "--reasoning", reasoning, "-o", path)
    table = datasets.load_dataset("json", data_files=str(path), split="train")
    written = lines(path)
    assert len(table) == len(written) > 200
    assert len({tuple(sorted(line)) for line in written}) == 1
    streamed = datasets.load_dataset("json", data_files=str(path), split="train", streaming=True)
    assert sum(1 for _ in streamed) == len(written)


def test_the_shape_of_a_fine_tuning_file(retort, demo, tmp_path):
    path = tmp_path / "train.jsonl"
    retort("export", demo.root, "-o", path)
    records = answered(demo)
    answers = [record["response"] for record in records.values() if not record["suffix"]]
    found = lines(path)
    assert sorted(line["messages"][-1]["content"] for line in found) == sorted(answers)
    for line in found:
        assert list(line) == ["messages"]
        assert all(set(turn) >= {"role", "content"} and isinstance(turn["content"], str) for turn in line["messages"])
        assert line["messages"][-1]["role"] == "assistant"
        assert {turn["role"] for turn in line["messages"]} <= {"system", "developer", "user", "assistant", "tool"}


def test_all_turns_arrive(retort, demo, tmp_path):
    path = tmp_path / "share.jsonl"
    retort("export", demo.root, "--format", "sharegpt", "--ids", "-o", path)
    records = demo.responses
    for line in lines(path):
        record = records[line["id"]]
        texts = [turn["content"] for turn in record["messages"]] + [record["response"]]
        assert [turn["value"] for turn in line["conversations"]] == texts


def test_reasoning_between_tags(retort, demo, tmp_path):
    path = tmp_path / "think.jsonl"
    retort("export", demo.root, "--reasoning", "think", "--ids", "-o", path)
    records = demo.responses
    for line in lines(path):
        record = records[line["id"]]
        assert record["reasoning"]
        expected = f"<think>\n{record['reasoning']}\n</think>\n\n{record['response']}"
        assert line["messages"][-1]["content"] == expected


def test_what_utf_8_cannot_hold_is_replaced_and_counted(retort, tmp_path):
    source = tmp_path / "odd.jsonl"
    source.write_text('{"id":"s","prompt":"a \\ud800 b \u2028 c"}\n', encoding="utf-8")
    retort("run", source, "--out", tmp_path / "store", "--simulate")
    done = retort("export", tmp_path / "store")
    assert done.stdout.count("\n") == 1 and "a \ufffd b \u2028 c" in done.stdout
    assert "replaced" in done.stderr and "1 records" in done.stderr


def test_other_formats_than_json_are_refused_with_the_way_there(retort, demo, tmp_path):
    refused = retort("export", demo.root, "-o", tmp_path / "train.tsv", status=64)
    assert "train.jsonl.gz" in refused.stderr and "train.parquet" in refused.stderr
    retort("export", demo.root, "-o", tmp_path / "train.parquet.gz", status=64)
    retort("export", demo.root, "--format", "sharegpt", "-o", tmp_path / "train.csv", status=64)
    assert os.listdir(tmp_path) == []


def test_the_store_remembers_its_exports(retort, finished, tmp_path):
    store = finished(3)
    retort("export", store.root, "--model", "other", "-o", tmp_path / "none.jsonl")
    (note,) = map(json.loads, (store.root / "exports.jsonl").read_text().splitlines())
    assert note["format"] == "messages" and note["written"] == 0 and list(note["left_out"].values()) == [3]
    retort("verify", store.root, "--deep")


def test_fields_of_the_rows_come_along(retort, finished, tmp_path):
    store = finished(3)
    retort("export", store.root, "--metadata", "level", "-o", tmp_path / "some.jsonl")
    assert sorted(line["level"] for line in lines(tmp_path / "some.jsonl")) == [0, 1, 2]
    retort("export", store.root, "-o", tmp_path / "all.jsonl", "--metadata")
    assert all(set(json.loads(line["metadata"])) == {"level"} for line in lines(tmp_path / "all.jsonl"))


def test_the_batch_form_holds_the_answers(retort, demo, tmp_path):
    path = tmp_path / "batch.jsonl"
    retort("export", demo.root, "--format", "openai-batch", "-o", path)
    records = answered(demo)
    found = lines(path)
    assert {line["custom_id"] for line in found} == set(records)
    for line in found:
        record, body = records[line["custom_id"]], line["response"]["body"]
        assert body["choices"][0]["message"]["content"] == record["response"]
        assert body["usage"]["completion_tokens"] == record["usage"]["completion_tokens"]
        assert line["error"] is None and line["response"]["status_code"] == 200


def test_one_gzip_member(retort, demo, tmp_path):
    path = tmp_path / "train.jsonl.gz"
    retort("export", demo.root, "-o", path)
    member = zlib.decompressobj(wbits=31)
    member.decompress(path.read_bytes())
    assert member.eof and member.unused_data == b""
    plain = retort("export", demo.root).stdout
    assert gzip.decompress(path.read_bytes()).decode() == plain


def test_the_test_part_is_stable_and_disjoint(retort, demo, tmp_path):
    def split(fraction, name):
        train, test = tmp_path / f"{name}.jsonl", tmp_path / f"{name}-test.jsonl"
        retort(
            "export", demo.root, "--format", "openai-batch", "-o", train,
            "--test-fraction", fraction, "--test-output", test,
        )
        return [{line["custom_id"] for line in lines(path)} for path in (train, test)]

    train, test = split(0.1, "a")
    assert train | test == set(answered(demo)) and not train & test
    assert 5 <= len(test) <= 80
    assert split(0.1, "b") == [train, test]
    assert test <= split(0.5, "c")[1]


def test_filters(retort, demo, tmp_path):
    records = demo.responses.values()
    path = tmp_path / "some.jsonl"
    flags = ["--finish", "stop", "--min-chars", 200, "--max-chars", 900, "--model", "simulated-teacher"]
    done = retort("export", demo.root, "--format", "text", "--ids", *flags, "-o", path)
    expected = {
        record["id"] for record in records
        if record["finish_reason"] == "stop" and 200 <= len(record["response"]) <= 900
        and record["model"] == "simulated-teacher"
    }
    assert {line["id"] for line in lines(path)} == expected != set()
    assert "left out" in done.stderr


def test_an_existing_file_is_not_replaced_unless_told(retort, demo, tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text("mine\n")
    refused = retort("export", demo.root, "-o", path, status=64)
    assert "--force" in refused.stderr and path.read_text() == "mine\n"
    retort("export", demo.root, "-o", path, "--force")
    assert len(lines(path)) > 200
    assert sorted(os.listdir(tmp_path)) == ["train.jsonl"]


def test_what_cannot_be_written(retort, demo, tmp_path):
    assert "no space" in retort("export", demo.root, "-o", "/dev/full", status=74).stderr
    retort("export", demo.root, "-o", tmp_path / "no" / "where", status=74)
    retort("export", demo.root, "-o", tmp_path, status=64)
    with open("/dev/full", "w") as full:
        retort("export", demo.root, status=74, stdout=full)
    retort("export", demo.root, "-o", tmp_path / "a", "--test-fraction", 0.5, status=64)
    assert os.listdir(tmp_path) == []


def test_a_full_disk_leaves_no_half_file(retort, demo, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], capture_output=True).returncode:
        pytest.skip("this user cannot mount a small disk")
    try:
        retort("export", demo.root, "-o", disk / "train.jsonl", status=74)
        assert os.listdir(disk) == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_closed_pipe_is_no_error(demo):
    command = f"'{binary()}' export '{demo.root}' | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], env=environment(), capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0 and done.stdout.count("\n") == 1


def test_an_empty_store_gives_an_empty_file(retort, finished, tmp_path):
    store = finished(3, "--fail", "400=1", status=75)
    path = tmp_path / "train.jsonl.gz"
    retort("export", store.root, "-o", path)
    assert lines(path) == []


def test_damage_is_told_and_the_rest_written(retort, finished, tmp_path):
    store = finished(50, "--compression-level", 1)
    segment = next((store.root / "responses").glob("*.gz"))
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 0x55
    segment.write_bytes(content)
    done = retort("export", store.root, "-o", tmp_path / "train.jsonl", status=65)
    assert "damaged" in done.stderr
    assert (tmp_path / "train.jsonl").exists()


def test_what_is_no_store(retort, tmp_path):
    retort("export", tmp_path / "missing", status=1)
    retort("export", REPOSITORY / "data", status=1)
