"""Jobs with `stages:`: several runs at once, each fed by the one before."""

import json
import random
import signal
import subprocess
import time

import pytest

from conftest import REPOSITORY, Store, binary, environment

STAGES = """\
stages:
  - name: draft
  - name: review
    from: draft
    prompt: "{verb} this of level {{{{level}}}}: {{{{response}}}}"
  - name: short
    from: review
    continue: true
    prompt: In one sentence.
"""


@pytest.fixture
def job(tmp_path):
    """job(server, rows, *lines, stages): the path of a job file."""

    def write(server, rows, *lines, stages=STAGES.format(verb="Review")):
        path = tmp_path / "job.yaml"
        top = [f"input: {rows}", f"out: {tmp_path / 'out'}", f"base-url: {server.url}", "model: m", *lines]
        path.write_text("\n".join(top) + "\n" + stages)
        return path

    return write


def expect_whole(retort, out, count, stages=("draft", "review", "short")):
    """Each stage has one line for each item, and the proof of the whole confirms it."""
    for name in stages:
        store = Store(out / name)
        assert len(store.lane("responses")) == len(store.responses) == count, name
    lines = [json.loads(line) for line in retort("verify", out, "--deep", "--json").stdout.splitlines()]
    assert all(line["clean"] for line in lines[: len(stages)])
    for chain in lines[len(stages) :]:
        assert (chain["rows"], chain["done"], chain["pending"], chain["others"]) == (count, count, 0, 0), chain


def test_every_item_goes_through_all_stages_once(retort, prompts, job, tmp_path, teacher):
    server = teacher()
    path = job(server, prompts(60))
    done = retort("run", path)
    assert server.requests == 180 and "every item of every stage" in done.stderr
    out = tmp_path / "out"
    expect_whole(retort, out, 60)
    drafts, reviews = Store(out / "draft").responses, Store(out / "review").responses
    for name, record in Store(out / "short").responses.items():
        turns = [turn["content"] for turn in record["messages"]]
        level = name.partition("-")[2]
        assert turns == [
            f"Review this of level {level}: {drafts[name]['response']}", reviews[name]["response"], "In one sentence."
        ]
    retort("run", path)
    assert server.requests == 180
    assert retort("status", out).stdout.split("\n")[0].split() == ["draft", "review", "short"]
    retort("report", out)
    assert (out / "review" / "report" / "REPORT.txt").exists()


def test_rows_that_no_stage_could_send_are_not_passed_over(retort, job, tmp_path, teacher):
    """A template with a mistake stops the stage before anything is recorded; the corrected one gets all rows."""
    server, rows, count = teacher(), tmp_path / "rows.jsonl", 800
    rows.write_text("".join(json.dumps({"id": f"q-{n}", "prompt": "word " * 600 + str(n)}) + "\n" for n in range(count)))
    stages = "stages:\n  - name: draft\n  - name: review\n    from: draft\n    prompt: 'R {{%s}} {{metadata.x ?? \"\"}}'\n"
    told = retort("run", job(server, rows, stages=stages % "nofield"), status=None)
    assert "nofield" in told.stderr and "Nothing was sent" in told.stderr
    retort("run", job(server, rows, stages=stages % "response"))
    expect_whole(retort, tmp_path / "out", count, ("draft", "review"))


def test_killed_at_random_nothing_is_lost_or_paid_twice(retort, prompts, job, tmp_path, teacher):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    dice = random.Random(seed)
    server = teacher("--latency", "lognormal:15ms,0.5", "--fail", "500=0.01")
    path = job(server, prompts(500), "concurrency: 24", "retry-base: 20ms")
    out = tmp_path / "out"
    received = {name: set() for name in ("draft", "review", "short")}
    kills = 0
    for _ in range(8):
        run = subprocess.Popen([binary(), "run", path, "--quiet"], env=environment(OPENAI_API_KEY="k"))
        time.sleep(dice.uniform(0.1, 0.5))
        kills += run.poll() is None
        run.kill()
        run.wait()
        for name, before in received.items():
            if not (out / name / "retort.json").exists():
                continue
            lines = retort("cat", out / name).stdout.splitlines()
            now = {json.loads(line)["id"] for line in lines}
            assert before <= now, f"answers of {name} have vanished"
            received[name] = now
    retort("run", path)
    expect_whole(retort, out, 500)
    # Each kill loses maximum one window in flight, which all stages share.
    assert server.billed[0] <= 1500 + 24 * kills


def test_a_stage_that_changes_is_sent_again_with_what_follows(retort, prompts, job, tmp_path, teacher):
    server = teacher()
    rows = prompts(30)
    retort("run", job(server, rows))
    path = job(server, rows, stages=STAGES.format(verb="Judge"))
    refused = retort("run", path, status=78)
    assert "template" in refused.stderr and "review" in refused.stderr and server.requests == 90
    told = "30 items of review, and up to 30 of what follows (short)"
    assert told in refused.stderr
    assert told in retort("run", path, "--on-change", "rerun").stderr
    assert server.requests == 90 + 60
    expect_whole(retort, tmp_path / "out", 30)
    assert "  to send  0" in retort("plan", path).stdout
    reviews = Store(tmp_path / "out" / "review").responses
    for name, record in Store(tmp_path / "out" / "short").responses.items():
        assert record["messages"][1]["content"] == reviews[name]["response"]


