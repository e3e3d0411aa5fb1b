"""The files of a run: the record's members, the rows' own fields, and every form of input."""

import csv
import gzip
import json

import pytest

from conftest import Dataset, identity_of, rows_of

# The members of a success, in their order: every record has all of them.
TYPES = {
    "id": str,
    "sample": int,
    "status": str,
    "attempts": int,
    "row": int,
    "fingerprint": str,
    "messages": list,
    "messages_json": str,
    "prompt": str,
    "suffix": str,
    "tools": str,
    "response": str,
    "reasoning": str,
    "value": str,
    "value_found": str,
    "tool_calls": str,
    "finish_reason": str,
    "model": str,
    "usage": dict,
    "cost_usd": float,
    "prices": str,
    "rounds": int,
    "rounds_cost_usd": float,
    "verdict": str,
    "latency_ms": int,
    "created": int,
    "metadata": str,
    "other": str,
    "body": str,
}
USAGE = {"prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens"}
SPENT_ON_THE_REQUEST = {"id", "uid", "custom_id", "method", "url", "body", "messages", "prompt", "prefix", "suffix"}


def run_to(folder, retort, source):
    retort("run", source, "--out", folder, "--simulate", "--concurrency", 8)
    return Dataset(folder, 0).records()


def asked(record):
    return record["messages"][-1]["content"]


def test_every_field_has_its_one_type(demo):
    records = demo.records()
    assert len(records) == demo.count
    for record in records:
        assert list(record) == list(TYPES)
        for name, kind in TYPES.items():
            assert isinstance(record[name], kind), f"{record['id']}: {name} is {record.get(name)!r}"
        assert record["status"] == "ok" and record["response"]
        assert set(record["usage"]) >= USAGE and all(type(count) is int for count in record["usage"].values())
        assert [set(turn) for turn in record["messages"]] == [{"role", "content"}] * len(record["messages"])
        assert record["messages"] and all(type(turn["content"]) is str for turn in record["messages"])


def test_only_responses_are_left_behind(demo):
    assert demo.files
    assert not list((demo.folder / "failures").glob("*.jsonl.gz"))


def test_a_row_arrives_with_its_identity_turns_and_other_fields(demo, data):
    records = {record["id"]: record for record in demo.records()}
    for row in rows_of(data / "prompts.jsonl"):
        identity = identity_of(row)
        if identity is None:
            continue
        record = records[identity]
        if "messages" in row or "body" in row:
            turns = row.get("body", row)["messages"]
            assert record["messages"] == turns or json.loads(record["messages_json"]) == turns
        elif "prompt" in row:
            assert record["messages"] == [{"role": "user", "content": row["prompt"]}]
        if "body" not in row:
            assert json.loads(record["metadata"]) == {name: row[name] for name in row.keys() - SPENT_ON_THE_REQUEST}


def test_intended_duplicates_stay(demo, data):
    twice = [row for row in rows_of(data / "prompts.jsonl") if row.get("topic") == "duplicate on purpose"]
    found = [record for record in demo.records() if json.loads(record["metadata"]).get("topic") == "duplicate on purpose"]
    assert len({record["id"] for record in found}) == len(found) == len(twice) == 4
    assert len({asked(record) for record in found}) == 2


def test_the_same_command_again_changes_nothing(demo, demo_command, retort):
    before = demo.contents()
    assert before
    again = retort(*demo_command)
    assert demo.contents() == before
    assert again.stdout == ""


def test_an_answer_depends_on_the_prompt_alone(demo, demo_command, retort, tmp_path):
    other = Dataset(tmp_path / "other", demo.count)
    retort(*(other.folder if part == demo.folder else part for part in demo_command))
    answers = [{record["id"]: record["response"] for record in dataset.records()} for dataset in (demo, other)]
    assert len(answers[0]) == demo.count
    assert answers[0] == answers[1]


def test_csv_fields_are_what_the_csv_module_reads(retort, data, tmp_path):
    with (data / "questions.csv").open(encoding="utf-8", newline="") as file:
        rows = {row.pop("id"): row for row in csv.DictReader(file)}
    records = run_to(tmp_path / "run", retort, data / "questions.csv")
    assert {record["id"]: asked(record) for record in records} == {key: row["prompt"] for key, row in rows.items()}
    subjects = {record["id"]: json.loads(record["metadata"])["subject"] for record in records}
    assert subjects == {key: row["subject"] for key, row in rows.items()}


def test_text_is_a_prompt_a_line(retort, data, tmp_path):
    lines = (data / "topics.txt").read_text(encoding="utf-8").split("\n")[:-1]
    assert sorted(map(asked, run_to(tmp_path / "run", retort, data / "topics.txt"))) == sorted(lines)


def test_gzip_members_are_one_stream(retort, data, tmp_path):
    packed, plain = data / "prompts-small.jsonl.gz", data / "small.jsonl"
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    found = []
    for source in (packed, plain):
        records = run_to(tmp_path / source.suffix, retort, source)
        found.append({record["id"]: (record["response"], record["metadata"]) for record in records})
    assert len(found[0]) == len(rows_of(plain))
    assert found[0] == found[1]


@pytest.mark.parametrize("separator", ["\u2028", "\u0085", "\x0b"])
def test_only_a_line_feed_ends_a_line_of_text(retort, tmp_path, separator):
    (tmp_path / "odd.txt").write_text(f"one{separator}two\nthree\n", encoding="utf-8", newline="\n")
    records = run_to(tmp_path / "run", retort, tmp_path / "odd.txt")
    assert sorted(map(asked, records)) == sorted([f"one{separator}two", "three"])
