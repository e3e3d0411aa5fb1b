"""Stages that judge others, and stages whose rows are made of several others' records."""

import json
import random
import subprocess
import time

import pytest

from conftest import REPOSITORY, Store, binary, environment

SCHEMA = REPOSITORY / "data" / "pipelines" / "score.schema.json"
JUDGED = """\
stages:
  - name: draft
    samples: 3
    temperature: 1
  - name: judge
    verdict-of: draft
    pass-at: 5
    schema: {schema}
    prompt: "Judge: {{response}}"
  - name: revision
    from: draft
    when: not pass and score < 4
    prompt: "{{score}} of 10, since {{feedback}}. Level {{level}}. {{response}}"
""".replace("{schema}", str(SCHEMA))


@pytest.fixture
def job(tmp_path):
    def write(server, rows, *lines, stages=JUDGED):
        path = tmp_path / "job.yaml"
        top = [f"input: {rows}", f"out: {tmp_path / 'out'}", f"base-url: {server.url}", "model: m", *lines]
        path.write_text("\n".join(top) + "\n" + stages)
        return path

    return write



def scores_of(out):
    """The judge's verdicts, by the id and the sample of the judged answer."""
    scores = {}
    for record in Store(out / "judge").lane("responses"):
        name, _, sample = record["id"].rpartition("#") if "#" in record["id"] else (record["id"], "", "0")
        scores[name, int(sample)] = json.loads(record["value"])
    return scores


def verdicts_of(out):
    return {(line["id"], line["sample"]): line for line in Store(out / "draft").lane("verdicts")}


def expect_verdicts(out, count):
    scores, verdicts = scores_of(out), verdicts_of(out)
    assert len(scores) == count and scores.keys() == verdicts.keys()
    for key, value in scores.items():
        verdict = verdicts[key]
        assert verdict["verifier"] == "judge"
        assert (verdict["score"], verdict["pass"]) == (value["score"], value["score"] >= 5)
        assert verdict["feedback"] == value["reason"]
    return scores


def test_scores_become_verdicts_pairs_and_second_tries(retort, prompts, job, tmp_path, teacher):
    server = teacher()
    path = job(server, prompts(40))
    retort("run", path)
    out = tmp_path / "out"
    scores = expect_verdicts(out, 120)
    low = {key for key, value in scores.items() if value["score"] < 4}
    assert 10 < len(low) < 110
    revised = Store(out / "revision").responses
    assert {name if sample == 0 else f"{name}#{sample}" for name, sample in low} == set(revised)
    for name, record in revised.items():
        base, _, sample = name.partition("#")
        value = scores[base, int(sample or 0)]
        said = f"{value['score']} of 10, since {value['reason']}. Level {base.partition('-')[2]}."
        assert record["messages"][0]["content"].startswith(said)
    assert server.requests == 240 + len(low)
    retort("run", path)
    assert server.requests == 240 + len(low), "what was judged is judged again"

    best = [json.loads(line) for line in retort("export", out / "draft", "--best-of", "score", "--ids", "-o", "-").stdout.splitlines()]
    drafts = {(record["id"], record["sample"]): record for record in Store(out / "draft").lane("responses")}
    assert len(best) == 40
    for line in best:
        name = line["id"].partition("#")[0]
        highest = max(scores[name, sample]["score"] for sample in range(3))
        texts = {drafts[name, sample]["response"] for sample in range(3) if scores[name, sample]["score"] == highest}
        assert line["messages"][-1]["content"] in texts
    pairs = retort("export", out / "draft", "--format", "preference", "-o", "-").stdout.splitlines()
    differ = sum(len({scores[name, sample]["score"] for sample in range(3)}) > 1 for name in {key[0] for key in scores})
    assert len(pairs) == differ > 10
    assert "judge" in retort("status", out / "draft").stdout
    for line in map(json.loads, retort("verify", out, "--deep", "--json").stdout.splitlines()):
        assert line.get("clean", True) and line.get("pending") == 0 and line.get("verdicts_missing", 0) == 0
    # A single store: the verdicts are fields of its rows.
    retort("run", out / "draft", "--out", tmp_path / "again", "--base-url", server.url, "--model", "m", "--where", "score < 4")
    assert len(Store(tmp_path / "again").responses) == len(low)


