"""`python3 Benchmarks/harness bench|peers|scale [SECTION ...]`: what `make bench`, `bench-peers` and `bench-scale` run."""

import fcntl
import resource
import shutil
import signal
import sys

import processes
import suites
from report import Suite, said
from settings import BUILD, RESULTS, SCRATCH


def only_one():
    """Two at once would measure each other."""
    BUILD.mkdir(exist_ok=True)
    only_one.lock = (BUILD / "bench.lock").open("w")
    try:
        fcntl.flock(only_one.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit("another benchmark runs in this folder") from None


def main(arguments):
    if not arguments or arguments[0] not in suites.ALL:
        raise SystemExit(f"usage: python3 Benchmarks/harness {'|'.join(suites.ALL)} [SECTION ...]")
    minutes, sections = suites.ALL[arguments[0]]
    unknown = set(arguments[1:]) - set(sections)
    if unknown:
        raise SystemExit(f"no section {' '.join(sorted(unknown))}: there are {' '.join(sections)}")
    chosen = arguments[1:] or list(sections)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # The servers and clients of these benchmarks hold ten thousand connections.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    only_one()
    SCRATCH.mkdir(parents=True, exist_ok=True)
    suite = Suite(arguments[0], minutes)
    try:
        for name in chosen:
            title, work = sections[name]
            suite.section(title, work)
        suite.show_marks()
    finally:
        processes.stop_everything()
        suite.write()
        shutil.rmtree(SCRATCH, ignore_errors=True)
    said(f"written: {RESULTS / suite.name}.md and .json")


if __name__ == "__main__":
    main(sys.argv[1:])
