"""Prompts for a run, and its files on disk, read with only gzip and JSON."""

import gzip
import json
import subprocess
import zlib
from collections import Counter
from pathlib import Path


def write_prompts(path, count, first=0):
    """`count` rows with ids of their own; returns the path."""
    with path.open("w") as rows:
        for number in range(first, first + count):
            rows.write(f'{{"id":"q-{number:06}","prompt":"Tell me about the number {number}."}}\n')
    return path


def ids_of(prompts):
    return [json.loads(line)["id"] for line in prompts.read_bytes().split(b"\n")[:-1]]


def lines_of(files):
    for file in sorted(files):
        text = gzip.decompress(file.read_bytes())
        assert text.endswith(b"\n"), f"{file} does not end with a whole line"
        yield from text.split(b"\n")[:-1]


def whole_members(data):
    """The content of a file's gzip members, up to the first torn one."""
    text = b""
    while data:
        member = zlib.decompressobj(wbits=31)
        try:
            piece = member.decompress(data)
        except zlib.error:
            break
        if not member.eof:
            break
        text, data = text + piece, member.unused_data
    return text


class Disk:
    """The directory of a run that no process writes to."""

    def __init__(self, root):
        self.root = Path(root)

    def files(self, lane):
        return list((self.root / lane).glob("*.jsonl.gz"))

    def records(self, lane="responses"):
        return [json.loads(line) for line in lines_of(self.files(lane))]

    def received(self):
        """The ids of all answers on the disk as a crash left it: in whole gzip members and in whole journal lines."""
        texts = [whole_members(file.read_bytes()) for file in self.files("responses")]
        texts += [journal.read_bytes() for journal in self.root.glob("responses/journal-*.jsonl")]
        return {json.loads(line)["id"] for text in texts for line in text.split(b"\n")[:-1] if line.strip(b"\0")}

    def failures(self):
        """The newest failure of each item that has no answer."""
        done = {record["id"] for record in self.records()}
        return {record["id"]: record for record in self.records("failures") if record["id"] not in done}

    def expect_done(self, prompts, but=()):
        """Every row is there exactly once, except those named; the system's zcat agrees."""
        counts = Counter(record["id"] for record in self.records())
        wanted = [key for key in ids_of(prompts) if key not in set(but)]
        twice = [key for key, count in counts.items() if count > 1]
        missing = [key for key in wanted if key not in counts]
        assert not twice, f"{len(twice)} ids stand twice in {self.root}: {twice[:5]}"
        assert not missing, f"{len(missing)} ids are missing in {self.root}: {missing[:5]}"
        assert len(counts) == len(wanted)
        if files := self.files("responses"):
            text = subprocess.run(["zcat", *sorted(files)], check=True, capture_output=True).stdout
            assert text.count(b"\n") == len(wanted)
        return self
