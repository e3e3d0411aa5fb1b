"""Tables: on standard output as they come, then as Markdown and JSON under Benchmarks/results."""

import json
import statistics
import sys
import time
import traceback

import machine
from processes import Unmeasured
from settings import RESULTS


class Table:
    """Rows of texts and numbers under a title. `note` says what a reader must know to doubt it."""

    def __init__(self, title, columns, note=""):
        self.title, self.columns, self.note, self.rows = title, columns, note, []

    def add(self, *row):
        assert len(row) == len(self.columns), f"{self.title}: {row}"
        self.rows.append(list(row))

    def markdown(self):
        cells = [self.columns] + [[text(cell) for cell in row] for row in self.rows]
        widths = [max(len(row[column]) for row in cells) for column in range(len(self.columns))]
        lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in cells]
        lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
        return f"### {self.title}\n\n" + "\n".join(lines) + "\n" + (f"\n{self.note}\n" if self.note else "")

    def json(self):
        rows = [[cell.json() if isinstance(cell, Spread) else cell for cell in row] for row in self.rows]
        return {"title": self.title, "columns": self.columns, "rows": rows, "note": self.note}


class Suite:
    """One `make` target: its sections, a limit on their time, and the files it leaves."""

    def __init__(self, name, minutes):
        self.name, self.parts, self.marks, self.skipped = name, [], [], []
        self.machine = machine.describe()
        self.warnings = machine.warnings(self.machine)
        self.began = time.monotonic()
        self.deadline = self.began + 60 * minutes
        print(self._head(), flush=True)

    def remaining(self, at_most=float("inf")):
        """Seconds that a step may take."""
        return min(at_most, self.deadline - time.monotonic())

    def section(self, title, work):
        """Runs `work(suite)`; if it cannot measure something, the reason is printed and the next section continues."""
        said(f"{title} ...")
        try:
            if self.remaining() <= 0:
                raise Unmeasured("the time limit of this target was reached before")
            work(self)
        except Unmeasured as why:
            self.unmeasured(title, why)
        except Exception as error:
            traceback.print_exc()
            self.unmeasured(title, f"{type(error).__name__}: {error}")
        self.write()

    def show(self, table):
        self.parts.append(table)
        print("\n" + table.markdown(), flush=True)

    def mark(self, what, measured, limit, at_least=False):
        """Notes a figure with a target: maximum `limit`, or minimum."""
        value = measured.median if isinstance(measured, Spread) else measured
        met = value >= limit if at_least else value <= limit
        self.marks.append((what, f"{'>=' if at_least else '<='} {text(limit)}", measured, "yes" if met else "**no**"))

    def show_marks(self):
        table = Table("Marks", ["measure", "mark", "measured", "met"], "Set before the measuring. Medians are compared.")
        for row in self.marks:
            table.add(*row)
        if self.marks:
            self.show(table)

    def unmeasured(self, what, why):
        line = f"Not measured: {what}: {why}"
        self.skipped.append(" ".join(line.split()))
        print("\n" + self.skipped[-1], flush=True)

    def _head(self):
        about = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in self.machine.items())
        return "\n\n".join([f"## {self.name}", about + "."] + [f"**Warning.** {text}" for text in self.warnings]) + "\n"

    def write(self):
        """Writes what there is so far, so that an interrupted run leaves its tables."""
        RESULTS.mkdir(parents=True, exist_ok=True)
        text = [self._head()] + [part.markdown() for part in self.parts]
        if self.skipped:
            text.append("\n".join(f"- {line}" for line in self.skipped) + "\n")
        lines = [line.rstrip() for line in "\n".join(text).split("\n")]
        (RESULTS / f"{self.name}.md").write_text("\n".join(lines))
        content = {
            "machine": self.machine,
            "warnings": self.warnings,
            "seconds": round(time.monotonic() - self.began),
            "tables": [part.json() for part in self.parts],
            "not_measured": self.skipped,
        }
        (RESULTS / f"{self.name}.json").write_text(json.dumps(content, indent=1) + "\n")


class Spread:
    """Several measurements of one thing: their median, minimum and maximum."""

    def __init__(self, values, digits=1):
        self.values, self.digits = list(values), digits

    @property
    def median(self):
        return statistics.median(self.values)

    def json(self):
        return {"median": self.median, "low": min(self.values), "high": max(self.values), "rounds": len(self.values)}

    def __str__(self):
        shown = [f"{value:,.{self.digits}f}" for value in (self.median, min(self.values), max(self.values))]
        return f"{shown[0]} ({shown[1]} to {shown[2]})" if len(self.values) > 1 else shown[0]


def text(cell):
    if isinstance(cell, float):
        return f"{cell:,.2f}" if abs(cell) < 10 else f"{cell:,.1f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def said(line):
    """Progress, on standard error."""
    print(f"[{time.strftime('%H:%M:%S')}] {line}", file=sys.stderr, flush=True)
