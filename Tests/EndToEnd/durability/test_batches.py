"""Rows through the provider's batch API, killed at any moment: no batch twice, none lost, and the books are the provider's."""

import http.server
import json
import os
import random
import re
import shutil
import signal
import threading
import time
import urllib.request
from collections import Counter

import pytest

from batch_provider import PRICE, BatchProvider, provide_of
from dataset import Disk, ids_of, write_prompts
from program import INTERRUPTED, IO, REFUSED

POLL = ("--batch-poll", "30ms")
HALF = ("--batch-discount", "0.5")


class Provider(BatchProvider):
    """A model server with batches, and a store that is filled from it."""

    def command(self, rows, *flags, endpoint="chat"):
        return ["run", rows, "--out", self.out, "--via", "batch", *self.url(endpoint), *PRICE, *POLL, *HALF, *flags]

    def journal(self):
        path = self.out / "batches" / "journal.jsonl"
        return [json.loads(line) for line in path.read_bytes().split(b"\n") if line.endswith(b"}")] if path.exists() else []

    def expect_true_books(self):
        """The cost in the records equals the provider's bill, at half the price."""
        counts = self.server.counts()
        disk = Disk(self.out)
        records = disk.records() + disk.records("failures") + disk.records("rounds")
        billed = [record for record in records if record["cost_usd"]]
        tokens = [record["usage"] for record in billed]
        assert len(billed) == counts["billed"]
        assert sum(use["prompt_tokens"] for use in tokens) == counts["billed_prompt_tokens"]
        assert sum(use["completion_tokens"] for use in tokens) == counts["billed_completion_tokens"]
        spent = 0.5e-6 * (counts["billed_prompt_tokens"] + 4 * counts["billed_completion_tokens"])
        assert sum(record["cost_usd"] for record in billed) == pytest.approx(spent, abs=1e-9 * len(billed))


    def expect_nothing_uncertain(self, *where):
        """All is over, and all is known but for what a batch costs that may have been created twice: a kill between the note
        that it is about to be created and the call leaves no trace at the provider."""
        created = Counter(entry["batch"] for entry in self.journal() if entry["stage"] == "creating")
        most = sum(entry["cost_max"] for entry in self.journal() if entry["stage"] == "planned" and created[entry["batch"]] > 1)
        status = json.loads(self.workshop.run("status", self.out, "--json").output)
        assert status["batches"] == []
        assert status["spent"]["uncertain_max_usd"] == pytest.approx(most / 1e9, abs=1e-12), where


provide = provide_of(Provider)


@pytest.mark.parametrize("endpoint", ["chat", "messages", "mistral", "gemini", "azure"])
def test_kills_at_random_moments_pay_nothing_twice(tmp_path, provide, endpoint):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    dice = random.Random(seed)
    rows = write_prompts(tmp_path / "prompts.jsonl", 400)
    provider = provide("--batch-duration", "300ms")
    # With a cap, so that the books are kept at each step.
    command = provider.command(rows, "--batch-requests", "60", "--max-cost", "2", endpoint=endpoint)
    for _ in range(10):
        run = provider.workshop.start(*command, "--quiet")
        time.sleep(dice.uniform(0.01, 0.4))
        run.kill()
    provider.workshop.run(*command)
    Disk(provider.out).expect_done(rows)
    batches = provider.batches()
    assert sum(batch["requests"] for batch in batches) == len(ids_of(rows))
    assert [item["attempts"] for item in provider.server.items()] == [1] * 400
    provider.expect_true_books()
    provider.expect_nothing_uncertain()


FAULTS = ["expired=1", "partial=1", "unordered=1", "missing=1", "broken-file=1", "token-limit=1", "lost-create=1"]
CASES = [("chat", fault) for fault in (*FAULTS, "lost-upload=1")] + [("messages", fault) for fault in FAULTS]
CASES += [(form, fault) for form in ("mistral", "gemini") for fault in (*FAULTS, "lost-upload=1")]
CASES += [(form, fault) for form in ("azure", "together", "groq") for fault in ("expired=1", "lost-create=1", "lost-upload=1")]


