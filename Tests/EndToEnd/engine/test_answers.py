"""Answers that are odd but sound, and those that are kept out of responses/."""

from dataset import Disk
from program import INCOMPLETE


def test_an_answer_cut_off_for_want_of_tokens_is_kept_and_counted(serve, prompts, ask, workshop, tmp_path):
    server = serve("--fail", "length=1")
    rows = prompts(20)
    ask(server, rows)
    records = Disk(tmp_path / "out").expect_done(rows).records()
    assert {record["finish_reason"] for record in records} == {"length"}
    assert all(record["response"] for record in records)
    status = workshop.run("status", tmp_path / "out", "--json")
    assert '"truncated":20' in status.output


def test_it_can_be_made_a_failure(serve, prompts, ask, tmp_path):
    server = serve("--fail", "length=0.5")
    rows = prompts(40)
    ask(server, rows, "--reject-finish", "length", status=INCOMPLETE)
    cut = server.counts()["faults"]["length"]
    disk = Disk(tmp_path / "out")
    failures = disk.failures()
    assert 0 < cut < 40 and len(failures) == cut
    assert {record["class"] for record in failures.values()} == {"invalid_output"}
    disk.expect_done(rows, but=failures)
    assert server.counts()["requests"] == 40


def test_a_withheld_answer_is_a_failure_that_is_not_asked_again(serve, prompts, ask, tmp_path):
    server = serve("--fail", "content-filter=1")
    rows = prompts(20)
    ask(server, rows, status=INCOMPLETE)
    failures = Disk(tmp_path / "out").failures()
    assert len(failures) == 20 and {record["class"] for record in failures.values()} == {"content_filter"}
    assert server.counts()["requests"] == 20
    ask(server, rows, status=INCOMPLETE)
    assert server.counts()["requests"] == 20, "a run that resumes leaves failed items to retry"


def test_an_answer_beyond_the_limit_is_a_failure_and_no_memory(serve, prompts, ask, tmp_path):
    server = serve("--fail-script", "1=huge")
    rows = prompts(3)
    ask(server, rows, "--response-size-max", "1M", "--concurrency", 1, status=INCOMPLETE)
    failures = Disk(tmp_path / "out").failures()
    assert len(failures) == 3
    assert all("limit" in record["error"] for record in failures.values())


def test_reasoning_is_kept_apart(serve, prompts, ask, tmp_path):
    server = serve("--reasoning-tokens", "30")
    rows = prompts(5)
    ask(server, rows)
    for record in Disk(tmp_path / "out").expect_done(rows).records():
        assert record["reasoning"] and record["reasoning"] not in record["response"]
