"""A store as the input of a run: each answer is a row of the next stage."""

import json
import random
import subprocess
import time

import pytest

from conftest import Store, binary, environment


@pytest.fixture
def review(tmp_path):
    path = tmp_path / "review.txt"
    path.write_text("Review of level {{level}}: {{response}}")
    return path


def stage(retort, source, out, template, server, *flags, status=0):
    command = ("run", source, "--out", out, "--template", template, "--base-url", server.url, "--model", "m")
    return retort(*command, *flags, status=status)


def test_every_answer_is_asked_about_once_and_growth_costs_what_is_new(retort, prompts, tmp_path, teacher, review):
    server = teacher()
    draft, out = tmp_path / "draft", tmp_path / "review"

    def ask(count):
        retort(
            "run", prompts(count), "--out", draft, "--base-url", server.url, "--model", "m", "--samples", "2"
        )

    ask(20)
    stage(retort, draft, out, review, server)
    assert server.requests == 80
    records = Store(out).responses
    drafts = {(record["id"], record["sample"]): record for record in Store(draft).lane("responses")}
    assert set(records) == {f"q-{number}" for number in range(20)} | {f"q-{number}#1" for number in range(20)}
    for name, record in records.items():
        id, _, sample = name.partition("#")
        source = drafts[id, int(sample or 0)]
        assert record["messages"][-1]["content"] == f"Review of level {id[2:]}: {source['response']}"
        assert json.loads(record["metadata"]) == json.loads(source["metadata"])

    assert "none sent" in stage(retort, draft, out, review, server).stderr
    ask(30)
    plan = json.loads(retort("plan", draft, "--out", out, "--template", review, "--model", "m", "--json").stdout)
    assert (plan["items"], plan["done"], plan["new"]) == (60, 40, 20)
    stage(retort, draft, out, review, server)
    assert server.requests == 80 + 40
    report = json.loads(retort("verify", out, "--deep", "--json").stdout)
    assert report["clean"] and (report["inputs"], report["done"], report["pending"]) == (60, 60, 0)


def test_an_answer_that_changed_upstream_is_a_changed_prompt(retort, prompts, tmp_path, teacher, review):
    server = teacher()
    draft, out = tmp_path / "draft", tmp_path / "review"
    ask = ("--out", draft, "--base-url", server.url, "--model", "m")
    rows = prompts(20)
    retort("run", rows, *ask)
    stage(retort, draft, out, review, server)
    rows.write_text(rows.read_text().replace("Question 7?", "Question seven?"))
    retort("run", rows, *ask, "--on-change", "rerun")
    before = server.requests
    refused = stage(retort, draft, out, review, server, status=78)
    assert "1 prompt changed since it was answered" in refused.stderr and server.requests == before
    stage(retort, draft, out, review, server, "--on-change", "rerun")
    assert server.requests == before + 1
    assert len(Store(out).lane("responses")) == len(Store(out).responses) == 20
    assert "none sent" in stage(retort, draft, out, review, server).stderr


def test_killed_again_and_again_beside_the_run_that_fills_its_source(retort, prompts, tmp_path, teacher, review):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    dice = random.Random(seed)
    server = teacher("--latency", "lognormal:20ms,0.5")
    draft, out = tmp_path / "draft", tmp_path / "review"
    common = ["--base-url", server.url, "--model", "m", "--concurrency", "20", "--quiet"]
    first = [binary(), "run", prompts(1500), "--out", draft, *common]
    second = [binary(), "run", draft, "--out", out, "--template", review, *common]
    start = lambda command: subprocess.Popen([str(part) for part in command], env=environment(OPENAI_API_KEY="k"))
    kills = 0
    source = start(first)
    while not (draft / "retort.json").exists():
        time.sleep(0.01)
    for _ in range(8):
        run = start(second)
        time.sleep(dice.uniform(0.1, 0.6))
        kills += run.poll() is None
        run.kill()
        run.wait()
        if dice.random() < 0.5 and source.poll() is None:
            source.kill()
            source.wait()
            kills += 1
            source = start(first)
    source.wait()
    retort("run", first[2], "--out", draft, *common)
    stage(retort, draft, out, review, server, "--concurrency", "20")
    for store in (draft, out):
        assert len(Store(store).lane("responses")) == len(Store(store).responses) == 1500
        assert json.loads(retort("verify", store, "--deep", "--json").stdout)["clean"]
    assert server.requests <= 2 * 1500 + 20 * kills


def test_what_cannot_be_an_input_is_said(retort, prompts, finished, tmp_path, review):
    draft = finished(4)
    same = retort("run", draft.root, "--out", draft.root, "--simulate", status=64)
    assert "the input is the store that --out names" in same.stderr
    both = retort("run", draft.root, prompts(3, "more.jsonl"), "--out", tmp_path / "x", "--simulate", status=64)
    assert "a store is named together with other inputs" in both.stderr
    review.write_text("{{answer}}")
    typo = retort("run", draft.root, "--out", tmp_path / "x", "--template", review, "--simulate", status=78)
    assert "{{answer}} is missing in 4 of 4 rows" in typo.stderr and "level" in typo.stderr
    assert not (tmp_path / "x").exists()


def test_a_conversation_goes_on(retort, finished, tmp_path, review):
    draft = finished(4)
    review.write_text("Why, at level {{level}}?")
    out = tmp_path / "next"
    retort("run", draft.root, "--out", out, "--template", review, "--continue", "--simulate")
    for name, record in Store(out).responses.items():
        turns = [(turn["role"], turn["content"]) for turn in record["messages"]]
        source = draft.responses[name]
        assert turns == [
            ("user", source["messages"][0]["content"]),
            ("assistant", source["response"]),
            ("user", f"Why, at level {name[2:]}?"),
        ]
    changed = retort("run", draft.root, "--out", out, "--template", review, "--simulate", status=78)
    assert "continue is yes in the store" in changed.stderr
