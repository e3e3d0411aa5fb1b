"""`--until-accepted`: rows and samples are drawn until enough answers are accepted."""

import json
import random
import subprocess
import time

import pytest

from conftest import Store, binary, environment

JUDGED = ("--fields", "answer:A|B|C|D", "--verifier", "equals:expected", "--temperature", "1")


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.jsonl"
    lines = [{"id": f"q{number}", "prompt": f"Question {number}?", "expected": {"answer": "ABCD"[number % 4]}} for number in range(120)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_enough_answers_and_no_more_than_that(retort, rows, tmp_path, teacher):
    server = teacher()
    run = ["run", rows, "--out", tmp_path / "out", "--base-url", server.url, "--model", "m", *JUDGED]
    done = retort(*run, "--until-accepted", 10)
    store = Store(tmp_path / "out")
    accepted = len(store.responses)
    assert 10 <= accepted <= 20 and server.requests < 120
    assert f"{accepted} answers are accepted" in done.stderr
    requests = server.requests
    retort(*run, "--until-accepted", 10)
    assert server.requests == requests
    # The rows alone do not have that many.
    done = retort(*run, "--until-accepted", 100, status=75)
    assert "of 100 answers: add rows, or raise --samples" in done.stderr and server.requests == 120
    done = retort(*run, "--until-accepted", 100, "--samples", 20)
    keys = [(line["id"], line["sample"]) for line in Store(tmp_path / "out").lane("responses")]
    assert 100 <= len(set(keys)) == len(keys) <= 120
    assert "more need about" in done.stderr
    assert server.requests < 800
    retort("verify", tmp_path / "out", "--deep")


def test_a_goal_in_a_job_file_and_kills(retort, rows, tmp_path, teacher):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    dice = random.Random(seed)
    server = teacher("--latency", "20ms")
    path = tmp_path / "job.yaml"
    path.write_text(f"""\
input: {rows}
out: {tmp_path / 'out'}
base-url: {server.url}
model: m
concurrency: 8
stages:
  - name: draw
    fields: "answer:A|B|C|D"
    verifier: equals:expected
    temperature: 1
    samples: 30
    until: {{accepted: 60}}
  - name: next
    from: draw
    prompt: "{{{{response}}}}"
""")
    kills = 0
    for _ in range(4):
        run = subprocess.Popen([binary(), "run", path, "--quiet"], env=environment(OPENAI_API_KEY="k"))
        time.sleep(dice.uniform(0.1, 0.5))
        kills += run.poll() is None
        run.kill()
        run.wait()
    retort("run", path)
    draw, following = Store(tmp_path / "out" / "draw"), Store(tmp_path / "out" / "next")
    accepted = len(draw.lane("responses"))
    assert 60 <= accepted <= 60 + 8 and len(following.responses) == accepted
    outcomes = accepted + len(draw.lane("failures"))
    assert server.billed[0] <= outcomes + accepted + 8 * kills


def test_a_goal_does_not_wait_for_what_never_comes(retort, rows, tmp_path, teacher):
    server = teacher("--fail", "400=1")
    refused = retort(
        "run", rows, "--out", tmp_path / "refused", "--base-url", server.url, "--model", "m", "--until-accepted", 3, status=None
    )
    assert refused.returncode != 0 and server.requests >= 10
    # A verifier that fails judges nothing, and the answers stay.
    server = teacher()
    unjudged = retort(
        "run", rows, "--out", tmp_path / "unjudged", "--base-url", server.url, "--model", "m", "--until-accepted", 3,
        "--verifier", "exit 1", status=None,
    )
    assert unjudged.returncode != 0 and server.requests >= 3


def test_the_report_tells_of_rounds_and_verifiers(retort, rows, tmp_path, teacher):
    server = teacher()
    out = tmp_path / "out"
    done = retort(
        "run", rows, "--out", out, "--base-url", server.url, "--model", "m", *JUDGED, "--rounds", 3, status=75
    )
    answers, failures = Store(out).lane("responses"), Store(out).lane("failures")
    passed = [sum(record["rounds"] == number for record in answers) for number in (1, 2, 3)]
    reached = [120, 120 - passed[0], 120 - passed[0] - passed[1]]
    told = f"judged {sum(reached)}, {len(answers)} passed ({passed[0]} in round 1, {passed[1]} in round 2"
    assert told in done.stderr
    judged = json.loads(retort("report", out, "--json").stdout)["judged"]
    assert [(line["judged"], line["passed"]) for line in judged["rounds"]] == list(zip(reached, passed))
    (verifier,) = judged["verifiers"]
    assert (verifier["name"], verifier["judged"], verifier["passed"]) == ("equals:expected", 120, len(answers))
    (pass_at,) = verifier["pass_at"]
    assert pass_at["value"] == pytest.approx(len(answers) / 120) and len(failures) == 120 - len(answers)
    latencies = sum(record["latency_ms"] for record in Store(out).lane("rounds"))
    assert judged["seconds"]["answers"] + judged["seconds"]["rounds"] == pytest.approx(latencies / 1000)
    text = (out / "report" / "REPORT.txt").read_text()
    assert f"{passed[1]} of {reached[1]} passed" in text and f"{len(answers)} of 120 passed" in text