@pytest.mark.parametrize(("endpoint", "fault"), CASES)
def test_every_row_gets_its_answer_whatever_goes_wrong_with_a_batch(tmp_path, provide, endpoint, fault):
    rows = write_prompts(tmp_path / "prompts.jsonl", 30)
    provider = provide("--batch-faults", fault)
    provider.workshop.run(*provider.command(rows, "--batch-requests", "20", endpoint=endpoint))
    Disk(provider.out).expect_done(rows)
    created = [batch for batch in provider.batches() if batch["state"] != "failed"]
    # Either of the two batches may be created first and get the fault.
    again = sum(batch["expired"] + batch["errored"] for batch in created) + (fault == "missing=1")
    assert sum(batch["requests"] for batch in created) == 30 + again
    assert (again > 0) == (fault in ("expired=1", "partial=1", "missing=1"))
    provider.expect_true_books() if fault != "missing=1" else None


def test_an_interrupted_run_leaves_its_batches_and_the_next_one_takes_them_over(tmp_path, provide):
    rows = write_prompts(tmp_path / "prompts.jsonl", 50)
    provider = provide("--batch-duration", "2s")
    run = provider.workshop.start(*provider.command(rows))
    provider.server.wait_for(lambda counts: counts["batches"] == 1)
    time.sleep(0.2)
    run.send(signal.SIGINT)
    ended = run.wait().expect(INTERRUPTED)
    assert "continues at the provider" in ended.errors and "resume with" in ended.errors
    status = provider.workshop.run("status", provider.out).output
    assert re.search(r"^batch 1 +\d+ of 50 requests done; \S+ old, expires in ", status, re.MULTILINE), status
    live = ["run", rows, "--out", provider.out, "--base-url", provider.server.url, "--model", "teacher", *PRICE]
    refused = provider.workshop.start(*live).wait()
    assert refused.status == 78 and "--via batch" in refused.errors
    provider.workshop.run(*provider.command(rows))
    Disk(provider.out).expect_done(rows)
    assert provider.server.counts()["batches"] == 1


class Gate(http.server.BaseHTTPRequestHandler):
    """Hands everything on to the provider; uploads and downloads wait until three of their kind are there."""

    protocol_version = "HTTP/1.1"

    def serve(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        kind = "upload" if self.path == "/v1/files" and body else "download" if self.path.endswith("/content") else None
        if kind:
            self.server.gates[kind].wait(timeout=20)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "content-length")}
        request = urllib.request.Request(self.server.provider + self.path, body or None, headers, method=self.command)
        with urllib.request.urlopen(request, timeout=20) as reply:
            answer, kind = reply.read(), reply.headers["content-type"]
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = serve

    def log_message(self, *_):
        pass


def test_batches_are_sent_and_fetched_at_the_same_time(tmp_path, provide):
    rows = write_prompts(tmp_path / "prompts.jsonl", 30)
    provider = provide("--batch-duration", "500ms")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gate) as gate:
        gate.provider = provider.server.url.removesuffix("/v1")
        # Made one after another, the calls would wait for each other for ever.
        gate.gates = {kind: threading.Barrier(3) for kind in ("upload", "download")}
        threading.Thread(target=gate.serve_forever, daemon=True).start()
        command = provider.command(rows, "--batch-requests", "10", "--max-cost", "1")
        command[command.index("--base-url") + 1] = f"http://127.0.0.1:{gate.server_address[1]}/v1"
        # At one status check all of them have ended.
        command[command.index("--batch-poll") + 1] = "2s"
        try:
            provider.workshop.run(*command)
        finally:
            gate.shutdown()
    Disk(provider.out).expect_done(rows)
    assert [batch["requests"] for batch in provider.batches()] == [10, 10, 10]
    provider.expect_true_books()


def test_a_cap_holds_what_is_submitted(tmp_path, provide):
    rows = write_prompts(tmp_path / "prompts.jsonl", 40)
    provider = provide()
    # A row costs maximum 0.5 * (its bytes + 4 * 400) millionths: a cap for about twelve of them.
    provider.workshop.run(*provider.command(rows, "--max-cost", "0.0105"), status=75)
    spent = sum(record["cost_usd"] for record in Disk(provider.out).records())
    assert 0 < spent <= 0.0105
    provider.expect_true_books()
    provider.workshop.run(*provider.command(rows, "--max-cost", "1"))
    Disk(provider.out).expect_done(rows)
    provider.expect_true_books()


