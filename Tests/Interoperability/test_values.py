"""Exported values as pyarrow, DuckDB and Polars read them, compared with the model's answers."""

import csv
import gzip
import json

import duckdb
import polars
import pyarrow.parquet
import pytest

from answering import question

SCHEMA = {
    "$defs": {"place": {"type": "object", "properties": {"x": {"type": "number"}}}},
    "$ref": "#/$defs/root",
}
SCHEMA["$defs"]["root"] = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "year": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "score": {"type": "number"},
        "ok": {"type": ["boolean", "null"]},
        "level": {"enum": ["easy", "hard"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "place": {"$ref": "#/$defs/place"},
        "either": {"type": ["string", "integer"]},
        "big": {"type": "integer"},
        "never": {"type": "integer"},
    },
    "required": ["title", "year"],
}
TEXTS = ['quotes " and, commas', "", "two\nlines\r\n", "水 🦉 \u2028", "\t tab", "null", "007"]


def value(number):
    """The model's answer to question `number`; every member is null or missing somewhere."""
    said = {"title": TEXTS[number % len(TEXTS)], "year": None if number % 3 == 0 else number - 5}
    if number % 2:
        said |= {"score": number if number % 4 == 1 else number / 7, "ok": [True, False, None][number % 3]}
    if number % 5:
        said |= {"level": ["easy", "hard"][number % 2], "tags": ["a", 'b"'][: number % 3], "place": {"x": 1.5, "y": [1]}}
    said["either"] = str(number) if number % 2 else number
    said["big"] = 10**18 if number != 30 else 10**30
    if number == 33:
        said["beside"] = {"not": "in the schema"}
    return said


def cell(number, name):
    """The same as a table has it."""
    found = value(number).get(name)
    if found is None:
        return None
    if name in ("tags", "place", "beside"):
        return json.dumps(found, separators=(",", ":"))
    if name in ("either", "big"):
        return str(found)
    return float(found) if name == "score" else found


COUNT = 60
NAMES = [*SCHEMA["$defs"]["root"]["properties"], "beside"]
EXPECTED = [{name: cell(number, name) for name in NAMES} for number in range(COUNT) if number % 10 != 9]


@pytest.fixture(scope="module")
def store(retort, tmp_path_factory):
    """Answers with values like SCHEMA's; every tenth has none."""
    from answering import AnsweringServer

    folder = tmp_path_factory.mktemp("values")

    def reply(_, body):
        number = int(question(body))
        if number % 10 == 9:
            return "no value"
        text = json.dumps(value(number), indent=1, ensure_ascii=number % 2 == 0)
        return f"Here:\n```json\n{text}\n```" if number % 4 == 0 else text

    server = AnsweringServer(reply)
    rows = [{"id": f"q{number}", "prompt": str(number), "half": number / 2} for number in range(COUNT)]
    (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "schema.json").write_text(json.dumps(SCHEMA))
    run = ["run", folder / "prompts.jsonl", "--out", folder / "store", "--base-url", server.url, "--model", "m"]
    retort(*run)
    retort("check", folder / "store", "--json", "--dry-run")
    retort("check", folder / "store", "--schema", folder / "schema.json")
    server.stop()
    return folder / "store"


def ordered(rows):
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def test_the_values_alone_one_a_line(retort, store, tmp_path):
    done = retort("export", store, "--format", "json", "-o", tmp_path / "values.jsonl")
    lines = (tmp_path / "values.jsonl").read_text().split("\n")[:-1]
    found = [json.loads(line) for line in lines]
    assert ordered(found) == ordered([value(number) for number in range(COUNT) if number % 10 != 9])
    assert f"{len(EXPECTED)} records written" in done.stderr


def test_the_value_is_a_member_where_something_comes_along(retort, store):
    done = retort("export", store, "--format", "json", "--ids", "--metadata", "half")
    for line in map(json.loads, done.stdout.split("\n")[:-1]):
        number = int(line["id"][1:])
        assert line == {"id": f"q{number}", "sample": 0, "value": value(number), "half": number / 2}


def arrow(path):
    return pyarrow.parquet.read_table(path).to_pylist()


def duck(path):
    relation = duckdb.connect().sql(f"SELECT * FROM '{path}'")
    return [dict(zip(relation.columns, row)) for row in relation.fetchall()]


