"""Job files: a run in one YAML file."""

import json

from conftest import Store


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
    # The same job again asks nothing, one with another parameter is another job.
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
    ]:
        write(tmp_path, text)
        assert place in retort("run", "job.yaml", cwd=tmp_path, status=78).stderr
    assert "job.yaml" in retort("run", "no-job.yaml", cwd=tmp_path, status=66).stderr
    write(tmp_path, "out: o\nsimulate: yes\n")
    assert "names no input" in retort("run", "job.yaml", cwd=tmp_path, status=78).stderr
    retort("run", "job.yaml", "rows.jsonl", "--template", "none.txt", cwd=tmp_path, status=66)
