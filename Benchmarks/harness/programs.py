"""The benchmarks that are programs of their own: engine, transport, store. Their output is shown as they print it."""

import re

import storage
from processes import Unmeasured, measure
from settings import BUILD, FULL, SCRATCH, number

# "open, clean      4.277 ms, CPU 0.658 ms   (mark: <= 5 ms)"
MARKED_LINE = r"(?m)^(\S.*?)  +([\d.]+) .*\(mark: ([<>]=) ([\d.]+)"
STORE_RECORDS = number("BENCH_STORE_RECORDS", 10_000_000 if FULL else 1_000_000)


class Listing:
    """The text that a program printed."""

    def __init__(self, title, text, note):
        self.title, self.text, self.note = title, text.strip("\n"), note

    def markdown(self):
        is_table = self.text.startswith("|")
        body = self.text if is_table else f"```text\n{self.text}\n```"
        return f"### {self.title}\n\n{body}\n\n{self.note}\n"

    def json(self):
        return {"title": self.title, "text": self.text, "note": self.note}


def run(suite, name, seconds_max, *arguments):
    binary = BUILD / "release" / name
    if not binary.exists():
        raise Unmeasured(f"there is no {binary.name}: type `swift build -c release`")
    folder = SCRATCH / name
    folder.mkdir(exist_ok=True)
    return measure(
        [binary, *arguments], SCRATCH / f"{name}.log", suite.remaining(seconds_max), cwd=folder, TMPDIR=folder).output


def engine(suite):
    suite.show(
        Listing(
            "The engine alone (engine-bench)",
            run(suite, "engine-bench", 90),
            "A transport that answers from memory, at once or after a sleep: what window, retry policy and sink cost."))


def transport(suite):
    suite.show(
        Listing(
            "The transport alone (transport-bench)",
            run(suite, "transport-bench", 120, "--in-flight", "64,1000", "--delayed", 10_000),
            "No store, no parsing: both routes beside wrk on one nginx; then many requests in flight on a server that delays."))


def transport_secure(suite):
    suite.show(
        Listing(
            "The transport alone over HTTPS (transport-bench --secure 1)",
            run(suite, "transport-bench", 120, "--in-flight", "64,1000", "--secure", 1),
            "The same with TLS: HTTP/1.1 over our own connections, HTTP/2 through libcurl; the system's certificates are trusted."))


def monitor(suite):
    printed = run(suite, "monitor-bench", 120)
    suite.show(
        Listing(
            "A page that is open (monitor-bench)",
            printed,
            "100,000 events a second, each of them a request sent, a reply or an outcome on disk: what the run's thread spends "
            "on reporting them to a page, beside the same work unreported; and what the page's own threads take."))
    for name, value, relation, limit in re.findall(MARKED_LINE, printed):
        suite.mark(f"monitor: {name}", float(value), float(limit), at_least=relation == ">=")


def store(suite):
    printed = run(suite, "store-bench", 150, STORE_RECORDS, SCRATCH / "store-bench")
    # Its last line names a temporary folder that no longer exists.
    printed = "".join(line for line in printed.splitlines(True) if str(SCRATCH) not in line)
    suite.show(
        Listing("The store alone (store-bench)", printed, "Appends, opens, lookups and rebuilds without any HTTP."))
    for name, value, relation, limit in re.findall(MARKED_LINE, printed):
        suite.mark(f"store alone: {name}", float(value), float(limit), at_least=relation == ">=")
    lines = storage.LINES
    if not lines.exists():
        raise Unmeasured("block sizes and compression levels: they take the lines that the section `size` makes")
    suite.show(
        Listing(
            "Block sizes and compression levels (store-bench sizes)",
            run(suite, "store-bench", 60, "sizes", lines),
            "The lines of the section on sizes above."))
    suite.show(
        Listing(
            "Threads that help to compress (store-bench packing)",
            run(suite, "store-bench", 60, "packing", lines),
            "Lines of `size` into a new store, without syncs; the best of three. One thread appends, one seals, and these "
            "compress what it will seal next. By default half as many as the machine has cores, maximum 8."))
