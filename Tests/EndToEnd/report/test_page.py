"""The page in a real browser: it draws, writes nothing to the console, and loads no external resources."""

import json

import pytest

from browser import Browser
from markup import Tags

if not Browser.program():
    pytest.skip("no Chromium here: apt-get install chromium", allow_module_level=True)

DONE_LIGHT, DONE_DARK = 0x0F766E, 0x2FB8A8
FAILED_LIGHT, FAILED_DARK = 0xC53030, 0xF47272
PAGE_LIGHT, PAGE_DARK = 0xF6F4F1, 0x131518


def test_loads_without_a_word(browser, finished):
    document, complaints = browser.document(finished.page)
    assert complaints == []
    tags = Tags(document)
    assert tags.seen.count("svg") > 10 and "script" not in tags.seen
    assert "<title>Throughput</title>" in document


def test_a_page_that_asks_for_something_is_noticed(browser, finished, tmp_path):
    """Shows that the test above can fail: the same page with an external picture is rejected and reported."""
    page = tmp_path / "bad.html"
    page.write_text(finished.page.read_text().replace("</main>", '<img src="http://127.0.0.1:9/x.png"></main>'))
    assert any("Content Security Policy" in line for line in browser.document(page)[1])


def test_draws_in_light_and_dark(browser, finished):
    light = browser.colors(finished.page)
    assert light.most_common(1)[0][0] in (PAGE_LIGHT, 0xFFFFFF) and light[PAGE_LIGHT] > 50_000
    assert light[DONE_LIGHT] > 8_000 and light[FAILED_LIGHT] > 100
    dark = browser.colors(finished.page, "--blink-settings=preferredColorScheme=0")
    assert dark[PAGE_DARK] > 50_000 and dark[PAGE_LIGHT] == 0
    assert dark[DONE_DARK] > 8_000 and dark[FAILED_DARK] > 100


def test_hostile_rows_stay_text(retort, browser, tmp_path):
    hostile = "</code><script>document.title='caught'</script><img src=x onerror=\"document.title='caught'\">"
    rows = [{"id": f"{hostile}{number}", "prompt": "hello"} for number in range(12)]
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = tmp_path / "run"
    retort("run", prompts, "--out", out, "--simulate", "--model", hostile, "--fail=400=0.5", status=75)
    retort("report", out)
    document, complaints = browser.document(out / "report" / "report.html")
    tags = Tags(document)
    assert complaints == [] and "script" not in tags.seen and "img" not in tags.seen
    assert "&lt;script&gt;" in document and "<title>caught" not in document
