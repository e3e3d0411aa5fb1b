"""Draws the main tables of Benchmarks/results/*.json as SVG beside them. Standard library only.

    python3 Benchmarks/plots.py

The drawings carry their own colours for light and dark pages. `harness/readme.py` puts them and the tables into the README.
"""

import json
import math
import sys
from pathlib import Path
from xml.sax.saxutils import escape

RESULTS = Path(__file__).resolve().parent / "results"
WIDTH, LABELS, VALUES, ROW, TOP, BOTTOM = 760, 230, 120, 30, 64, 34
STYLE = """
  :root { --ink: #1f2328; --soft: #59636e; --line: #d1d9e0; --ours: #0969da; --others: #8c959f; }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #f0f6fc; --soft: #9198a1; --line: #3d444d; --ours: #4493f8; --others: #656c76; }
  }
  text { font: 13px system-ui, sans-serif; fill: var(--ink); }
  .title { font-weight: 600; font-size: 15px; }
  .soft { fill: var(--soft); font-size: 12px; }
  .ours { fill: var(--ours); }
  .others { fill: var(--others); }
  .line { stroke: var(--line); stroke-width: 1; }
  .range { stroke: var(--ink); stroke-width: 1.5; }
"""


def value(cell):
    """(median, lowest, highest) of a cell; None for one without a number."""
    if isinstance(cell, dict):
        return cell["median"], cell["low"], cell["high"]
    return (cell, cell, cell) if isinstance(cell, (int, float)) else None


def shown(number):
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}"


class Axis:
    """Positions along the bars: linear from zero, or by powers of ten if the values are far apart."""

    def __init__(self, bars):
        highest, least = max(high for _, (_, _, high), _ in bars), min(median for _, (median, _, _), _ in bars)
        self.is_logarithmic = least > 0 and highest / least > 50
        self.low = 10 ** math.floor(math.log10(least) - 0.001) if self.is_logarithmic else 0
        self.high = 10 ** math.ceil(math.log10(highest)) if self.is_logarithmic else highest * 1.05 or 1
        self.room = WIDTH - LABELS - VALUES

    def at(self, number):
        if self.is_logarithmic:
            share = math.log(max(number, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = number / self.high
        return LABELS + share * self.room

    def ticks(self):
        if self.is_logarithmic:
            powers = range(round(math.log10(self.low)), round(math.log10(self.high)) + 1)
            return [10.0**power for power in powers]
        step = 10 ** math.floor(math.log10(self.high))
        while self.high / step < 3:
            step /= 2
        return [step * place for place in range(int(self.high / step) + 1)]


def drawing(title, subtitle, bars):
    """The SVG of horizontal bars: (label, (median, low, high), is ours)."""
    axis, height = Axis(bars), TOP + ROW * len(bars) + BOTTOM
    scale = " (logarithmic)" if axis.is_logarithmic else ""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(title)}">',
        f"<style>{STYLE}</style>",
        f'<text class="title" x="8" y="22">{escape(title)}</text>',
        f'<text class="soft" x="8" y="42">{escape(subtitle + scale)}</text>',
    ]
    for tick in axis.ticks():
        x, below = axis.at(tick), TOP + ROW * len(bars)
        parts.append(f'<line class="line" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{below}"/>')
        parts.append(f'<text class="soft" x="{x:.1f}" y="{below + 18}" text-anchor="middle">{shown(tick)}</text>')
    for place, (label, (median, low, high), is_ours) in enumerate(bars):
        y = TOP + ROW * place
        x, middle = axis.at(median), y + ROW / 2 - 3
        kind = "ours" if is_ours else "others"
        parts += [
            f'<text x="{LABELS - 10}" y="{middle + 4}" text-anchor="end">{escape(label)}</text>',
            f'<rect class="{kind}" x="{LABELS}" y="{y}" width="{max(1, x - LABELS):.1f}" height="{ROW - 8}" rx="2"/>',
            f'<line class="range" x1="{axis.at(low):.1f}" x2="{axis.at(high):.1f}" y1="{middle}" y2="{middle}"/>',
            f'<text x="{max(x, axis.at(high)) + 8:.1f}" y="{middle + 4}">{shown(median)}</text>',
        ]
    return "\n".join(parts + ["</svg>"]) + "\n"


def bars_of(table, column, label=lambda row: row[0]):
    """One bar for each row that has a number in the column."""
    place = table["columns"].index(column)
    found = [(label(row), value(row[place]), "retort" in label(row)) for row in table["rows"]]
    return [bar for bar in found if bar[1]]


def plots(tables):
    """(file name, title, subtitle, bars) of everything worth a picture in these tables."""
    for table in tables:
        columns, title = table.get("columns", []), table["title"]
        if "of wrk's rate" in columns:
            def name(row):
                return f"{row[2]}, {row[0]}, {row[1]:,} in flight"
            yield "pipeline-rate", title, "requests a second", bars_of(table, "requests/s", name)
            yield "pipeline-cpu", title, "CPU microseconds a request", bars_of(table, "CPU us a request", name)
        elif "CPU s / 1000 requests" in columns:
            kind = "structured" if "schema" in title else "at-once" if "at once" in title else "latency"
            yield f"peers-{kind}", title, "CPU seconds for 1,000 requests", bars_of(table, "CPU s / 1000 requests")
            yield f"peers-{kind}-memory", title, "peak memory, MB", bars_of(table, "peak RSS MB")
        elif "s to the first new request" in columns:
            done = "".join(filter(str.isdigit, title))
            bars = bars_of(table, "s to the first new request")
            yield f"peers-resume-{done}", title, "seconds to the first new request", bars
        elif "paid twice" in columns:
            yield "peers-kill", title, "answers paid twice", bars_of(table, "paid twice")
        elif "growth" in columns:
            yield from growth(table)


GROWTH = {
    "first new request, killed at half, ms": "scale-resume",
    "peak RSS MB, second half": "scale-memory",
    "requests/s, second half": "scale-rate",
}


def growth(table):
    sizes = table["columns"][1:-1]
    for row in table["rows"]:
        if row[0] in GROWTH:
            bars = [(f"{size} prompts", value(cell), True) for size, cell in zip(sizes, row[1:-1])]
            yield GROWTH[row[0]], table["title"], row[0], [bar for bar in bars if bar[1]]


def main():
    for old in RESULTS.glob("*.svg"):
        old.unlink()
    drawn = 0
    for path in sorted(RESULTS.glob("*.json")):
        for name, title, subtitle, bars in plots(json.loads(path.read_text())["tables"]):
            if bars:
                (RESULTS / f"{name}.svg").write_text(drawing(title, subtitle, bars))
                drawn += 1
    print(f"{drawn} drawings in {RESULTS}", file=sys.stderr)


if __name__ == "__main__":
    main()
