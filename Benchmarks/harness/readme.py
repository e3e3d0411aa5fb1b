"""`python3 Benchmarks/harness/readme.py`: puts the last results and their drawings into Benchmarks/README.md, and the
table of the peers into the README above it.

Only what stands between a `<!-- results: NAME -->` and the next `<!-- end -->` is written anew.
"""

import json
import re
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[1]
RESULTS, README = BENCHMARKS / "results", BENCHMARKS / "README.md"
DRAWINGS = {"bench": "pipeline-*.svg", "peers": "peers-*.svg", "scale": "scale-*.svg"}


def part(name):
    """The Markdown of one suite, its headings one level deeper, with its drawings above."""
    tables = RESULTS / f"{name}.md"
    if not tables.exists():
        return None
    drawings = [f"![{path.stem}](results/{path.name})" for path in sorted(RESULTS.glob(DRAWINGS[name]))]
    text = re.sub(r"(?m)^##", "###", tables.read_text().partition("\n")[2].strip())
    return "\n\n".join([*drawings, text])


def middle(cell):
    return cell["median"] if isinstance(cell, dict) else cell


def column(table, name):
    """Client to number, for one column of a table; without those that were not measured."""
    if table is None:
        return {}
    place = table["columns"].index(name)
    return {row[0]: middle(row[place]) for row in table["rows"]}


def summary(results):
    """One line per client: the cost of a request, of starting again, and of a kill."""

    def table(start):
        return next((table for table in results["tables"] if table["title"].startswith(start)), None)

    load, again, kill = table("64 in flight"), table("Starting again"), table("kill -9")
    cpu, memory = column(load, "CPU s / 1000 requests"), column(load, "peak RSS MB")
    first, twice = column(again, "s to the first new request"), column(kill, "paid twice")
    ending, checked = column(kill, "records"), column(table("64 in flight, JSON"), "CPU s / 1000 requests")
    lines = [
        "| client | CPU per request | times retort's | with a JSON schema | memory | first new request after a kill "
        "| requests repeated after a kill |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for client, seconds in cpu.items():
        times = f"{seconds / cpu['retort']:.1f}" if client != "retort" else ""
        start = f"{first[client]:.2f} s" if client in first else "starts over"
        schema = f"{checked[client] * 1000:,.0f} us" if client in checked else ""
        asked = f"{twice[client]:,}" if twice.get(client, "") != "" else str(ending.get(client, "not measured"))
        lines.append(
            f"| {client} | {seconds * 1000:,.0f} us | {times} | {schema} | {memory[client]:,.0f} MB | {start} | {asked} |")
    return "\n".join(lines)


def write(path, text_of):
    """Rewrites the marked parts of a page, each with what `text_of` its name returns; None leaves it unchanged."""

    def anew(found):
        text = text_of(found[1])
        return found[0] if text is None else f"<!-- results: {found[1]} -->\n{text}\n<!-- end -->"

    old = path.read_text()
    new = re.sub(r"(?s)<!-- results: (\w+) -->.*?<!-- end -->", anew, old)
    path.write_text(new)
    print(f"{path}: {'as it was' if new == old else 'written anew'}", file=sys.stderr)


def main():
    write(README, part)
    peers = RESULTS / "peers.json"
    if peers.exists():
        write(BENCHMARKS.parent / "README.md", lambda name: summary(json.loads(peers.read_text())))


if __name__ == "__main__":
    main()
