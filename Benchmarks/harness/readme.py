"""`python3 Benchmarks/harness/readme.py`: puts the last results and their drawings into Benchmarks/README.md.

Only what stands between a `<!-- results: NAME -->` and the next `<!-- end -->` is written anew.
"""

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


def main():
    def anew(found):
        text = part(found[1])
        return found[0] if text is None else f"<!-- results: {found[1]} -->\n{text}\n<!-- end -->"

    old = README.read_text()
    new = re.sub(r"(?s)<!-- results: (\w+) -->.*?<!-- end -->", anew, old)
    README.write_text(new)
    print(f"{README}: {'as it was' if new == old else 'written anew'}", file=sys.stderr)


if __name__ == "__main__":
    main()
