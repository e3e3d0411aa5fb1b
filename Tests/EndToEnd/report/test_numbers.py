"""The report's numbers compared with the records themselves."""

import math
from collections import Counter

import pytest

from markup import Tags


def nearest_rank(values, share):
    ordered = sorted(values)
    return ordered[max(1, math.ceil(share * len(ordered))) - 1]


def test_counts_agree_with_the_records(finished):
    summary, done, failed = finished.summary(), finished.records("responses"), finished.records("failures")
    assert summary["format"] == "retort summary" and summary["version"] == 1
    assert summary["state"] == "incomplete" and summary["writer"] == ""
    progress = summary["progress"]
    assert (progress["done"], progress["failed"], progress["pending"]) == (len(done), len(failed), 0)
    assert progress["items"] == len(done) + len(failed) == 320
    assert {part["class"]: part["count"] for part in summary["failures"]} == Counter(r["class"] for r in failed)
    assert {part["name"]: part["count"] for part in summary["finish_reasons"]} == Counter(
        r["finish_reason"] for r in done
    )
    assert {part["name"]: part["count"] for part in summary["models"]} == Counter(r["model"] for r in done)
    attempts = Counter(r["attempts"] for r in done)
    assert {part["attempts"]: part["done"] for part in summary["attempts"] if part["done"]} == attempts


@pytest.mark.parametrize("name", ["latency_ms", "prompt_tokens", "completion_tokens"])
def test_distributions_agree_with_the_records(finished, name):
    summary, records = finished.summary(), finished.records("responses")
    latency = name == "latency_ms"
    found = summary[name] if latency else summary["tokens"][name.removesuffix("_tokens")]
    values = [r[name] if latency else r["usage"][name] for r in records]
    assert (found["count"], found["sum"]) == (len(values), sum(values))
    assert (found["min"], found["max"]) == (min(values), max(values))
    for key, share in [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)]:
        exact = nearest_rank(values, share)
        assert abs(found[key] - exact) <= exact * summary["quantile_error"]
    assert sum(bar["count"] for bar in found["bars"]) == len(values)
    edge = [(bar["from"], bar["to"]) for bar in found["bars"]]
    assert all(before[1] == after[0] for before, after in zip(edge, edge[1:]))


def test_the_timeline_holds_every_outcome(finished):
    summary, done, failed = finished.summary(), finished.records("responses"), finished.records("failures")
    columns, seconds = summary["timeline"]["columns"], summary["timeline"]["column_seconds"]
    assert seconds == 1 and summary["untimed"] == 0
    times = Counter(r["created"] for r in done)
    assert {column["start"]: column["done"] for column in columns if column["done"]} == times
    by_class = Counter()
    for column in columns:
        by_class.update(column["failed_by_class"])
    assert by_class == Counter(r["class"] for r in failed)
    created = [r["created"] for r in done + failed]
    assert (summary["pace"]["first"], summary["pace"]["last"]) == (min(created), max(created))


def test_sizes_are_those_of_the_files(finished):
    storage = finished.summary()["storage"]
    for lane in ("responses", "failures"):
        files = list((finished.folder / lane).glob("*.jsonl.gz"))
        assert storage[lane]["segments"] == len(files)
        assert storage[lane]["segment_bytes"] == sum(file.stat().st_size for file in files)
        assert storage[lane]["records"] == len(finished.records(lane))
        assert storage[lane]["ratio"] == pytest.approx(storage[lane]["raw_bytes"] / storage[lane]["segment_bytes"])


def test_only_options_and_names_are_texts(finished):
    """Numbers are numbers: a text that reads as one would have to be converted by every program.

    Options are all texts, as they are given: one of them may be `auto`, `2m` or a number.
    """

    def texts(value, path):
        if isinstance(value, dict):
            for name, part in value.items():
                yield from texts(part, f"{path}.{name}")
        elif isinstance(value, list):
            for part in value:
                yield from texts(part, path)
        elif isinstance(value, str) and value.replace(".", "", 1).isdigit():
            yield path

    settings = finished.summary()["last_run"]["settings"]
    assert {type(value) for value in settings.values()} == {str} and settings["concurrency"] == "16"
    allowed = (".job.", ".last_run.settings.", ".store.id")
    assert [path for path in texts(finished.summary(), "") if not path.startswith(allowed)] == []


def test_prints_the_paths_and_leaves_nothing_else(retort, finished, tmp_path):
    paths = retort("report", finished.folder, "-o", tmp_path / "deep" / "out").stdout.splitlines()
    names = ["REPORT.txt", "summary.json", "report.html"]
    assert paths == [str(tmp_path / "deep" / "out" / name) for name in names]
    assert sorted(path.name for path in (tmp_path / "deep" / "out").iterdir()) == sorted(names)
    text = (tmp_path / "deep" / "out" / "REPORT.txt").read_text()
    assert "bad_request" in text and "p95" in text
    assert max(map(len, text.splitlines())) <= 120


def test_what_is_no_store_is_said_to_be_none(retort, tmp_path):
    error = retort("report", tmp_path, status=1).stderr
    assert "not a store" in error and str(tmp_path) in error
    assert not (tmp_path / "report").exists()


def test_is_well_formed(finished):
    tags = Tags(finished.page.read_text())
    assert tags.errors == [] and tags.open == []
    assert {name for name, _ in tags.attributes} & {"onload", "onerror", "onclick", "style"} == set()
