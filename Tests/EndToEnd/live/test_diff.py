"""`retort diff`: two stores compared by row, with their verdicts, as text, JSON and a page."""

import json
import re
import subprocess
import sys

import pytest
from program import RUN_SECONDS_MAX, binary, clean_environment

ROWS = 60


def once(*arguments, status=0):
    command = [str(part) for part in (binary(), *arguments)]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_SECONDS_MAX, env=clean_environment()
    )
    assert done.returncode == status, done
    return done


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """Two stores of the same rows with other seeds of the model server, judged by a pattern and by a verifier that accepts all."""
    folder = tmp_path_factory.mktemp("diff")
    prompts = folder / "prompts.jsonl"
    rows = [{"id": f"<b>row</b> {n}", "prompt": f"number {n} <script>alert(1)</script>"} for n in range(ROWS)]
    prompts.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name, seed in (("a", "1"), ("b", "2")):
        once("run", prompts, "--out", folder / name, "--simulate", "--latency", "1ms", "--server-seed", seed,
             "--price", "1 - 4")  # fmt: skip
        # The same verifiers, so the verdicts differ only because of the texts.
        once("evaluate", folder / name, "--verifier", "regex:^[A-L]", "--verifier", "regex:.", "--quiet")
    once("evaluate", folder / "a", "--verifier", "regex:only in a", "--quiet")
    return folder / "a", folder / "b"


def test_scores_are_compared_of_verifiers_that_judged_both(stores):
    rows = [json.loads(line) for line in once("diff", *stores, "--json").stdout.splitlines()]
    counts = rows.pop()
    assert set(counts["verifiers"]) == {"regex:^[A-L]", "regex:."}
    whole = {row["id"]: row for row in rows}
    verdicts = [(row["a"]["verdicts"]["regex:^[A-L]"]["pass"], row["b"]["verdicts"]["regex:^[A-L]"]["pass"]) for row in rows]
    found = counts["verifiers"]["regex:^[A-L]"]
    assert found["judged"] == ROWS
    assert found["gained"] == verdicts.count((False, True)) and found["lost"] == verdicts.count((True, False))
    assert found["passed_b"] - found["passed_a"] == found["gained"] - found["lost"]
    assert found["score_sum_a"] == found["passed_a"] and counts["verifiers"]["regex:."]["passed_a"] == ROWS
    for row in whole.values():
        assert row["a"]["verdicts"]["regex:^[A-L]"]["pass"] == bool(re.match("[A-L]", row["a"]["response"]))
    text = once("diff", *stores, "--show", "1").stdout
    assert re.search(rf"^regex:\^\[A-L\] +{ROWS} +{found['passed_a']} +{found['passed_b']} ", text, re.M)
    assert "regex:.: passed 1" in text


def test_the_page_shows_both_sides(stores, page, tmp_path):
    path = tmp_path / "diff.html"
    assert once("diff", *stores, "--html", path, "--show", "20").stdout.strip() == str(path)
    for width, dark in ((360, False), (1600, True)):
        page.open(path.as_uri(), width, dark=dark)
        page.wait_for("document.readyState === 'complete' && document.querySelectorAll('pre').length === 40")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        wide = "[...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll, pre')"
        wide += " && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"
        assert page.evaluate(wide) == []
    differing = int(re.search(r"first 20 of (\d+)", page.evaluate("document.body.textContent")).group(1))
    assert 20 < differing <= ROWS
    # The stores' content is text, never markup, and no external resources are loaded.
    assert page.evaluate("document.querySelectorAll('h2 b, script, pre script').length") == 0
    assert page.evaluate("document.querySelector('section:has(pre) h2').textContent").startswith("<b>row</b>")
    first = page.evaluate("[...document.querySelectorAll('pre')].slice(0, 2).map(e => e.textContent)")
    assert first[0] and first[1] and first[0] != first[1]
    # Side by side if there is room.
    tops = page.evaluate("[...document.querySelectorAll('.pair > div:has(pre)')].slice(0, 2).map(e => e.getBoundingClientRect().top)")
    assert abs(tops[0] - tops[1]) < 2
    assert page.complaints == []


def test_the_same_answers_judged_otherwise_are_rows(stores, tmp_path):
    once("copy", stores[0], tmp_path / "copy")
    mark = tmp_path / "mark"
    script = tmp_path / "grade.py"
    script.write_text(
        "import json, os, sys\n"
        "for line in sys.stdin:\n"
        f"    told = {{'id': json.loads(line)['id'], 'pass': os.path.exists({str(mark)!r})}}\n"
        "    print(json.dumps(told), flush=True)\n"
    )
    grader = f"{sys.executable} {script}"
    once("evaluate", stores[0], "--verifier", grader, "--quiet")
    mark.touch()
    once("evaluate", tmp_path / "copy", "--verifier", grader, "--quiet")
    rows = [json.loads(line) for line in once("diff", stores[0], tmp_path / "copy", "--json").stdout.splitlines()]
    counts = rows.pop()
    assert (counts["same"], counts["answer"], counts["verdict"]) == (ROWS, 0, ROWS)
    assert {row["change"] for row in rows} == {"verdict"} and len(rows) == ROWS
    assert "judged otherwise" in once("diff", stores[0], tmp_path / "copy", "--show", "0").stdout


def test_a_page_that_cannot_be_written_is_told_before_the_work(stores, tmp_path):
    told = once("diff", *stores, "--html", tmp_path / "no" / "where.html", status=74).stderr
    assert "where.html" in told
