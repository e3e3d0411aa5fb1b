"""The libraries with which people load a dataset.

Each reader takes the files of responses/ as they are and returns (id, sample, response) for each record.
"""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# More if `test_varied_store.py` uses a large store.
READ_SECONDS_MAX = 300 + int(os.environ.get("RETORT_VARIED_ROWS", 0)) // 1000
# Where `.ci/setup-datasets` installs the older release, and its program: it loads each argument's files.
DATASETS_3 = Path(__file__).resolve().parents[2] / ".build" / "datasets-3"
ASK_DATASETS_3 = """
import json, sys, tempfile
import datasets

assert datasets.__version__.startswith("3.6."), datasets.__version__
with tempfile.TemporaryDirectory() as cache:
    for name, pattern in enumerate(sys.argv[2:]):
        how = {"data_files": pattern, "split": "train", "cache_dir": f"{cache}/{name}"}
        rows = datasets.load_dataset("json", **how, streaming=sys.argv[1] == "streaming")
        if sys.argv[1] == "count":
            print(len(rows))
            continue
        for batch in rows.iter(batch_size=1000):
            print(json.dumps(list(zip(batch["id"], batch["sample"], batch["response"]))))
"""


def zcat(files):
    text = subprocess.run(["zcat", *files], check=True, capture_output=True, timeout=READ_SECONDS_MAX).stdout
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
    batches = rows.iter(batch_size=1000)
    return [row for batch in batches for row in zip(batch["id"], batch["sample"], batch["response"])]


def ask_datasets_3(mode, *patterns):
    """The older release's content of the files, line by line as JSON."""
    if not (DATASETS_3 / "datasets").is_dir():
        pytest.skip(f"{DATASETS_3} is not there: `make python-env` installs it")
    command = [sys.executable, "-c", ASK_DATASETS_3, mode, *map(str, patterns)]
    environment = os.environ | {"PYTHONPATH": str(DATASETS_3)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=READ_SECONDS_MAX, env=environment)
    assert done.returncode == 0, done.stderr[-4000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def datasets_3(files):
    return [tuple(row) for batch in ask_datasets_3("whole", files[0].parent / "*.jsonl.gz") for row in batch]


def datasets_3_streaming(files):
    return [tuple(row) for batch in ask_datasets_3("streaming", files[0].parent / "*.jsonl.gz") for row in batch]


ALL = [
    zcat, python_gzip, pandas, duckdb, polars, polars_lazy, pyarrow, pyarrow_dataset, datasets, datasets_streaming,
    datasets_3, datasets_3_streaming,
]
