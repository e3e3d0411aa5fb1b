"""Conventions of a program in a pipeline: output streams, help, colour, closed pipes."""

import json
import subprocess

from bench import BAD_DATA, INCOMPLETE, USAGE, binary, environment_of, retort, start

COMMANDS = ["run", "status", "get", "cat", "simulate", "completion"]


def test_standard_output_is_data_only(ask, teacher, write, rows, store):
    done = ask(teacher, write("in.jsonl", rows(3)))
    assert done.output == ""
    assert [json.loads(line)["id"] for line in retort("cat", store.root).output.splitlines()]
    assert retort("cat", store.root).errors == ""


def test_quiet_says_nothing_but_errors(ask, teacher, write, rows, store):
    assert ask(teacher, write("in.jsonl", rows(3)), "--quiet").errors == ""
    done = ask(teacher, write("bad.jsonl", b'{"id":"a","prompt":"1"}\noops\n'), "--quiet", status=INCOMPLETE)
    assert done.errors == ""
    ask(teacher, write("worse.jsonl", b"oops\n"), "--quiet", status=BAD_DATA).says("the row is not JSON")
    assert "no such input file" in ask(teacher, "nowhere", "--quiet", status=66).errors


def events_of(done):
    """Every line of standard error is a JSON object."""
    return [json.loads(line) for line in done.errors.splitlines()]


def progress_of(done):
    return [event for event in events_of(done) if event["event"] == "progress"]


def test_progress_as_json(ask, simulate, write, rows):
    server = simulate("--latency", "30ms", "--tokens", "5")
    prompts = write("in.jsonl", [*rows(200), {"no": "prompt"}])
    flags = ["--concurrency", "4", "--progress", "json", "--color", "always"]
    done = ask(server, prompts, *flags, status=INCOMPLETE)
    last = progress_of(done)[-1]
    assert (last["done"], last["failed"], last["total"], last["in_flight"]) == (200, 1, 201, 0)
    texts = [event["text"] for event in events_of(done) if event["event"] == "message"]
    assert any(text.startswith("bad row: ") for text in texts) and "\x1b" not in "".join(texts)
    alone = ask(server, prompts, *flags, "--quiet", status=INCOMPLETE)
    assert {event["event"] for event in events_of(alone)} == {"progress"}
    refused = ask(server, "nowhere.jsonl", *flags, status=66)
    assert "no such input file" in events_of(refused)[-1]["text"]


def test_progress_as_json_totals_on_resume(ask, teacher, write, rows):
    prompts = write("in.jsonl", rows(40))
    ask(teacher, prompts)
    write("in.jsonl", rows(60))
    done = ask(teacher, prompts, "--progress", "json")
    last = progress_of(done)[-1]
    assert (last["total"], last["done"], last["resumed"]) == (60, 60, 40)


def test_colour_only_where_it_is_wanted(ask, teacher, write, rows):
    prompts = write("in.jsonl", rows(1))
    assert "\x1b[" not in ask(teacher, prompts).errors
    assert "\x1b[" not in ask(teacher, prompts, env={"NO_COLOR": "1"}).errors
    assert "\x1b[" in ask(teacher, prompts, "--color", "always").errors


def test_closed_pipe_ends_quietly(ask, teacher, write, rows, store):
    ask(teacher, write("in.jsonl", rows(5000)))
    for command in (["cat", store.root], ["run", "--help"], ["status", store.root]):
        process = start(*command, stdout=subprocess.PIPE)
        process.stdout.read(10)
        process.stdout.close()
        errors = process.stderr.read().decode()
        process.stderr.close()
        assert (process.wait(20), errors) == (0, ""), command


def test_full_disk_on_standard_output(ask, teacher, write, rows, store):
    ask(teacher, write("in.jsonl", rows(10)))
    command = [str(binary()), "cat", str(store.root)]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=environment_of({}))
    assert done.returncode == 74 and b"standard output" in done.stderr


def test_help_begins_with_examples():
    assert retort("help").output == retort("--help").output
    for command in COMMANDS:
        long = retort(command, "--help").output
        assert retort("help", command).output == long
        assert retort(command, "-h").output != ""
        assert "retort " + command in long
        examples = long.index("EXAMPLES" if "EXAMPLES" in long else "Examples")
        for later in ("OPTIONS", "Options", "EXIT"):
            assert later not in long or examples < long.index(later), command


def test_help_beside_other_arguments(tmp_path):
    done = retort("run", "nowhere.jsonl", "--out", tmp_path / "out", "--help")
    assert "Examples" in done.output or "EXAMPLES" in done.output
    assert not (tmp_path / "out").exists()


def test_no_command():
    retort(status=USAGE).says("--help")


def test_version():
    assert retort("--version").output.startswith("retort ")


def test_status_while_it_runs_and_afterwards(simulate, write, rows, store):
    server = simulate("--latency", "40ms", "--tokens", "5")
    process = start(
        "run", write("in.jsonl", rows(100)), "--out", store.root, "--base-url", server.url, "--model", "m",
        "--concurrency", "4",
    )  # fmt: skip
    while server.requests() < 20:
        assert process.poll() is None
    status = store.status()
    assert 0 < status["done"] < 100 and str(process.pid) in status["writer"]
    process.communicate(timeout=20)
    status = store.status()
    assert (status["done"], status["pending"], status["writer"]) == (100, 0, "")


def test_records_of_a_failed_run_can_be_read(ask, simulate, write, rows, store):
    server = simulate("--latency", "1ms", "--fail", "400=1")
    ask(server, write("in.jsonl", rows(5)), status=INCOMPLETE).says("5 items failed", "--failures")
    lines = retort("cat", store.root, "--failures").output.splitlines()
    assert {json.loads(line)["class"] for line in lines} == {"bad_request"}
    assert retort("cat", store.root).output == ""
    assert json.loads(retort("get", store.root, "q-3").output)["status"] == "failed"
