"""Matrices, blocks of templates, gaps, previews, and the jobs in data/jobs."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import REPOSITORY, Store


@pytest.fixture
def workplace(tmp_path):
    shutil.copytree(REPOSITORY / "data" / "jobs", tmp_path / "data" / "jobs")
    return tmp_path


def test_a_matrix_resumes_grows_and_notices_changes(retort, teacher, tmp_path):
    server = teacher()
    job = tmp_path / "job.yaml"

    def write(copies, words):
        job.write_text(
            f"out: s\nmodel: m\nbase-url: {server.url}\nmatrix: {{level: [3, 4], topic: [a, b]}}\n"
            f"exclude: {{level: 3, topic: b}}\nper-combination: {copies}\n"
            f"prompt: '{words} {{{{level}}}} {{{{topic}}}}{{{{#if copy}}}} {{{{copy}}}}{{{{/if}}}}'\n")

    write(2, "Ask")
    retort("run", "job.yaml", cwd=tmp_path)
    records = Store(tmp_path / "s").responses
    assert set(records) == {f"level={level},topic={topic}{copy}" for level, topic in [(3, "a"), (4, "a"), (4, "b")]
                            for copy in ["", ",copy=2"]}
    assert json.loads(records["level=4,topic=b"]["metadata"]) == {"level": 4, "topic": "b", "copy": 1}
    retort("run", "job.yaml", cwd=tmp_path)
    assert server.requests == 6
    write(3, "Ask")
    retort("run", "job.yaml", cwd=tmp_path)
    assert server.requests == 9
    write(3, "Tell")
    assert "template" in retort("run", "job.yaml", cwd=tmp_path, status=78).stderr
    retort("run", "job.yaml", "--on-change", "rerun", cwd=tmp_path)
    assert server.requests == 18


def test_a_billion_combinations_cost_nothing(retort, tmp_path):
    (tmp_path / "job.yaml").write_text(
        "out: s\nsimulate: true\nmatrix: {a: {range: [1, 1000]}, b: {range: [1, 1000]}, c: {range: [1, 1000]}}\n"
        "prompt: '{{a}} {{b}} {{c}}'\n")
    retort("run", "job.yaml", "--limit", "5", "--skip", "3", cwd=tmp_path)
    assert set(Store(tmp_path / "s").responses) == {f"a=1,b=1,c={n}" for n in range(4, 9)}
    told = retort("run", "job.yaml", "--preview", "2", "--out", "other", cwd=tmp_path).stdout
    assert "row 250000000, a=250,b=1000,c=1000" in told and "1,000,000,000 from 1,000,000,000 rows" in told
    assert not (tmp_path / "other").exists()


def test_a_preview_stores_nothing_unless_kept(retort, teacher, tmp_path):
    server = teacher()
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps({"id": f"r{n}", "prompt": f"p{n}"}) + "\n" for n in range(9)))
    arguments = ["run", "rows.jsonl", "--out", "s", "-m", "m", "--base-url", server.url]
    told = retort(*arguments, "--preview", "3", cwd=tmp_path).stdout
    assert [f"user: p{n}" in told for n in range(9)] == [n in (1, 4, 7) for n in range(9)]
    assert not (tmp_path / "s").exists() and server.requests == 3
    retort(*arguments, "--preview", "3", "--keep", cwd=tmp_path)
    assert set(Store(tmp_path / "s").responses) == {"r1", "r4", "r7"}
    retort(*arguments, cwd=tmp_path)
    assert len(Store(tmp_path / "s").responses) == 9 and server.requests == 3 + 9


def test_gaps_are_filled_by_marks(retort, workplace):
    retort("run", "data/jobs/function-names.yaml", "--job", "middle", "--simulate", cwd=workplace)
    records = Store(workplace / "runs" / "names-middle").lane("responses")
    assert len(records) == 12 and all(record["prompt"] == "def " and "(" in record["suffix"] for record in records)
    clash = retort("run", "data/jobs/function-names.yaml", "--job", "middle", "--simulate", "--endpoint", "chat",
                   "--out", "o", cwd=workplace, status=64)
    assert "cannot be sent to the endpoint chat" in clash.stderr


@pytest.mark.parametrize("job, name, out, count", [
    ("function-names", "left-to-right", "names-left-to-right", 12),
    ("exam-items", None, "exam-items", 70),
])
def test_jobs_of_the_repository_run(retort, workplace, job, name, out, count):
    chosen = ["--job", name] if name else []
    retort("run", f"data/jobs/{job}.yaml", *chosen, "--simulate", "--latency", "1ms", cwd=workplace)
    store = Store(workplace / "runs" / out)
    assert len(store.lane("responses")) == count and not store.failures
    retort("verify", Path("runs") / out, cwd=workplace)
    if job == "exam-items":
        # One request per combination, and each item with its own position in it.
        shares = [json.loads(record["other"])["shared"] for record in store.lane("responses")]
        assert len({share["request"] for share in shares}) == 14 and {share["of"] for share in shares} == {5}


def test_pairs_are_made_in_two_stages(retort, workplace):
    for name in ["instructions", "answers"]:
        retort("run", "data/jobs/instruction-pairs.yaml", "--job", name, "--simulate", "--latency", "1ms", cwd=workplace)
    asked = Store(workplace / "runs" / "instructions").responses
    answered = Store(workplace / "runs" / "answers").responses
    assert len(asked) == len(answered) == 40
    instructions = {json.loads(record["value"])["instruction"] for record in asked.values()}
    for record in answered.values():
        assert record["messages"][-1]["content"] in instructions
        assert set(json.loads(record["value"])) == {"answer"}


def test_llama_cpp_fills_in(retort, teacher, tmp_path):
    """Through its /infill, which is next to /v1; resumed and retried like any other."""
    server = teacher()
    source = tmp_path / "p.jsonl"
    rows = [{"id": f"q{n}", "prefix": f"def f{n}(", "suffix": "return 1\n" if n else ""} for n in range(3)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = ("run", source, "--out", tmp_path / "o", "--fim", "native", "--provider", "llamacpp", "--model", "m",
           "--max-tokens", 5, "--keep-body")
    retort(*run, "--base-url", server.url)
    for number, record in enumerate(Store(tmp_path / "o").responses.values()):
        body = json.loads(record["body"])
        assert body["stop_type"] == "limit" and record["finish_reason"] == "length"
        assert record["usage"]["completion_tokens"] == body["tokens_predicted"] == 5
    retort(*run, "--base-url", server.url.removesuffix("/v1"))
    assert server.requests == 3
    retort("run", source, "--out", tmp_path / "s", "--endpoint", "infill", "--model", "m", "--base-url", server.url, "--stream")
    assert all(record["response"] for record in Store(tmp_path / "s").responses.values())
    assert "--endpoint" in retort(*run, "--endpoint", "chat", "--base-url", server.url, status=64).stderr
