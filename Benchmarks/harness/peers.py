"""retort and current alternatives: the same server, the same prompts, the same concurrency."""

import json
import shutil
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import contestants
import corpus
from contestants import HOME, clear
from durability import keys_on_disk
from processes import Child, Unmeasured, measure
from report import Spread, Table, said
from resume import time_to_first_request
from servers import Simulator, nginx
from settings import FULL, SCRATCH, number

ROUNDS = number("BENCH_ROUNDS", 5)
ROUNDS_FAST = 5
AT_ONCE_SECONDS, LATENCY_SECONDS, STRUCTURED_SECONDS = (1800, 1800, 900) if FULL else (900, 1200, 300)
RUN_SECONDS_MAX = 240
TELLING_SHARE = 0.2
MARK_SCRIPT, MARK_TOOL = 3, 40
ONE = 1
RESUME_DONE = [number("BENCH_PEER_DONE", 50_000), number("BENCH_PEER_DONE_MANY", 500_000)]
RESUME_MORE = 2_000
RESUME_SECONDS_MAX = 300
RESUME_ROUNDS = 3
KILL_PROMPTS = 2_000
KILL_LATENCY_MS = 50
KILL_SECONDS_MAX = 90


@dataclass
class Rounds:
    """The measurements of one client: runs of a single prompt, which give the cost of starting, and whole runs."""

    one: list = field(default_factory=list)
    whole: list = field(default_factory=list)
    trouble: str = ""

    def least(self, figure):
        return min(getattr(cost, figure) for cost in self.one)


def run(who, rows, url, concurrency, seconds_max, out=SCRATCH / "answers"):
    """A whole run into a new place; what it reports as done must be all of it."""
    clear(out)
    cost = measure(who.command(rows, out, url, concurrency), SCRATCH / "peer.log", seconds_max, cwd=SCRATCH, **HOME)
    if not who.is_retort:
        said_to_have = json.loads(cost.output.strip().splitlines()[-1])["distinct"]
        if said_to_have != int(rows.stem.rpartition("-")[2]):
            raise Unmeasured(f"{who.name} has {said_to_have} answers of {rows.stem}")
    return cost


def prompts(count):
    return corpus.write_prompts(SCRATCH / "rows" / f"{count}" / f"prompts-{count}.jsonl", count)


def load(suite, title, url, concurrency, seconds_max, note, clients=contestants.ALL):
    """Rounds over all clients; `url` is a function of the client. Slow ones stop early, so that the whole ends in time."""
    ends = time.monotonic() + suite.remaining(seconds_max)
    taken = {who: Rounds() for who in clients}
    for turn in range(ROUNDS_FAST):
        for who, rounds in taken.items():
            last = rounds.whole[-1].wall if rounds.whole else 0
            enough = turn >= ROUNDS and last > 5
            if rounds.trouble or enough or (turn and time.monotonic() + last > ends):
                continue
            said(f"{title}, round {turn + 1}: {who.name}")
            try:
                limit = suite.remaining(RUN_SECONDS_MAX)
                rounds.one.append(run(who, prompts(ONE), url(who), concurrency, limit))
                rounds.whole.append(run(who, prompts(who.prompts), url(who), concurrency, limit))
            except Unmeasured as why:
                rounds.trouble = str(why)
                suite.unmeasured(f"{title}: {who.name}", why)
    table(suite, title, taken, note)


