"""A store of records that vary as real ones do, and its exports: every reader loads them with its default settings.

What varies begins late, behind what readers take the types of their columns from: 10 MiB, which are some 12,500 records
here, with `datasets`, and 20,480 records with DuckDB.
"""

import json
import os
import sys
from pathlib import Path

import pytest

import readers
from conftest import Dataset
from processes import Server, clean_environment

ROWS = int(os.environ.get("RETORT_VARIED_ROWS", 50_000))
LONG = "lorem ipsum dolor sit amet " * 12


def row(number):
    """Plain for long; then fields, shapes and types of every kind."""
    plain = {"id": f"q-{number}", "prompt": f"{LONG} #{number}", "level": number}
    if number < ROWS * 0.7:
        return plain
    call = {"id": "c", "type": "function", "function": {"name": "w", "arguments": '{"a":[1]}'}}
    kinds = [
        plain | {"level": "high"},
        plain | {"level": [1, {"a": None}], "late": True},
        plain | {"level": None, "late": {"x": 1.5}},
        plain | {"prompt": f"half \ud83d a pair #{number}", "note": "\udfff \0"},
        {"id": f"\ud800{number}", "prompt": f"水 🦉 \u2028 \0 #{number}", "level": 1.5},
        {
            "id": f"q-{number}",
            "messages": [
                {"role": "user", "content": "weather?", "name": "ann"},
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "c", "content": f"sunny #{number}"},
            ],
        },
        {
            "id": f"q-{number}",
            "messages": [{"role": "user", "content": [{"type": "text", "text": f"parts #{number}"}]}],
        },
        {
            "custom_id": f"q-{number}",
            "method": "POST",
            "url": "/v1/completions",
            "body": {"model": "m", "prompt": f"def f #{number}", "suffix": "end"},
        },
        {
            "custom_id": f"q-{number}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {
                "model": "other",
                "tools": [{"type": "function", "function": {"name": "w", "parameters": {}}}],
                "messages": [{"role": "user", "content": f"#{number}"}],
            },
        },
        {"prefix": "a", "suffix": f"b #{number}", "id": f"q-{number}"},
    ]
    return kinds[number % len(kinds)]


@pytest.fixture(scope="module")
def varied(retort, tmp_path_factory):
    folder = tmp_path_factory.mktemp("varied")
    source, out = folder / "in.jsonl", folder / "run"
    with source.open("w") as lines:
        lines.writelines(json.dumps(row(number)) + "\n" for number in range(ROWS))
    command = [sys.executable, Path(__file__).with_name("varied_server.py"), ROWS]
    server = Server(command, folder / "server.log", clean_environment())
    try:
        url = server.first_line().decode().strip()
        retort("run", source, "--out", out, "--base-url", url, "--model", "m", "--concurrency", 32, "--progress", "none")
    finally:
        server.stop()
    return Dataset(out, ROWS)


@pytest.mark.parametrize("read", readers.ALL, ids=lambda read: read.__name__)
def test_every_reader_loads_every_record(read, varied):
    rows = read(varied.files)
    assert len(rows) == varied.count
    assert len({identity for identity, _, _ in rows}) == varied.count
    assert {type(response) for _, _, response in rows} == {str}


def test_records_say_what_was_asked_and_answered(varied):
    members, seen, kept = set(), set(), 0
    for record in varied.each_record():
        members.add(tuple(record))
        seen.add(record["row"])
        kept += '"response_as_received"' in record["other"]
        if record["row"] < int(ROWS * 0.7):
            continue
        sent = row(record["row"])
        turns = json.loads(record["messages_json"] or "null") or record["messages"]
        if "messages" in sent:
            assert turns == sent["messages"]
        elif "prefix" not in sent and "body" not in sent:
            assert turns[0]["content"] == sent["prompt"]
            rest = {name: value for name, value in sent.items() if name not in ("id", "prompt")}
            assert json.loads(record["metadata"]) == rest
        assert record["messages"] and all(type(turn["content"]) is str for turn in record["messages"])
    assert len(members) == 1 and seen == set(range(ROWS))
    assert kept == sum(number % 10 == 1 and number % 10 != 7 for number in range(int(ROWS * 0.8), ROWS))


@pytest.fixture(scope="module")
def exports(retort, varied, tmp_path_factory):
    """{form: (file, records written)}, with and without fields of the rows."""
    folder = tmp_path_factory.mktemp("exports")

    def export(form, more):
        path = folder / f"{form}{''.join(more)}.jsonl.gz"
        done = retort("export", varied.folder, "--format", form, "-o", path, *more)
        return path, written_of(done, varied)

    return {(form, with_fields): export(form, FIELDS[with_fields]) for form in FORMS for with_fields in FIELDS}


def written_of(done, store):
    """How many records an export reports as written; together with those left out they are all."""
    written = int(done.stderr.split(" records written")[0].split("\n")[-1].replace(",", ""))
    left_out = sum(
        int(line.split()[2].replace(",", "")) for line in done.stderr.splitlines() if line.startswith("left out:")
    )
    assert written + left_out == store.count and written > ROWS * 0.7
    return written


