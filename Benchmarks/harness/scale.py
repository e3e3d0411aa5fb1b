"""What grows with the number of prompts, and what must not grow."""

import shutil

import corpus
import durability
import pipeline
import resume
from processes import Unmeasured, measure
from report import Spread, Table, said
from servers import nginx
from settings import FULL, SCRATCH, number, retort

SIZES = [100_000, 1_000_000, 10_000_000, 100_000_000]
MOST = number("BENCH_SCALE_MAX", 10_000_000 if FULL else 1_000_000)
REFUSED = 1_000
# Of the requests: nginx knows no smaller part.
REFUSED_PERCENT_MIN = 0.01
CONCURRENCY = 256
OPENS = 5
MERGED_STORES, MERGED_RECORDS = (10, 100_000) if FULL else (5, 40_000)
SOME_FAILED = 75
MIB = 2**20
CLOSED, KILLED, NOTHING = "status, closed, ms", "status, killed at half, ms", "status --help, ms"
MARKS = {
    "peak RSS MB, second half": 150,
    "opening, closed, ms": 5,
    "opening, killed at half, ms": 200,
    "first new request, killed at half, ms": 300,
    "first retried request, ms": 300,
    "its sorted runs alone": 33,
}


def sizes():
    """The sizes up to `BENCH_SCALE_MAX`; if that is below all of them, only that size."""
    return [size for size in SIZES if size <= MOST] or [MOST]


def section(suite):
    growth = {}
    for size in sizes():
        try:
            growth[size] = one(suite, size)
        except Unmeasured as why:
            suite.unmeasured(f"{size:,} prompts", why)
    if not growth:
        return
    names = list(dict.fromkeys(name for column in growth.values() for name in column))
    table = Table(
        "What grows with the number of prompts",
        ["", *(f"{size:,}" for size in growth), "growth"],
        f"Short prompts and answers, {CONCURRENCY} in flight, nginx answers; about {REFUSED:,} of the requests, at least one in 10,000, are refused "
        "with status 400. The run is killed with kill -9 half way; then its store is opened, the run starts again, and "
        "goes on to the end. Growth is the last column against the first. Marks: 150 MB at 10 million; open 5 ms, after a "
        "kill 200 ms; the first new request and the first retried one after 300 ms; `status --help` shows what starting a "
        "process costs; 33 bytes an index entry.")
    for name in names:
        values = [column.get(name, "") for column in growth.values()]
        table.add(name, *values, grown(values) if len(values) > 1 else "")
    suite.show(table)
    size, last = growth.popitem()
    last["opening, closed, ms"] = last[CLOSED].median - last[NOTHING].median
    last["opening, killed at half, ms"] = last[KILLED].median - last[NOTHING].median
    for name, limit in MARKS.items():
        if name in last:
            suite.mark(f"{size:,} prompts: {name}", last[name], limit)


def grown(values):
    first, last = (value.median if isinstance(value, Spread) else value for value in (values[0], values[-1]))
    return f"x {last / first:,.2f}" if first and last else ""


