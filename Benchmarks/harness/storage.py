"""Size on disk and key lookups, compared with common tools: one gzip of the same lines, and databases."""

import gzip
import hashlib
import importlib.util
import random
import shutil
import sqlite3
import sys
import time
from pathlib import Path

import corpus
import pipeline
from processes import Unmeasured, measure
from report import Spread, Table, said
from servers import nginx
from settings import FULL, PEER_ENVIRONMENTS, SCRATCH, number, tool

SIZE_PROMPTS = number("BENCH_SIZE_PROMPTS", 50_000)
LINES = SCRATCH / "sizes.jsonl"
LOOKUP_KEYS = number("BENCH_LOOKUP_KEYS", 10_000_000 if FULL else 1_000_000)
LMDB_PYTHON = PEER_ENVIRONMENTS / "lmdb" / "bin" / "python"


def plain_lines(store, path):
    """All responses of a store as one plain JSONL file."""
    with path.open("wb") as lines:
        for segment in sorted((store / "responses").glob("*.jsonl.gz")):
            with gzip.open(segment) as member:
                shutil.copyfileobj(member, lines, 1 << 20)
    return path


def sizes(suite):
    rows, out, lines = pipeline.prompts(SIZE_PROMPTS), SCRATCH / "sizes", LINES
    with nginx(corpus.answers(corpus.ANSWERS_VARIED)) as url:
        pipeline.run_retort(rows, out, url, 64, suite.remaining(120))
    raw = plain_lines(out, lines).stat().st_size
    table = Table(
        f"Size of responses/, {SIZE_PROMPTS:,} records",
        ["what", "MB", "against gzip -6", "CPU s", "wall s", "raw MB/s"],
        "The prose is real and varied, the rest of a record repeats as it does in any dataset. retort compresses while "
        "it runs, in blocks that can be read alone; its time cannot be told apart here (see the store alone). "
        "Mark: +1%.")
    whole = {}
    for name in ("gzip", "pigz"):
        if not tool(name):
            suite.unmeasured(name, "it is not installed")
            continue
        whole[name] = _compress(tool(name), lines, SCRATCH / f"{name}.log", suite.remaining(60))
    ours = sum(segment.stat().st_size for segment in (out / "responses").glob("*.gz"))
    base = whole["gzip"][0] if "gzip" in whole else None
    table.add("plain lines", raw / 1e6, "", "", "", "")
    for name, (size, cost) in whole.items():
        table.add(f"{name} -6, one stream", size / 1e6, against(size, base), cost.cpu, cost.wall, raw / 1e6 / cost.wall)
    table.add("retort's segments", ours / 1e6, against(ours, base), "", "", "")
    suite.show(table)
    if base:
        suite.mark("size of responses/, % over gzip -6", 100 * (ours / base - 1), 1)


def _compress(binary, lines, log, seconds_max):
    """(bytes, cost) of one compression to a file."""
    target = Path(f"{log}.gz")
    script = 'exec "$0" -6 -c "$1" > "$2"'
    cost = measure(["/bin/sh", "-c", script, binary, lines, target], log, seconds_max)
    return target.stat().st_size, cost


def against(size, base):
    return f"{100 * (size / base - 1):+.2f}%" if base else "not known"


def lookups(suite):
    """Random keys found per second, in the engines that are common alternatives to an own index."""
    table = Table(
        f"Key lookups, {LOOKUP_KEYS:,} keys of 16 bytes with 16 bytes of data, one thread, in random order",
        ["engine", "lookups/s", "bytes an entry on disk"],
        "SQLite: one statement joins a table of probes with the keys, so that no Python runs per key. LMDB: `getmulti` "
        "with 10,000 keys a call. retort's index: see the store alone. Marks: 3 M/s, 33 bytes.")
    probes = random.Random(corpus.SEED).sample(range(LOOKUP_KEYS), min(200_000, LOOKUP_KEYS))
    table.add("SQLite, WITHOUT ROWID", *_sqlite(probes))
    try:
        table.add("LMDB, sorted inserts", *_lmdb())
    except Unmeasured as why:
        suite.unmeasured("LMDB", why)
    suite.show(table)


def key(number):
    return hashlib.blake2b(number.to_bytes(8, "little"), digest_size=16).digest()


def _sqlite(probes):
    path = SCRATCH / "keys.sqlite"
    path.unlink(missing_ok=True)
    said(f"SQLite, {LOOKUP_KEYS:,} keys")
    base = sqlite3.connect(path, isolation_level=None)
    base.executescript(
        "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-1000000; PRAGMA mmap_size=4000000000;"
        "CREATE TABLE keys (key BLOB PRIMARY KEY, data BLOB) WITHOUT ROWID;"
        "CREATE TEMP TABLE probes (at INTEGER PRIMARY KEY, key BLOB); BEGIN;")
    everything = sorted(key(number) for number in range(LOOKUP_KEYS))
    base.executemany("INSERT INTO keys VALUES (?, ?)", ((one, one) for one in everything))
    base.executemany("INSERT INTO probes (key) VALUES (?)", ((key(number),) for number in probes))
    base.execute("COMMIT")
    # CROSS JOIN fixes the order: probes outside, the index within.
    query = "SELECT count(keys.data) FROM probes CROSS JOIN keys ON keys.key = probes.key"
    rates = []
    for _ in range(3):
        began = time.monotonic()
        (found,) = base.execute(query).fetchone()
        rates.append(found / (time.monotonic() - began))
        assert found == len(probes)
    base.close()
    return Spread(rates, 0), path.stat().st_size / LOOKUP_KEYS


def _lmdb():
    """Runs in an interpreter that has the module: this one, or the environment that `make bench` prepares."""
    here = importlib.util.find_spec("lmdb") is not None
    python = sys.executable if here else LMDB_PYTHON
    if not Path(python).exists():
        raise Unmeasured("Python's module lmdb is not there: `make bench` installs it where PyPI can be reached")
    said(f"LMDB, {LOOKUP_KEYS:,} keys")
    script = Path(__file__).with_name("lmdb_lookups.py")
    folder = SCRATCH / "lmdb"
    shutil.rmtree(folder, ignore_errors=True)
    cost = measure([python, script, folder, LOOKUP_KEYS], SCRATCH / "lmdb.log", 120 if not FULL else 600)
    *rates, size = map(float, cost.output.split())
    return Spread(rates, 0), size