def test_a_model_that_does_not_exist_stops_the_run_and_fails_no_row(tmp_path, provide):
    rows = write_prompts(tmp_path / "prompts.jsonl", 10)
    provider = provide("--server-models", "other")
    ended = provider.workshop.start(*provider.command(rows)).wait()
    assert ended.status == REFUSED and "does not know the model" in ended.errors
    status = json.loads(provider.workshop.run("status", provider.out, "--json").output)
    assert (status["pending"], status["failed"], status["batches"]) == (10, 0, [])


def test_batches_that_the_provider_has_lost_are_sent_again_only_when_told(tmp_path, provide):
    rows = write_prompts(tmp_path / "prompts.jsonl", 10)
    provider = provide("--batch-duration", "1h")
    run = provider.workshop.start(*provider.command(rows))
    provider.server.wait_for(lambda counts: counts["batches"] == 1)
    time.sleep(0.2)
    run.send(signal.SIGINT)
    run.wait().expect(INTERRUPTED)
    provider.server.get("/simulator/reset", b"")
    refused = provider.workshop.start(*provider.command(rows)).wait()
    assert refused.status == REFUSED and "--batch-forget" in refused.errors
    assert provider.server.counts()["batches"] == 0
    again = provider.workshop.start(*provider.command(rows, "--batch-forget"))
    provider.server.wait_for(lambda counts: counts["batches"] == 1)
    again.send(signal.SIGINT)
    again.wait().expect(INTERRUPTED)


def test_a_batch_that_was_never_sent_holds_up_no_other_run(tmp_path, provide):
    rows = write_prompts(tmp_path / "prompts.jsonl", 10)
    provider = provide()
    nowhere = provider.command(rows, "--max-cost", "1")
    nowhere[nowhere.index("--base-url") + 1] = "http://127.0.0.1:1/v1"
    ended = provider.workshop.start(*nowhere).wait()
    assert ended.status == IO and "could not be reached" in ended.errors and "waits to be sent" in ended.errors
    live = ["run", rows, "--out", provider.out, "--base-url", provider.server.url, "--model", "teacher", *PRICE]
    provider.workshop.run(*live, "--limit", "4")
    provider.workshop.run(*provider.command(rows, "--max-cost", "1"))
    Disk(provider.out).expect_done(rows)
    assert provider.server.attempts() == [1] * 10
    assert json.loads(provider.workshop.run("status", provider.out, "--json").output)["spent"]["uncertain_max_usd"] == 0


# The system calls of a submission: each of them may be the last one of the process.
CALLS = ("pwrite64", "fdatasync", "fsync", "rename", "ftruncate", "unlink", "mkdir", "sendto", "recvfrom", "connect")
SAMPLE = int(os.environ.get("RETORT_BATCH_DEATHS", "5"))


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("endpoint", ["chat", "messages", "gemini"])
def test_a_death_at_any_system_call_pays_nothing_twice(tmp_path, provide, endpoint):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    rows = write_prompts(tmp_path / "prompts.jsonl", 24)
    provider = provide("--batch-duration", "60ms")
    log = tmp_path / "calls.log"
    command = provider.command(rows, "--batch-requests", "12", "--max-cost", "1", "--quiet", endpoint=endpoint)
    watch = ("strace", "-f", "-qq", "-o", log, "-e", "signal=none", "-e", f"trace={','.join(CALLS)}")
    provider.workshop.run(*command, under=watch)
    made = Counter(line.split(maxsplit=1)[1].partition("(")[0] for line in log.read_text().splitlines())
    points = [(call, n) for call in CALLS for n in range(1, made[call] + 1)]
    assert len(points) > 50
    for number, (call, n) in enumerate(random.Random(seed).sample(points, min(SAMPLE, len(points)))):
        provider.server.get("/simulator/reset", b"")
        provider.out = tmp_path / f"out-{number}"
        command = provider.command(rows, "--batch-requests", "12", "--max-cost", "1", "--quiet", endpoint=endpoint)
        inject = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", "signal=none", "-e", f"trace={call}")
        inject += ("-e", f"inject={call}:signal=KILL:when={n}")
        provider.workshop.start(*command, under=inject).wait()
        provider.workshop.run(*command)
        Disk(provider.out).expect_done(rows)
        assert sum(batch["requests"] for batch in provider.batches()) == 24, (call, n)
        provider.expect_true_books()
        provider.expect_nothing_uncertain(call, n)


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("endpoint", ["chat", "messages"])
def test_a_death_between_records_and_their_mark_leaves_nothing_uncertain(tmp_path, provide, endpoint):
    """The batch journal states what is uncertain; the mark alone would count recorded answers twice for ever."""
    rows = write_prompts(tmp_path / "prompts.jsonl", 24)
    provider = provide("--batch-duration", "60ms")
    number = 0
    while True:
        provider.server.get("/simulator/reset", b"")
        provider.out = tmp_path / f"out-{number}"
        command = provider.command(rows, "--batch-requests", "12", "--max-cost", "1", "--quiet", endpoint=endpoint)
        # Creates the file of the mark, so that its writes can be recognised by its name.
        provider.workshop.run(*command, "--limit", "1")
        number += 1
        death = ("strace", "-f", "-qq", "-o", "/dev/null", "-P", provider.out / "MARK", "-e", "trace=pwrite64")
        death += ("-e", f"inject=pwrite64:signal=KILL:when={number}")
        ended = provider.workshop.start(*command, under=death).wait()
        provider.workshop.run(*command)
        Disk(provider.out).expect_done(rows)
        provider.expect_true_books()
        provider.expect_nothing_uncertain(number)
        if ended.status == 0:
            break
    # Kills before a write have left marks above the uncertain cost.
    assert number >= 4