FORMS = ["messages", "sharegpt", "alpaca", "openai-batch", "text"]
FIELDS = {"": [], "fields": ["--metadata", "level"]}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("with_fields", FIELDS)
def test_every_export_loads(exports, tmp_path, form, with_fields):
    import datasets
    import duckdb
    import polars
    import pyarrow.json

    path, written = exports[form, with_fields]
    rows = datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))
    assert len(rows) == written == len(polars.read_ndjson(path))
    # With threads Arrow takes the type of a nested list from the block that happens to be read first.
    one_thread = pyarrow.json.ReadOptions(use_threads=False)
    assert len(pyarrow.json.read_json(path, read_options=one_thread)) == written
    assert duckdb.sql(f"SELECT count(*) FROM read_json_auto('{path}')").fetchall() == [(written,)]


def test_an_older_datasets_loads_every_export(exports):
    files = list(exports.values())
    assert readers.ask_datasets_3("count", *(path for path, _ in files)) == [written for _, written in files]


def test_a_table_of_messages_loads(retort, varied, tmp_path):
    path = tmp_path / "messages.parquet"
    done = retort("export", varied.folder, "-o", path, "--ids", "--metadata", "level", "late")
    assert_table_loads(path, written_of(done, varied), tmp_path)


def assert_table_loads(path, count, folder):
    import datasets
    import duckdb
    import pandas
    import polars
    import pyarrow.parquet

    kind = path.suffix.removeprefix(".")
    # A CSV has no types, and datasets infers them from its first ten thousand lines.
    if kind == "parquet":
        rows = datasets.load_dataset(kind, data_files=str(path), split="train", cache_dir=str(folder / "cache"))
        assert len(rows) == count == pyarrow.parquet.read_table(path).num_rows
    tables = [getattr(pandas, f"read_{kind}"), getattr(polars, f"read_{kind}")]
    assert [len(read(path)) for read in tables] == [count, count]
    assert duckdb.sql(f"SELECT count(*) FROM '{path}'").fetchall() == [(count,)]


VALUES = "title:string, year:integer, tags?:string[], late?:number"


@pytest.fixture(scope="module")
def valued(retort, tmp_path_factory):
    """Checked answers, whose members come late or change type."""
    folder = tmp_path_factory.mktemp("valued")
    source, out = folder / "in.jsonl", folder / "run"
    with source.open("w") as lines:
        lines.writelines(json.dumps({"id": f"v{number}", "prompt": f"VALUE #{number}"}) + "\n" for number in range(ROWS))
    command = [sys.executable, Path(__file__).with_name("varied_server.py"), ROWS]
    server = Server(command, folder / "server.log", clean_environment())
    try:
        run = ["run", source, "--out", out, "--base-url", server.first_line().decode().strip(), "--model", "m"]
        retort(*run, "--concurrency", 32, "--progress", "none", "--fields", VALUES)
    finally:
        server.stop()
    return Dataset(out, ROWS)


@pytest.mark.parametrize("name", ["v.parquet", "v.csv"])
def test_a_table_of_values_loads(retort, valued, tmp_path, name):
    retort("export", valued.folder, "--ids", "-o", tmp_path / name)
    assert_table_loads(tmp_path / name, valued.count, tmp_path)


@pytest.mark.parametrize("with_ids", [[], ["--ids"]], ids=["alone", "ids"])
def test_values_a_line_load(retort, valued, tmp_path, with_ids):
    import datasets
    import duckdb
    import polars
    import pyarrow.json

    path = tmp_path / "v.jsonl"
    retort("export", valued.folder, "--format", "json", *with_ids, "-o", path)
    rows = datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))
    assert len(rows) == valued.count == len(polars.read_ndjson(path))
    one_thread = pyarrow.json.ReadOptions(use_threads=False)
    assert len(pyarrow.json.read_json(path, read_options=one_thread)) == valued.count
    assert duckdb.sql(f"SELECT count(*) FROM read_json_auto('{path}')").fetchall() == [(valued.count,)]


@pytest.mark.parametrize("target", ["trl", "openai"])
def test_tool_turns_come_through(retort, varied, tmp_path, target):
    path = tmp_path / "train.jsonl"
    retort("export", varied.folder, "--for", target, "--ids", "-o", path)
    checked = 0
    for line in map(json.loads, path.open(encoding="utf-8", newline="\n")):
        number = int(line["id"].removeprefix("q-")) if line["id"].startswith("q-") else 0
        if number < int(ROWS * 0.7) or number % 10 != 5:
            continue
        checked += 1
        turns = line["messages"]
        sent = row(number)["messages"]
        assert turns[1]["tool_calls"] == sent[1]["tool_calls"]
        assert turns[2]["tool_call_id"] == "c" and turns[0]["name"] == "ann"
        if target == "openai":
            assert turns[:3] == sent
    assert checked == sum(number % 10 == 5 for number in range(int(ROWS * 0.7), ROWS))