def test_answers_that_come_while_a_later_stage_compares_are_taken(retort, job, tmp_path, teacher):
    """A template that changes the first rows alone: many are compared still when the first new answers come."""
    server, rows, count, changed = teacher(), tmp_path / "rows.jsonl", 6000, 40
    late = [{"late": " Soon."} if n < changed else {} for n in range(count)]
    fields = [{"id": f"q-{n}", "prompt": f"What is {n}?", **late[n]} for n in range(count)]
    rows.write_text("".join(json.dumps(row) + "\n" for row in fields))
    stages = STAGES.partition("    prompt:")[0] + "    prompt: '%s'\n" + STAGES[STAGES.index("  - name: short") :]
    retort("run", job(server, rows, stages=stages % "Judge this: {{response}}"))
    assert server.requests == 3 * count
    path = job(server, rows, stages=stages % 'Judge this: {{response}}{{late ?? ""}}')
    retort("run", path, "--on-change", "rerun")
    assert server.requests == 3 * count + 2 * changed
    reviews = Store(tmp_path / "out" / "review").responses
    for name, record in Store(tmp_path / "out" / "short").responses.items():
        assert record["messages"][1]["content"] == reviews[name]["response"], name


def test_rejected_answers_go_to_the_stronger_model(retort, prompts, job, tmp_path, teacher):
    server = teacher("--fail", "400=0.4")
    stages = """\
stages:
  - name: cheap
    attempts: 1
  - name: strong
    from: cheap
    when: cheap.rejected
    model: big
    attempts: 50
    refusals-max: 0
"""
    out = tmp_path / "out"
    retort("run", job(server, prompts(60), stages=stages), status=75)
    failed = {name for name in Store(out / "cheap").failures}
    assert 5 < len(failed) < 55
    strong = Store(out / "strong")
    assert set(strong.responses) | set(strong.failures) == failed
    cheap = Store(out / "cheap").failures
    for name, record in strong.responses.items():
        assert record["messages"] == cheap[name]["messages"]


def test_one_budget_for_all_stages(retort, prompts, job, tmp_path, teacher):
    server = teacher()
    path = job(server, prompts(200), "price: 1 1 1", "max-cost: 0.01", "max-tokens: 100", "concurrency: 8")
    done = retort("run", path, status=75)
    _, prompt_tokens, completion_tokens = server.billed
    assert 0.005 < (prompt_tokens + completion_tokens) / 1e6 <= 0.01
    assert "budget" in done.stderr
    retort("run", path, status=75)
    _, prompt_tokens, completion_tokens = server.billed
    assert (prompt_tokens + completion_tokens) / 1e6 <= 0.01


def test_an_interrupt_ends_all_stages_and_the_same_command_goes_on(retort, prompts, job, tmp_path, teacher):
    server = teacher("--latency", "50ms")
    path = job(server, prompts(200), "concurrency: 8")
    run = subprocess.Popen([binary(), "run", path], env=environment(OPENAI_API_KEY="k"), stderr=subprocess.PIPE, text=True)
    while server.requests < 60:
        time.sleep(0.02)
    run.send_signal(signal.SIGINT)
    said = run.communicate(timeout=30)[1]
    assert run.returncode == 130 and "resume with" in said
    retort("run", path)
    assert server.requests == 600
    expect_whole(retort, tmp_path / "out", 200)


