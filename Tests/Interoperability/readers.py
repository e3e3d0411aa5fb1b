"""What people load a dataset with.

Each reader takes the files of responses/ as they are and returns (id, sample, response) for each record.
"""

import gzip
import json
import subprocess


def zcat(files):
    text = subprocess.run(["zcat", *files], check=True, capture_output=True, timeout=60).stdout
    return [(row["id"], row["sample"], row["response"]) for row in map(json.loads, text.split(b"\n")[:-1])]


def python_gzip(files):
    rows = []
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8", newline="\n") as lines:
            rows += map(json.loads, lines)
    return [(row["id"], row["sample"], row["response"]) for row in rows]


def pandas(files):
    import pandas

    table = pandas.concat(pandas.read_json(file, lines=True) for file in files)
    return list(zip(table["id"], table["sample"].tolist(), table["response"]))


def duckdb(files):
    import duckdb

    folder = files[0].parent
    query = f"SELECT id, sample, response FROM read_json_auto('{folder}/*.jsonl.gz')"
    return duckdb.connect().execute(query).fetchall()


def polars(files):
    import polars

    pattern = files[0].parent / "*.jsonl.gz"
    return polars.read_ndjson(pattern).select("id", "sample", "response").rows()


def polars_lazy(files):
    import polars

    return polars.scan_ndjson(files).select("id", "sample", "response").collect().rows()


def pyarrow(files):
    import pyarrow
    import pyarrow.json

    tables = [pyarrow.json.read_json(file).select(["id", "sample", "response"]) for file in files]
    table = pyarrow.concat_tables(tables)
    return list(zip(*(table[name].to_pylist() for name in table.column_names)))


def pyarrow_dataset(files):
    import pyarrow.dataset

    table = pyarrow.dataset.dataset(files, format="json").to_table(columns=["id", "sample", "response"])
    return list(zip(*(table[name].to_pylist() for name in table.column_names)))


def datasets(files):
    import datasets

    pattern = str(files[0].parent / "*.jsonl.gz")
    rows = datasets.load_dataset("json", data_files=pattern, split="train")
    return list(zip(rows["id"], rows["sample"], rows["response"]))


def datasets_streaming(files):
    import datasets

    pattern = str(files[0].parent / "*.jsonl.gz")
    rows = datasets.load_dataset("json", data_files=pattern, split="train", streaming=True)
    return [(row["id"], row["sample"], row["response"]) for row in rows]


ALL = [
    zcat, python_gzip, pandas, duckdb, polars, polars_lazy, pyarrow, pyarrow_dataset, datasets, datasets_streaming,
]