def table(suite, title, taken, note):
    shown = Table(
        title,
        ["client", "prompts", "rounds", "CPU s / 1000 requests", "x retort", "requests/s", "peak RSS MB", "start, CPU s",
         "what it does not do"],
        note)
    ours, others = None, {}
    for who, rounds in taken.items():
        if not rounds.whole:
            continue
        count = who.prompts - ONE
        cpu = [1000 * max(0, whole.cpu - rounds.least("cpu")) / count for whole in rounds.whole]
        walls = [whole.wall - rounds.least("wall") for whole in rounds.whole]
        # A run that takes hardly longer than starting says nothing about the rate.
        rate = [count / wall for wall in walls if wall > TELLING_SHARE * rounds.least("wall")]
        spread = Spread(cpu, 3)
        if who.is_retort:
            ours = spread.median
        elif ours:
            others[who] = spread.median / ours
        shown.add(
            who.name, who.prompts, len(cpu), spread, others.get(who, ""), Spread(rate, 0) if rate else "",
            Spread([whole.rss_bytes / 2**20 for whole in rounds.whole], 0), rounds.least("cpu"), who.lacks)
    suite.show(shown)
    for who, ratio in others.items():
        if who.folder == "script":
            suite.mark(f"{title}: CPU of the script, times retort's", ratio, MARK_SCRIPT, at_least=True)
    tools = [ratio for who, ratio in others.items() if who.resumes and who.folder != "script"]
    if tools:
        suite.mark(f"{title}: CPU of the best tool that resumes, times retort's", min(tools), MARK_TOOL, at_least=True)


NOTE = (
    "CPU is user and system time of the client's whole process tree, the server's left out, less that of a run of a single "
    "prompt ('start': imports, opening, closing), which is taken off the time for requests/s too. Memory is the peak of the "
    "tree, shared pages counted once. Median of interleaved rounds (lowest to highest); a slow client gets fewer prompts and "
    "rounds. Each peer with its best documented settings: see its script. Marks: 3 times less CPU than the script, 40 times less than the best tool that resumes.")


def at_once(suite):
    with nginx(corpus.answers(1)) as url:
        load(suite, "64 in flight, answers at once", lambda _: url, 64, AT_ONCE_SECONDS, f"nginx answers 1.4 KB at once. {NOTE}")


def with_latency(suite):
    with Simulator("--latency", "50ms", "--tokens", "210") as server:
        title = "1,000 in flight, answers after 50 ms"
        load(suite, title, lambda _: server.url, 1000, LATENCY_SECONDS, f"`retort simulate` answers. {NOTE}")


def structured(suite):
    """JSON answers that are checked by a schema of ten fields."""
    forms = {who.form for who in contestants.CHECKING}
    with ExitStack() as servers:
        urls = {form: servers.enter_context(nginx([corpus.persona(form)])) for form in forms}
        load(
            suite, "64 in flight, JSON answers checked by a schema", lambda who: urls[who.form], 64, STRUCTURED_SECONDS,
            "nginx answers 1.4 KB at once: JSON of ten fields, for data-designer in a fenced block and for distilabel in a "
            f"tool call, which is what they ask for. {NOTE}",
            contestants.CHECKING)


def resuming():
    return [who for who in contestants.ALL if who.resumes]


def run_until(who, rows, out, server, given, seconds_max):
    """Starts a run and kills it, all its processes, when the server has given so many answers. How many it gave."""
    clear(out)
    server.reset()
    child = Child(
        who.command(rows, out, server.url, 64), SCRATCH / "peer.log", output="/dev/null", cwd=SCRATCH, **HOME)
    try:
        while server.counts()["given"] < given:
            if not child.is_running():
                raise Unmeasured(f"{who.name} ended before it was killed: {child.tail(300)}")
            if time.monotonic() > child.began + seconds_max:
                raise Unmeasured(f"{who.name} had not {given:,} answers after {seconds_max:.0f} s")
            time.sleep(0.02)
    finally:
        child.kill()
    return server.counts_when_idle()["given"]


def resume(suite):
    """Few done, then many; the many only for clients that come that far in time."""
    taken = {}
    for done in RESUME_DONE:
        expected = {who: done * seconds for who, seconds in taken.items()}
        able = [who for who in resuming() if expected.get(who, 0) < RESUME_SECONDS_MAX]
        late = [f"{who.name} ({expected[who] / 60:,.0f} minutes)" for who in resuming() if who not in able]
        taken = resume_after(suite, done, able, late)


