"""Paths, and the settings from the environment. `BENCH_FULL=1` selects the long forms."""

import os
import shutil
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[1]
REPOSITORY = BENCHMARKS.parent
BUILD = REPOSITORY / ".build"
SCRATCH = BUILD / "bench"
RESULTS = BENCHMARKS / "results"
PEERS = BENCHMARKS / "peers"
PEER_ENVIRONMENTS = BUILD / "peers"

FULL = os.environ.get("BENCH_FULL", "") not in ("", "0")


def number(name, default):
    """A whole number from the environment."""
    text = os.environ.get(name, "")
    try:
        return int(text.replace("_", "")) if text else default
    except ValueError:
        raise SystemExit(f"{name}={text} is not a whole number") from None


def retort():
    """The release binary that is measured. `RETORT` may name another."""
    path = Path(os.environ.get("RETORT") or BUILD / "release" / "retort")
    path = path if path.is_absolute() else REPOSITORY / path
    if not os.access(path, os.X_OK):
        raise SystemExit(f"{path} is not there: type `make build`, or name the binary in RETORT")
    return path


def tool(name):
    """The path of a command, also where only root's PATH has its directory; None if it is not installed."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")


def environment(**extra):
    """The environment of everything measured: no proxies, no keys, no telemetry."""
    dropped = ("_proxy", "_PROXY", "OPENAI_", "ANTHROPIC_", "RETORT_", "BENCH_")
    kept = {name: value for name, value in os.environ.items() if not any(part in name for part in dropped)}
    quiet = {
        "NO_PROXY": "127.0.0.1",
        "NO_COLOR": "1",
        # As long as a real one: answers are searched for it.
        "OPENAI_API_KEY": "sk-none-" + "0aB1cD2eF3gH4iJ5" * 3,
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TELEMETRY_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PYTHONUNBUFFERED": "1",
    }
    return kept | quiet | {name: str(value) for name, value in extra.items()}
