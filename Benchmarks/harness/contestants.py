"""The compared clients: retort, and current alternatives. Each peer is a script of its own under Benchmarks/peers."""

import shutil
from dataclasses import dataclass, replace

import pipeline
from processes import Unmeasured
from settings import PEER_ENVIRONMENTS, PEERS, SCRATCH, number

PROMPTS = number("BENCH_PEER_PROMPTS", 10_000)
# The slow ones get fewer prompts, so that each gets its rounds; the cost of starting is measured separately and
# subtracted.
PROMPTS_SLOW = min(PROMPTS, number("BENCH_PEER_PROMPTS_SLOW", 2_500))

STRUCTURED = "structured"
SCHEMA = PEERS / "persona.schema.json"


@dataclass(frozen=True)
class Contestant:
    """`lacks` names what it does not do. `resumes`: the same command again continues where it was. `form`: where an
    answer must hold JSON, see `corpus.persona`."""

    name: str
    folder: str
    lacks: str
    argument: str = ""
    resumes: bool = False
    form: str = ""
    prompts: int = PROMPTS

    @property
    def is_retort(self):
        return not self.folder

    def command(self, rows, out, url, concurrency):
        if self.is_retort:
            schema = ["--schema", SCHEMA] if self.argument == STRUCTURED else []
            return [*pipeline.run_command(rows, out, url, concurrency), *schema]
        python = PEER_ENVIRONMENTS / self.folder / "bin" / "python"
        if not python.exists():
            raise Unmeasured(f"{self.name}: its Python environment is not there: `make bench-peers` makes it")
        arguments = [self.argument] if self.argument else []
        return [python, PEERS / self.folder / "run.py", rows, out, url, concurrency, *arguments]


ALL = [
    Contestant("retort", "", "", resumes=True),
    Contestant("aiohttp + uvloop script", "script", "no retry, checks, compression, sync", resumes=True),
    Contestant("openai SDK, aiohttp transport", "openai", "no resume, compression, sync", "aiohttp"),
    Contestant("openai SDK", "openai", "no resume, compression, sync", prompts=PROMPTS_SLOW),
    Contestant("datatrove InferenceRunner", "datatrove", "no resume", prompts=PROMPTS_SLOW),
    Contestant(
        "datatrove with checkpoints", "datatrove", "no sync", "checkpoints", resumes=True, prompts=PROMPTS_SLOW),
    Contestant("curator", "curator", "no compression, sync", resumes=True, prompts=PROMPTS_SLOW),
    Contestant("litellm", "litellm", "no resume, compression, sync", prompts=PROMPTS_SLOW),
    Contestant("distilabel", "distilabel", "resumes whole batches; no sync", resumes=True, prompts=PROMPTS_SLOW),
    Contestant(
        "data-designer", "data-designer", "resumes groups of 1,000; no sync", resumes=True, prompts=PROMPTS_SLOW),
]

# Those that check answers by a schema, and where each wants its JSON.
FORMS = {"retort": "bare", "curator": "bare", "distilabel": "tool", "data-designer": "fenced"}
CHECKING = [replace(who, argument=STRUCTURED, form=FORMS[who.name]) for who in ALL if who.name in FORMS]

# Peers' caches and settings are here, not in a home directory.
HOME = {"HOME": SCRATCH / "home", "HF_HOME": SCRATCH / "home" / "hf"}


def clear(out):
    """Removes a result, be it a file or a folder."""
    if out.is_dir():
        shutil.rmtree(out)
    else:
        out.unlink(missing_ok=True)
