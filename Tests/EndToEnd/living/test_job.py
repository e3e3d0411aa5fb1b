"""Job files: a run in one YAML file."""

import json
import subprocess

from conftest import Store, binary, environment


def write(tmp_path, text):
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps({"id": f"r{n}", "topic": f"t{n}"}) + "\n" for n in range(5)))
    job = tmp_path / "job.yaml"
    job.write_text(text)
    return job


def test_everything_in_one_file(retort, teacher, tmp_path, counts):
    server = teacher()
    job = write(
        tmp_path,
        "input: rows.jsonl\nout: runs/a\nmodel: m\nmax_tokens: 50\nconcurrency: 2\n"
        f"base-url: {server.url}\nprompt: |\n  @system\n  Be short.\n  @user\n  About {{{{topic}}}}.\n",
    )
    retort("run", job.name, cwd=tmp_path)
    records = Store(tmp_path / "runs" / "a").responses
    assert records["r3"]["messages"] == [
        {"role": "system", "content": "Be short."}, {"role": "user", "content": "About t3."},
    ]
    told = json.loads(retort("plan", job.name, "--json", cwd=tmp_path).stdout)
    assert (told["done"], told["new"]) == (5, 0)
    # The same job again sends nothing; another parameter makes another job.
    retort("run", job.name, cwd=tmp_path)
    assert server.requests == 5
    retort("run", job.name, "--max-tokens", 60, cwd=tmp_path, status=78)
    retort("run", job.name, "--out", "runs/b", "--max-tokens", 60, cwd=tmp_path)
    assert server.requests == 10


def test_errors_name_the_line(retort, tmp_path):
    for text, place in [
        ("input: rows.jsonl\nout: o\nmodle: m\n", "job.yaml:3"),
        ("input: rows.jsonl\nconcurrency: many\n", "job.yaml:2"),
        ("input: 'open\n", "job.yaml:2:1"),
        ("input: rows.jsonl\nprompt: |\n    @user\n    Say {{x\n", "job.yaml:4:9"),
    ]:
        write(tmp_path, text)
        assert place in retort("run", "job.yaml", cwd=tmp_path, status=78).stderr
    assert "job.yaml" in retort("run", "no-job.yaml", cwd=tmp_path, status=66).stderr
    write(tmp_path, "out: o\nsimulate: yes\n")
    assert "names no input" in retort("run", "job.yaml", cwd=tmp_path, status=78).stderr
    retort("run", "job.yaml", "rows.jsonl", "--template", "none.txt", cwd=tmp_path, status=66)


def test_a_starter_runs_and_is_never_overwritten(retort, tmp_path):
    retort("init", "new", cwd=tmp_path)
    retort("run", "new/job.yaml", "--simulate", cwd=tmp_path)
    records = Store(tmp_path / "new" / "runs" / "first").responses
    assert len(records) == 4 and {record["model"] for record in records.values()} == {"deepseek-chat"}
    assert "exists" in retort("init", "new", cwd=tmp_path, status=78).stderr


def test_everything_wrong_is_told_in_one_go(retort, tmp_path):
    (tmp_path / "models.yaml").write_text("api: {providr: groq}\nmodels: {a: {model: x}}\n")
    write(tmp_path, "model-config: models.yaml\nmodel: b\ninput: none.jsonl\nout: o\ntemprature: 1\nrps: fast\nstop: {a: b}\n")
    told = retort("plan", "job.yaml", cwd=tmp_path, status=66).stderr
    for place in ["models.yaml:1:7", "no model 'b'", "job.yaml:5:1", "job.yaml:6:6", "job.yaml:7:7", "none.jsonl"]:
        assert place in told, place


def test_values_come_from_somewhere(retort, teacher, tmp_path):
    server = teacher()
    (tmp_path / "models.yaml").write_text(
        f"api: {{base-url: {server.url}, key: MY_KEY}}\nmodels: {{chat: {{model: m-large, max_new_tokens: 9}}}}\n")
    write(tmp_path, "jobs:\n  one: {input: rows.jsonl, out: runs/a, model-config: models.yaml, prompt: 'About {{topic}}'}\n  two: {}\n")
    variables = environment(MY_KEY="k", RETORT_CONCURRENCY="3", RETORT_PROGRESS_EVERY="2")

    def call(*arguments):
        return subprocess.run([binary(), *arguments, "job.yaml", "--job", "one"], cwd=tmp_path, env=variables, text=True,
                              capture_output=True, check=True)

    assert call("run").stderr.count("understood max_new_tokens as max-tokens") == 1
    settings = json.loads(call("plan", "--json").stdout)["settings"]
    assert settings["concurrency"] == {"value": "3", "from": "$RETORT_CONCURRENCY"}
    assert settings["max-tokens"]["from"] == "models.yaml:2:49"
    assert settings["model"] == {"value": "m-large", "from": "models.yaml:2:10"}
    manifest = json.loads((tmp_path / "runs" / "a" / "retort.json").read_text())
    assert json.loads(manifest["notes"]["settings_from"])["model"]["from"] == "models.yaml:2:10"
