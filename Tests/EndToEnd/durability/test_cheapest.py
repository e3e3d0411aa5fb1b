"""A run that is sent the cheapest way and ends in time: batches, the flexible tier and live requests over one store."""

import json
import random
import re
import time

import pytest

from batch_provider import PRICE, BatchProvider, provide_of
from dataset import Disk, write_prompts
from program import Workshop


class Provider(BatchProvider):
    """A model server with batches and a flexible tier, and a store that is filled from it."""

    def command(self, rows, deadline, *flags, endpoint="chat", command="run"):
        way = ("--via", "cheapest", "--deadline", deadline, "--batch-poll", "50ms", "--batch-discount", "0.5")
        return [command, rows, "--out", self.out, *way, *self.url(endpoint), *PRICE, *flags]

    def status(self):
        return json.loads(self.workshop.run("status", self.out, "--json").output)

    def billed(self):
        """The provider's bill in dollars: batches and the flexible tier at half the price."""
        counts, batches = self.server.counts(), self.batches()
        half = [
            sum(batch[f"billed_{kind}_tokens"] for batch in batches) + counts[f"flex_{kind}_tokens"]
            for kind in ("prompt", "completion")
        ]
        full = [counts["billed_prompt_tokens"] - half[0], counts["billed_completion_tokens"] - half[1]]
        return 1e-6 * (full[0] + 4 * full[1] + 0.5 * (half[0] + 4 * half[1]))

    def recorded(self):
        disk = Disk(self.out)
        records = disk.records() + disk.records("failures") + disk.records("rounds")
        return sum(record["cost_usd"] or 0 for record in records)

    def expect_true_books(self, paid_twice=False):
        """The bill equals what records state, plus what may have been spent without a record."""
        billed, recorded, spent = self.billed(), self.recorded(), self.status()["spent"]
        rounding = 1e-9 * (self.server.counts()["billed"] + 1)
        assert recorded <= billed + rounding
        assert billed <= recorded + spent["uncertain_max_usd"] + rounding, spent
        if not paid_twice:
            assert billed == pytest.approx(recorded, abs=rounding) and spent["uncertain_max_usd"] == 0


provide = provide_of(Provider)


@pytest.mark.parametrize("endpoint", ["chat", "messages"])
def test_with_time_enough_everything_goes_in_batches(tmp_path, provide, endpoint):
    rows = write_prompts(tmp_path / "prompts.jsonl", 40)
    provider = provide("--batch-duration", "300ms")
    ended = provider.workshop.run(*provider.command(rows, "1h", "--batch-expect", "1s", endpoint=endpoint))
    Disk(provider.out).expect_done(rows)
    assert "40 in batches" in ended.errors and "before the deadline" in ended.errors, ended
    assert sum(batch["requests"] for batch in provider.batches()) == 40
    assert provider.server.attempts() == [1] * 40
    provider.expect_true_books()


@pytest.mark.parametrize("endpoint", ["chat", "messages"])
@pytest.mark.parametrize("fault", ["stuck=1", "stuck=2", "lost-create=1", "expired=2", "partial=2"])
def test_what_has_not_come_back_in_time_is_cancelled_and_goes_live(tmp_path, provide, endpoint, fault):
    rows = write_prompts(tmp_path / "prompts.jsonl", 30)
    provider = provide("--batch-duration", "600ms", "--batch-faults", fault)
    flags = ("--batch-expect", "1s", "--deadline-reserve", "2s", "--batch-requests", "15", "--max-cost", "1")
    began = time.monotonic()
    provider.workshop.run(*provider.command(rows, "6s", *flags, endpoint=endpoint))
    Disk(provider.out).expect_done(rows)
    assert time.monotonic() - began < 7
    states = [batch["state"] for batch in provider.batches()]
    assert states.count("cancelled") == (int(fault[-1]) if fault.startswith("stuck") else 0), states
    provider.expect_true_books()


def test_a_batch_that_does_not_end_is_left_behind_and_what_is_paid_twice_is_said(tmp_path, provide):
    rows = write_prompts(tmp_path / "prompts.jsonl", 20)
    provider = provide("--batch-duration", "8s", "--batch-faults", "slow-cancel=1")
    command = provider.command(rows, "6s", "--batch-expect", "1s", "--deadline-reserve", "1500ms", "--max-cost", "1")
    plan = json.loads(provider.workshop.run("plan", *command[1:], "--json").output)
    assert (plan["batch_items"], plan["live_items"]) == (20, 0) and 0 < plan["paid_twice_usd_max"] < 1
    ended = provider.workshop.run(*command)
    Disk(provider.out).expect_done(rows)
    assert re.search(r"batch 1: .* 20 rows are sent live, and may be paid twice, which costs at most", ended.errors), ended
    before = provider.status()["spent"]
    assert before["uncertain_max_usd"] <= plan["paid_twice_usd_max"] * 1.000001
    provider.expect_true_books(paid_twice=True)
    # Another run is not blocked by it; one that checks the batches learns their cost.
    time.sleep(4)
    live = ["run", rows, "--out", provider.out, "--base-url", provider.server.url, "--model", "teacher", *PRICE]
    provider.workshop.run(*live)
    again = provider.workshop.run(*provider.command(rows, "1h", "--max-cost", "1"))
    assert "paid twice" in again.errors, again
    spent = provider.status()
    assert spent["batches"] == [] and 0 < spent["spent"]["uncertain_max_usd"] < before["uncertain_max_usd"]
    assert provider.billed() == pytest.approx(provider.recorded() + spent["spent"]["uncertain_max_usd"], abs=1e-7)