@pytest.mark.parametrize(
    "stages, said",
    [
        ("stages: draft\n", "job.yaml:5:9: stages is not a list"),
        ("stages:\n  - model: x\n", "job.yaml:6:5: a stage has no name"),
        ("stages:\n  - name: ../x\n", "'../x' cannot be a stage's name"),
        ("stages:\n  - name: a\n  - name: a\n    from: a\n", "there are two stages a"),
        ("stages:\n  - name: draft\n  - name: b\n    from: daft\n", "Did you mean draft?"),
        ("stages:\n  - name: a\n  - name: b\n", "says neither from nor input"),
        ("stages:\n  - name: a\n    temprature: 1\n", "job.yaml:7:5: unknown setting 'temprature'"),
        ("stages:\n  - name: a\n    repeat: 1\n", "job.yaml:7:13: repeat is not a number from 2 to 32"),
        ("stages:\n  - name: a\n  - name: b\n    from: a\n    generations: all\n", "reads all generations of a stage that has one"),
        ("stages:\n  - name: a\n    repeat: 2\n  - name: b\n    join: [a, a]\n", "join is not a list of two stages"),
        ("stages:\n  - name: a\n    out: x\n", "job.yaml:7:5: out holds for all stages"),
        ("stages:\n  - name: a\n  - name: b\n    from: a\n    when: c.rejected\n", "there is no field c"),
        ("stages:\n  - name: a\n  - name: b\n    from: a\n    prompt: '{{x'\n", "not closed"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(retort, prompts, job, tmp_path, teacher, stages, said):
    server = teacher()
    done = retort("run", job(server, prompts(2), stages=stages), status=None)
    assert done.returncode in (64, 78) and said in done.stderr, done.stderr
    assert server.requests == 0 and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "name, flags, sizes",
    [
        ("draft-and-review", (), {"draft": 40, "review": 40, "verdict": 40}),
        ("translate", (), {"english": 40, "german": 40, "back": 40, "check": 40}),
        ("cascade", ("--fail", "400=0.3"), {"cheap": 40}),
        ("judge", (), {"draft": 40, "judge": 160}),
    ],
)
def test_the_examples_run(retort, tmp_path, name, flags, sizes):
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join((REPOSITORY / "data" / "prompts.jsonl").read_text().splitlines(keepends=True)[:40]))
    out = tmp_path / "out"
    retort(
        "run", f"data/pipelines/{name}.yaml", rows, "--out", out, "--simulate", "--latency", "1ms", *flags,
        status=None, cwd=REPOSITORY,
    )
    for stage, size in sizes.items():
        store = Store(out / stage)
        assert len(set(store.responses) | set(store.failures)) == size, stage
    if name == "translate":
        kept = retort("export", out / "german", "--where", "pass", "-o", "-").stdout.splitlines()
        assert 0 < len(kept) < 40
    if name == "judge":
        assert retort("export", out / "draft", "--format", "preference", "-o", "-").stdout.count("\n") > 10
    if name == "cascade":
        failed = set(Store(out / "cheap").failures)
        strong = Store(out / "strong")
        assert failed and set(strong.responses) | set(strong.failures) == failed
    for line in retort("verify", out, "--deep", "--json").stdout.splitlines():
        assert json.loads(line).get("pending") == 0


def test_each_generation_has_its_answers(retort, tmp_path):
    out = tmp_path / "out"
    run = ("run", "data/pipelines/evolve.yaml", "--out", out, "--simulate", "--latency", "1ms")
    retort(*run, cwd=REPOSITORY)
    seeds = [f"seed-{number}" for number in range(1, 13)]
    for number in (1, 2, 3):
        names = [name if number == 1 else f"{name}~{number}" for name in seeds]
        evolved, answered = (Store(out / f"{stage}.{number}").responses for stage in ("evolve", "answer"))
        assert sorted(evolved) == sorted(answered) == sorted(names)
        for name in names:
            assert answered[name]["messages"][0]["content"] == evolved[name]["response"]
        if number > 1:
            for name, before in zip(names, before_names):
                assert evolved[name]["messages"][1]["content"] == earlier[before]["response"]
        before_names, earlier = names, evolved
    every = [json.loads(line)["id"] for line in retort("export", out / "answer", "--generations", "all", "--ids", "-o", "-").stdout.splitlines()]
    assert len(set(every)) == len(every) == 36
    last = [json.loads(line)["id"] for line in retort("export", out / "answer", "--ids", "-o", "-").stdout.splitlines()]
    assert sorted(last) == sorted(names)
    assert "counted 0 requests" in retort(*run, cwd=REPOSITORY).stderr
    watched = retort("status", out, "--watch").stdout.splitlines()
    assert len(watched) == 6 and all("12 done, 0 failed" in line for line in watched)


def test_what_a_cascade_has_saved(retort, tmp_path):
    out = tmp_path / "out"
    retort("run", "data/pipelines/solve.yaml", "--out", out, "--simulate", "--latency", "1ms", cwd=REPOSITORY, status=None)
    cheap, strong = Store(out / "cheap"), Store(out / "strong")
    assert set(strong.responses) | set(strong.failures) == set(cheap.failures) - set(cheap.responses)
    summary = json.loads(retort("report", out, "--json").stdout.splitlines()[-1])
    (cascade,) = summary["cascades"]
    handed_on = len(cheap.failures)
    assert (cascade["items"], cascade["handed_on"]) == (12, handed_on)
    assert cascade["strong_alone_usd"] > cascade["cost_usd"] > 0
    assert summary["cost_usd"] == pytest.approx(cascade["cost_usd"])
    assert "strong alone would have cost about" in retort("report", out).stdout


@pytest.mark.parametrize("flags", [["--limit-server", "file:limit"], ["--shard", "1/2"], ["--preview", 2]])
def test_what_stages_do_not_heed_is_refused(retort, tmp_path, flags):
    (tmp_path / "p.jsonl").write_text('{"id":"a","prompt":"x"}\n')
    job = tmp_path / "job.yaml"
    job.write_text("input: p.jsonl\nmodel: m\nstages:\n  - name: one\n  - name: two\n    from: one\n    prompt: '{{response}}'\n")
    told = retort("run", job, "--out", tmp_path / "out", "--simulate", *flags, status=78)
    assert flags[0] in told.stderr and not (tmp_path / "out").exists()