def test_failed_items_are_retried_through_batches_and_what_fails_there_goes_live(tmp_path, provide):
    rows = write_prompts(tmp_path / "prompts.jsonl", 30)
    provider = provide("--batch-duration", "300ms", "--fail-script", "1=400,2=500")
    live = ["run", rows, "--out", provider.out, "--base-url", provider.server.url, "--model", "teacher", *PRICE]
    provider.workshop.run(*live, "--attempts", "1", "--refusals-max", "0", status=75)
    assert len(Disk(provider.out).records("failures")) == 30
    retry = ["retry", provider.out, "--base-url", provider.server.url, "--max-cost", "1", "--price", "1 - 4"]
    batch = [*retry, "--via", "batch", *POLL, *HALF]
    # A kill while batches are in progress: a live retry would pay for them again, the same command resumes them.
    run = provider.workshop.start(*batch, "--attempts", "1")
    provider.server.wait_for(lambda counts: counts["batches"] == 1)
    run.kill()
    refused = provider.workshop.start(*retry).wait()
    assert refused.status == 78 and "--via batch" in refused.errors, refused
    provider.workshop.run(*batch, "--attempts", "1", status=75)
    # Each line was the second attempt at its item, which fails: its failure is newer.
    attempts = Counter(record["attempts"] for record in Disk(provider.out).records("failures"))
    assert attempts == {1: 30, 2: 30} and provider.server.counts()["batches"] == 1
    assert json.loads(provider.workshop.run("status", provider.out, "--json").output)["failed"] == 30
    provider.workshop.run(*batch, "--attempts", "3")
    Disk(provider.out).expect_done(rows)
    assert json.loads(provider.workshop.run("status", provider.out, "--json").output)["batches"] == []
    provider.expect_true_books()


def test_what_failed_in_a_batch_is_retried_live(tmp_path, provide):
    rows = write_prompts(tmp_path / "prompts.jsonl", 30)
    provider = provide("--batch-faults", "partial=1")
    provider.workshop.run(*provider.command(rows, "--attempts", "1"), status=75)
    assert len(Disk(provider.out).records("failures")) == 10
    provider.workshop.run("retry", provider.out, "--base-url", provider.server.url)
    Disk(provider.out).expect_done(rows)


@pytest.mark.parametrize("flags", [("--drop", "max_tokens"), ("--model", "other", "--override")])
def test_a_retry_through_batches_sends_what_failed_as_it_was(tmp_path, provide, flags):
    rows = write_prompts(tmp_path / "prompts.jsonl", 3)
    provider = provide("--fail", "500=1")
    live = ["run", rows, "--out", provider.out, "--base-url", provider.server.url, "--model", "teacher", *PRICE]
    provider.workshop.run(*live, "--attempts", "1", status=75)
    refused = provider.workshop.start(
        "retry", provider.out, "--base-url", provider.server.url, "--via", "batch", *flags
    ).wait()
    assert refused.status == 78 and "as it was" in refused.errors, refused