def test_rows_for_which_there_is_no_time_after_a_batch_go_live_beside_it(tmp_path, provide):
    rows = write_prompts(tmp_path / "prompts.jsonl", 300)
    # Ten answers per second: 1,000 seconds are enough for all rows, and a batch may leave 50 items per minute.
    provider = provide("--batch-duration", "1s")
    flags = ("--batch-expect", "20s", "--rps", "10")
    ended = provider.workshop.run(*provider.command(rows, "100s", *flags, "--flex-discount", "0"))
    Disk(provider.out).expect_done(rows)
    in_batches = sum(batch["requests"] for batch in provider.batches())
    assert 0 < in_batches < 150, ended
    assert f"{in_batches} in batches, {300 - in_batches} live" in ended.errors, ended
    # The summary counts all legs, not only the last one.
    assert re.search(r"^ +requests +300 in ", ended.errors, re.MULTILINE), ended
    assert provider.server.attempts() == [1] * 300
    provider.expect_true_books()


def test_the_flexible_tier_takes_what_batches_cannot(tmp_path, provide):
    rows = write_prompts(tmp_path / "prompts.jsonl", 40)
    provider = provide("--server-flex", "busy=3")
    ended = provider.workshop.run(*provider.command(rows, "30m", "--flex-discount", "0.5", "--max-cost", "1"))
    Disk(provider.out).expect_done(rows)
    assert "40 in the flexible tier" in ended.errors and provider.server.counts()["flex"] == 40, ended
    assert all(record["attempts"] == 1 for record in Disk(provider.out).records())
    provider.expect_true_books()


@pytest.mark.parametrize("tier", ["no", "busy"])
def test_without_room_in_the_flexible_tier_the_run_still_ends_in_time(tmp_path, provide, tier):
    rows = write_prompts(tmp_path / "prompts.jsonl", 20)
    provider = provide("--server-flex", tier)
    flags = ("--flex-discount", "0.5", "--deadline-reserve", "3s")
    ended = provider.workshop.run(*provider.command(rows, "5s", *flags))
    Disk(provider.out).expect_done(rows)
    assert "20 live" in ended.errors and "before the deadline" in ended.errors, ended
    provider.expect_true_books()


def test_a_server_without_batches_is_asked_live(tmp_path, provide):
    rows = write_prompts(tmp_path / "prompts.jsonl", 10)
    provider = provide("--batch-faults", "unknown=1000")
    ended = provider.workshop.run(*provider.command(rows, "1h", "--batch-expect", "1s"))
    assert "no batches:" in ended.errors and "10 live" in ended.errors, ended
    Disk(provider.out).expect_done(rows)
    provider.expect_true_books()


@pytest.mark.parametrize("endpoint", ["chat", "messages"])
def test_kills_at_random_moments_lose_nothing_and_pay_nothing_twice(tmp_path, provide, endpoint):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    dice = random.Random(seed)
    rows = write_prompts(tmp_path / "prompts.jsonl", 300)
    provider = provide("--batch-duration", "700ms", "--batch-faults", "stuck=2", "--latency", "50ms")
    flags = ("--batch-expect", "1s", "--deadline-reserve", "4s", "--batch-requests", "60", "--max-cost", "2")
    command = provider.command(rows, "12s", *flags, endpoint=endpoint)
    began = time.monotonic()
    while time.monotonic() - began < 11:
        run = provider.workshop.start(*command, "--quiet")
        time.sleep(dice.uniform(0.05, 1.2))
        run.kill()
    provider.workshop.run(*command, seconds_max=120)
    Disk(provider.out).expect_done(rows)
    # Live requests that were in flight at a kill may be lost; nothing else is paid twice.
    provider.expect_true_books(paid_twice=True)
    assert provider.recorded() + provider.status()["spent"]["uncertain_max_usd"] <= 2


def test_a_length_counts_from_the_first_run(tmp_path, provide):
    rows = write_prompts(tmp_path / "prompts.jsonl", 10)
    provider = provide("--batch-duration", "1h")
    command = provider.command(rows, "1h", "--batch-expect", "1s")
    run = provider.workshop.start(*command)
    provider.server.wait_for(lambda counts: counts["batches"] == 1)
    run.kill()
    time.sleep(1.1)
    plans = [json.loads(provider.workshop.run("plan", *command[1:], "--json").output)["deadline"] for _ in range(2)]
    assert plans[0] == plans[1] < time.time() + 3600 - 1


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--via", "cheapest"), "needs a --deadline"),
        (("--deadline", "2h"), "needs --via cheapest"),
        (("--via", "cheapest", "--deadline", "soon"), "is not a time"),
        (("--via", "cheapest", "--deadline", "2020-01-01T09:00Z"), "has passed"),
        (("--via", "cheapest", "--deadline", "2h", "--until-accepted", "3"), "makes no sense"),
        (("--via", "cheapest", "--deadline", "2h", "--stream"), "a batch has no streams"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, flags, words):
    rows = write_prompts(tmp_path / "prompts.jsonl", 2)
    workshop = Workshop(tmp_path)
    ended = workshop.start("run", rows, "--out", tmp_path / "out", "--simulate", *flags).wait()
    assert ended.status in (64, 78) and words in ended.errors, ended
    assert not (tmp_path / "out").exists()


def test_a_retry_has_no_deadline_and_says_what_to_do(tmp_path):
    rows = write_prompts(tmp_path / "prompts.jsonl", 2)
    workshop = Workshop(tmp_path)
    workshop.run("run", rows, "--out", tmp_path / "out", "--simulate", "--fail", "400=1", "--refusals-max", "0", status=75)
    ended = workshop.start("retry", tmp_path / "out", "--class", "bad_request", "--via", "cheapest").wait().expect(64)
    assert "--via cheapest is for runs" in ended.errors and "--via batch" in ended.errors, ended