def one(suite, size):
    """The figures of one size."""
    said(f"{size:,} prompts")
    rows = corpus.write_prompts(SCRATCH / f"scale-{size}.jsonl", size, words=False)
    out, found = SCRATCH / "scale", {}
    with nginx([corpus.short_answer()], refused_percent=max(REFUSED_PERCENT_MIN, 100 * REFUSED / size)) as url:
        half = resume.run_and_kill(rows, out, url, size // 2, CONCURRENCY, suite.remaining())
        found[KILLED] = Spread(status_ms(out, suite), 1)
        first = resume.time_to_first_request(
            lambda url: pipeline.run_command(rows, out, url, CONCURRENCY), SCRATCH / "scale.log", suite.remaining(60))
        found["first new request, killed at half, ms"] = first[0] * 1000
        cost = pipeline.run_retort(
            rows, out, url, CONCURRENCY, suite.remaining(), keep=True, accept=(0, SOME_FAILED))
        rest = size - half
        found["requests/s, second half"] = rest / cost.wall
        found["CPU us a request, second half"] = cost.cpu / rest * 1e6
        found["peak RSS MB, second half"] = cost.rss_bytes / MIB
        found[CLOSED] = Spread(status_ms(out, suite), 1)
        found[NOTHING] = Spread(status_ms("--help", suite), 1)
        cost = pipeline.run_retort(rows, out, url, CONCURRENCY, suite.remaining(), keep=True, accept=(0, SOME_FAILED))
        found["the same command with nothing to do, ms"] = cost.wall * 1000
    now = resume.status(out)
    if now["done"] + now["failed"] != size:
        suite.unmeasured(f"{size:,} prompts to the end", f"{now['done']:,} done and {now['failed']:,} failed")
    found["failed, of what was refused"] = now["failed"]
    found["index, bytes an entry on disk"] = folder_bytes(out / "index") / size
    found["its sorted runs alone"] = folder_bytes(out / "index", "run-*") / size
    found["responses, MB"] = folder_bytes(out / "responses") / 1e6
    retry(suite, out, found)
    verify(suite, out, found)
    return found


def status_ms(store, suite):
    log = SCRATCH / "status.log"
    return [measure([retort(), "status", store], log, suite.remaining(60)).wall * 1000 for _ in range(OPENS)]


def folder_bytes(folder, pattern="*"):
    return sum(path.stat().st_size for path in folder.rglob(pattern) if path.is_file())


def retry(suite, out, found):
    if not durability.has_command("retry"):
        suite.unmeasured("retry of failed items", "this binary has no such command")
        return
    first = resume.time_to_first_request(
        lambda url: [retort(), "retry", out, "--base-url", url], SCRATCH / "retry.log", suite.remaining(60))
    found["first retried request, ms"] = first[0] * 1000


def verify(suite, out, found):
    if not durability.has_command("verify"):
        suite.unmeasured("verify", "this binary has no such command")
        return
    cost = measure([retort(), "verify", out], SCRATCH / "verify.log", suite.remaining(), accept=(0, SOME_FAILED))
    found["verify, s"] = cost.wall
    found["verify, peak RSS MB"] = cost.rss_bytes / MIB


def merge(suite):
    """Merges disjoint stores into one, compared with what `cat` needs for the same bytes."""
    if not durability.has_command("merge"):
        raise Unmeasured("this binary has no such command")
    stores = []
    with nginx(corpus.answers(corpus.ANSWERS_VARIED)) as url:
        whole = pipeline.prompts(MERGED_STORES * MERGED_RECORDS)
        with whole.open("rb") as rows:
            for place in range(MERGED_STORES):
                said(f"store {place + 1} of {MERGED_STORES}")
                part = SCRATCH / f"merged-{place}.jsonl"
                part.write_bytes(b"".join(next(rows) for _ in range(MERGED_RECORDS)))
                stores.append(SCRATCH / f"merged-{place}")
                pipeline.run_retort(part, stores[-1], url, CONCURRENCY, suite.remaining())
    segments = sorted(path for store in stores for path in (store / "responses").glob("*.gz"))
    size, out = sum(path.stat().st_size for path in segments) / 1e6, SCRATCH / "merged"
    rates = {"cat, then sync": [], "retort merge": []}
    for _ in range(3):
        script = 'target=$1; shift; cat "$@" > "$target" && sync "$target"'
        cost = measure(["/bin/sh", "-c", script, "sh", SCRATCH / "cat.gz", *segments], SCRATCH / "cat.log", 60)
        rates["cat, then sync"].append(size / cost.wall)
        shutil.rmtree(out, ignore_errors=True)
        cost = measure([retort(), "merge", *stores, "--out", out], SCRATCH / "merge.log", suite.remaining(120))
        rates["retort merge"].append(size / cost.wall)
    table = Table(
        f"Merging {MERGED_STORES} disjoint stores of {MERGED_RECORDS:,} records, {size:,.0f} MB compressed",
        ["what", "MB/s", "peak RSS MB"],
        "Whole processes. Mark: half of `cat`.")
    whole, ours = Spread(rates["cat, then sync"], 0).median, Spread(rates["retort merge"], 0).median
    suite.mark("merging disjoint stores, of cat's rate", ours / whole, 0.5, at_least=True)
    for name, values in rates.items():
        table.add(name, Spread(values, 0), cost.rss_bytes / MIB if name == "retort merge" else "")
    suite.show(table)