def test_killed_at_random_each_answer_is_judged_once(retort, prompts, job, tmp_path, teacher):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    dice = random.Random(seed)
    server = teacher("--latency", "lognormal:15ms,0.5")
    path = job(server, prompts(150), "concurrency: 24")
    kills = 0
    for _ in range(6):
        run = subprocess.Popen([binary(), "run", path, "--quiet"], env=environment(OPENAI_API_KEY="k"))
        time.sleep(dice.uniform(0.1, 0.4))
        kills += run.poll() is None
        run.kill()
        run.wait()
    retort("run", path)
    out = tmp_path / "out"
    scores = expect_verdicts(out, 450)
    low = sum(value["score"] < 4 for value in scores.values())
    assert len(Store(out / "revision").responses) == low
    assert server.billed[0] <= 900 + low + 24 * kills
    # Verdicts that a killed run did not write are written by the next one, without any request.
    requests = server.requests
    retort("run", path)
    assert server.requests == requests
    assert len(Store(out / "draft").lane("verdicts")) >= 450


def test_a_judge_that_was_edited_judges_again(retort, prompts, job, tmp_path, teacher):
    server = teacher()
    rows = prompts(20)
    retort("run", job(server, rows))
    before = scores_of(tmp_path / "out")
    retort("run", job(server, rows, stages=JUDGED.replace("Judge:", "Judge well:")), "--on-change", "rerun")
    after = expect_verdicts(tmp_path / "out", 60)
    assert after != before


JOINED = """\
stages:
  - name: left
  - name: right
    from: left
    {when}
    prompt: "Again: {{{{response}}}}"
  - name: both
    join: [left, right]
    prompt: "{{{{level}}}} | {{{{response}}}} | {{{{right.response}}}}"
"""


@pytest.mark.parametrize("when, count", [("when: metadata.level < 10", 10), ("", 30)])
def test_rows_of_several_stages(retort, prompts, job, tmp_path, teacher, when, count):
    server = teacher()
    retort("run", job(server, prompts(30), stages=JOINED.format(when=when)))
    out = tmp_path / "out"
    left, right, both = (Store(out / name).responses for name in ("left", "right", "both"))
    assert set(both) == set(right) and len(both) == count
    for name, record in both.items():
        level = name.partition("-")[2]
        assert record["messages"][0]["content"] == f"{level} | {left[name]['response']} | {right[name]['response']}"
    requests = server.requests
    retort("run", job(server, prompts(30), stages=JOINED.format(when=when)))
    assert server.requests == requests
    chain = [json.loads(line) for line in retort("verify", out, "--json").stdout.splitlines()][-1]
    assert (chain["stage"], chain["rows"], chain["done"]) == ("both", count, count)


@pytest.mark.parametrize(
    "change, said",
    [
        (("    pass-at: 5\n", ""), "does not say which score passes"),
        (("pass-at: 5", "pass-at: five"), "pass-at is not a number"),
        (("verdict-of: draft", "verdict-of: craft"), "there is no stage 'craft' before judge"),
        (("verdict-of: draft", "from: draft"), "pass-at is of a judge"),
        (("    prompt: \"Judge", "    samples: 2\n    prompt: \"Judge"), "one verdict of each judge"),
        (("    from: draft\n", "    join: [draft]\n"), "join is not a list of two stages"),
        (("    from: draft\n", "    join: [draft, jury]\n"), "there is no stage 'jury' before revision"),
    ],
)
def test_what_is_wrong_with_a_judge_is_said(retort, prompts, job, tmp_path, teacher, change, said):
    server = teacher()
    done = retort("run", job(server, prompts(2), stages=JUDGED.replace(*change)), status=None)
    assert done.returncode == 78 and said in done.stderr, done.stderr
    assert server.requests == 0 and not (tmp_path / "out").exists()
