"""The machine on which the numbers were measured."""

import os
import platform
import re
import subprocess
import time
from pathlib import Path

from settings import REPOSITORY, retort, tool

LOAD_PER_CORE_MAX = 0.25


def describe():
    """A dictionary for the report: processor, cores, kernel, load at the start, versions."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.release(),
        "load_at_start": [round(load, 2) for load in os.getloadavg()],
        "python": platform.python_version(),
        "commit": _first_word(["git", "-C", REPOSITORY, "rev-parse", "--short", "HEAD"], r"\w+"),
        "retort": _first_word([retort(), "--version"]),
        "nginx": _first_word([tool("nginx"), "-v"]),
        "wrk": _first_word([tool("wrk"), "-v"]),
    }


def warnings(machine):
    """Conditions that make these numbers doubtful."""
    load = machine["load_at_start"][0]
    if load > LOAD_PER_CORE_MAX * machine["cores"]:
        return [
            f"The machine was busy: load {load} on {machine['cores']} cores at the start. "
            "Wall times and rates are worth little; CPU times are better, but not good."
        ]
    return []


def _cpu():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _first_word(command, pattern=r"\d+\.\d+[.\d]*"):
    """The part of a command's output that looks like a version."""
    if not command[0]:
        return "not installed"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
        return re.search(pattern, done.stdout or done.stderr)[0]
    except (OSError, subprocess.TimeoutExpired, TypeError):
        return "not known"
