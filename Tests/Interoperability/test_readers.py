"""Every reader that people use must see every record, of a file made by hand after the format, and of a real run."""

import json
import struct
import subprocess
import zlib

import pytest

import readers
from conftest import Dataset

SEGMENTS = 2
BLOCKS_PER_SEGMENT = 12
RECORDS_PER_BLOCK = 11


def gzip_member(payload):
    """A gzip member with FLG = 4 (FEXTRA alone), MTIME 0, OS 255 and one subfield (RFC 1952, 2.3)."""
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = deflate.compress(payload) + deflate.flush()
    subfield = b"RT" + struct.pack("<H", 44) + bytes(range(44))
    header = b"\x1f\x8b\x08\x04" + bytes(4) + b"\x00\xff" + struct.pack("<H", len(subfield)) + subfield
    return header + body + struct.pack("<II", zlib.crc32(payload), len(payload))


def record(number):
    """A record as the product writes it; everything that may differ from row to row differs."""
    asked = {"messages": [{"role": "user", "content": f"question {number}"}], "messages_json": ""}
    asked |= {"prompt": "", "suffix": "", "tools": ""}
    if number % 5 == 0:
        prompt = f"def f{number}("
        asked |= {"messages": [{"role": "user", "content": prompt}], "prompt": prompt, "suffix": "\n"}
    metadata = [{}, {"level": number}, {"topic": "水", "tags": ["a", "b"]}][number % 3]
    return {
        "id": f"q-{number}",
        "sample": number % 2,
        "status": "ok",
        "attempts": 1,
        "row": number,
        "fingerprint": f"{number:016x}",
        **asked,
        "response": f'answer {number}\u2028with "quotes" and 🦉\n',
        "reasoning": "",
        "value": "" if number % 3 else json.dumps({"number": number}),
        "value_found": "" if number % 3 else "brackets",
        "tool_calls": "",
        "finish_reason": "stop",
        "model": "m",
        "usage": {"prompt_tokens": 3, "completion_tokens": 5, "reasoning_tokens": 0, "cached_tokens": 0},
        "cost_usd": None if number % 7 else 0.25,
        "latency_ms": 12,
        "created": 1763600000,
        "metadata": json.dumps(metadata, ensure_ascii=False),
        "other": "",
        "body": "",
    }


@pytest.fixture(scope="session")
def handmade(tmp_path_factory):
    folder = tmp_path_factory.mktemp("handmade")
    (folder / "responses").mkdir()
    numbers = iter(range(SEGMENTS * BLOCKS_PER_SEGMENT * RECORDS_PER_BLOCK))
    for segment in range(1, SEGMENTS + 1):
        with (folder / "responses" / f"{segment:06}.jsonl.gz").open("wb") as file:
            for _ in range(BLOCKS_PER_SEGMENT):
                lines = [json.dumps(record(next(numbers)), ensure_ascii=False) + "\n" for _ in range(RECORDS_PER_BLOCK)]
                file.write(gzip_member("".join(lines).encode()))
    return Dataset(folder, SEGMENTS * BLOCKS_PER_SEGMENT * RECORDS_PER_BLOCK)


@pytest.fixture(params=["handmade", "demo"])
def dataset(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("read", readers.ALL, ids=lambda read: read.__name__)
def test_reader_sees_every_record_once(read, dataset):
    rows = read(dataset.files)
    assert len(rows) == dataset.count
    assert len({(identity, sample) for identity, sample, _ in rows}) == dataset.count
    assert {type(response) for _, _, response in rows} == {str}


@pytest.mark.parametrize("read", readers.ALL, ids=lambda read: read.__name__)
def test_readers_agree_on_every_byte_of_the_text(read, dataset):
    expected = {(row["id"], row["sample"]): row["response"] for row in dataset.records()}
    assert len(expected) == dataset.count
    assert {(identity, sample): response for identity, sample, response in read(dataset.files)} == expected


def test_lines_are_records(dataset):
    pipe = subprocess.run(
        ["bash", "-c", 'set -o pipefail; zcat "$@" | wc -l', "count", *dataset.files],
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert int(pipe.stdout) == dataset.count
    subprocess.run(["gzip", "--test", *dataset.files], check=True, timeout=60)