def resume_after(suite, done, able, late):
    """Adds the table of one number of answers. The seconds that an answer took each contestant before the kill."""
    left_out = f" Left out, because they would take too long to come that far: {', '.join(late)}." if late else ""
    shown = Table(
        f"Starting again with {done:,} done",
        ["client", "s to the first new request", "CPU s", "peak RSS MB", "on disk MB"],
        f"Killed with kill -9 when the server had given {done:,} answers of {done + RESUME_MORE:,}; then the same command, "
        "until its first request with a prompt; 64 in flight. Who cannot resume is not here: it starts from nothing."
        + left_out)
    rows, out, taken = prompts(done + RESUME_MORE), SCRATCH / "resumed", {}
    for who in able:
        said(f"starting again with {done:,} done: {who.name}")
        began = time.monotonic()
        try:
            with Simulator("--latency", "0ms", "--tokens", "210") as server:
                run_until(who, rows, out, server, done, suite.remaining(RESUME_SECONDS_MAX))
            taken[who] = (time.monotonic() - began) / done
            size = sum(path.stat().st_size for path in [out, *Path(out).rglob("*")] if path.is_file())
            rounds = [_first_request(who, rows, out, suite) for _ in range(RESUME_ROUNDS)]
        except Unmeasured as why:
            suite.unmeasured(f"starting again with {done:,} done: {who.name}", why)
            continue
        wall, cpu, rss = zip(*rounds)
        shown.add(
            who.name, Spread(wall, 2), Spread(cpu, 2), Spread([one / 2**20 for one in rss], 0), size / 2**20)
    suite.show(shown)
    return taken


def _first_request(who, rows, out, suite):
    """From a copy of the state after the kill, so that each round starts equally."""
    aside = out.with_name("aside")
    clear(aside)
    if out.is_dir():
        shutil.copytree(out, aside, symlinks=True, ignore=shutil.ignore_patterns("*.sock"))
    else:
        shutil.copy2(out, aside)
    try:
        return time_to_first_request(
            lambda url: who.command(rows, out, url, 64), SCRATCH / "peer.log", suite.remaining(90), cwd=SCRATCH, **HOME)
    finally:
        clear(out)
        aside.rename(out)


def kill(suite):
    shown = Table(
        f"kill -9 in the middle of {KILL_PROMPTS:,} prompts, then the same command again",
        ["client", "given before", "given in all", "paid twice", "records", "prompts without one", "doubled"],
        f"64 in flight, answers after {KILL_LATENCY_MS} ms; killed when half was given. Up to 64 answers are on their way "
        "when a process dies: that many may be asked again. Records are those in the last output.")
    rows, out = prompts(KILL_PROMPTS), SCRATCH / "killed"
    for who in contestants.ALL:
        said(f"kill -9: {who.name}")
        try:
            with Simulator("--latency", f"{KILL_LATENCY_MS}ms", "--tokens", "60") as server:
                before = run_until(who, rows, out, server, KILL_PROMPTS // 2, suite.remaining(90))
                end = _second_run(who, rows, out, server.url, suite.remaining(KILL_SECONDS_MAX))
                counts = server.counts_when_idle()
        except Unmeasured as why:
            suite.unmeasured(f"kill -9: {who.name}", why)
            continue
        # A client that does not end may yet send again: how much it pays twice is unknown.
        twice = counts["given"] - counts["items_answered"] if end[1] != "" else ""
        shown.add(who.name, before, counts["given"], twice, *end)
    suite.show(shown)


def _second_run(who, rows, out, url, seconds_max):
    """(records, prompts without one, duplicates) after the same command again, or that it did not end."""
    try:
        again = measure(who.command(rows, out, url, 64), SCRATCH / "peer.log", seconds_max, cwd=SCRATCH, **HOME)
    except Unmeasured as why:
        if seconds_max < KILL_SECONDS_MAX:
            raise
        return "no end after %d s" % KILL_SECONDS_MAX if "stopped after" in str(why) else "ends with an error", "", ""
    records, distinct = _records(who, out, again)
    return records, KILL_PROMPTS - distinct, records - distinct


def _records(who, out, cost):
    if who.is_retort:
        keys = list(keys_on_disk(out))
        return len(keys), len(set(keys))
    last = json.loads(cost.output.strip().splitlines()[-1])
    return last["records"], last["distinct"]