def bear(path):
    return polars.read_parquet(path).to_dicts()


def test_a_parquet_of_values(retort, store, tmp_path):
    path = tmp_path / "values.parquet"
    retort("export", store, "-o", path)
    for read in (arrow, duck, bear):
        assert ordered(read(path)) == ordered(EXPECTED)


def test_the_types_are_the_schemas_but_where_values_do_not_fit(retort, store, tmp_path):
    retort("export", store, "-o", tmp_path / "v.parquet", "--ids", "--metadata", "half")
    types = {field.name: str(field.type) for field in pyarrow.parquet.read_table(tmp_path / "v.parquet").schema}
    assert types == {
        "id": "string", "sample": "int64", "title": "string", "year": "int64", "score": "double", "ok": "bool",
        "level": "string", "tags": "string", "place": "string", "either": "string", "big": "string", "never": "int64",
        "beside": "string", "half": "double",
    }
    for row in arrow(tmp_path / "v.parquet"):
        number = int(row["id"][1:])
        assert row == {"id": f"q{number}", "sample": 0, "half": number / 2} | {name: cell(number, name) for name in NAMES}


def test_csv_tells_an_empty_text_from_nothing(retort, store, tmp_path):
    retort("export", store, "--format", "csv", "-o", tmp_path / "values.csv.gz")
    text = gzip.decompress((tmp_path / "values.csv.gz").read_bytes()).decode()
    (tmp_path / "values.csv").write_text(text, newline="")
    with (tmp_path / "values.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == NAMES and len(rows) == len(EXPECTED)
    number = duckdb.connect().execute(
        f"SELECT count(*) FILTER (title = ''), count(*) FILTER (year IS NULL), sum(year), max(place) FROM read_csv("
        f"'{tmp_path / 'values.csv'}', header = true, allow_quoted_nulls = false)"
    ).fetchone()
    years = [row["year"] for row in EXPECTED]
    empty = sum(row["title"] == "" for row in EXPECTED)
    assert number == (empty, years.count(None), sum(year or 0 for year in years), '{"x":1.5,"y":[1]}')
    table = polars.read_csv(tmp_path / "values.csv", infer_schema_length=None)
    texts = ["title", "tags", "place", "ok", "year", "score"]
    assert ordered(table.select(texts).to_dicts()) == ordered([{name: row[name] for name in texts} for row in EXPECTED])


def test_values_that_are_no_objects_are_one_column(retort, answering, tmp_path):
    server = answering(lambda _, body: question(body))
    rows = [{"id": str(number), "prompt": text} for number, text in enumerate(["[1,2]", "12", '"text"', "null"])]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = ["run", tmp_path / "p.jsonl", "--out", tmp_path / "store", "--base-url", server.url, "--model", "m"]
    retort(*run, "--json", "--schema-by", "none")
    retort("export", tmp_path / "store", "-o", tmp_path / "v.parquet", "--ids")
    found = {row["id"]: row["value"] for row in arrow(tmp_path / "v.parquet")}
    assert found == {"0": "[1,2]", "1": "12", "2": "text", "3": None}


@pytest.mark.parametrize("form", ["messages", "sharegpt", "alpaca", "text"])
def test_conversations_as_parquet(retort, demo, tmp_path, form):
    flags = ["--format", form, "--ids", "--reasoning", "keep", "--metadata"]
    retort("export", demo.folder, *flags, "-o", tmp_path / "train.parquet")
    retort("export", demo.folder, *flags, "-o", tmp_path / "train.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().split("\n")[:-1]]
    for line in lines:
        for turn in line.get("messages", []):
            turn.setdefault("reasoning_content", None)
            if turn.get("tool_calls"):
                turn["tool_calls"] = json.dumps(turn["tool_calls"], separators=(",", ":"), ensure_ascii=False)
    assert len(lines) > 100
    for read in (arrow, duck, bear):
        assert read(tmp_path / "train.parquet") == lines


def test_no_value_makes_no_table(retort, demo, tmp_path):
    refused = retort("export", demo.folder, "-o", tmp_path / "v.csv", status=64)
    assert "has a value" in refused.stderr and "retort check" in refused.stderr
    assert list(tmp_path.iterdir()) == []
