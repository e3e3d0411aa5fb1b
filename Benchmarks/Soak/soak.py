#!/usr/bin/env python3
"""The long forms of the end-to-end tests, bounded in time. Prints a line for each stage; exits with 1 if one fails.

    RETORT_SOAK_MINUTES=20 python3 Benchmarks/Soak/soak.py [STAGE ...]
"""

import os
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "Tests" / "EndToEnd" / "support"))

from stages import STAGES  # noqa: E402

MINUTES_DEFAULT = 20


def main(names):
    unknown = set(names) - {stage.__name__ for stage, _ in STAGES}
    if unknown:
        sys.exit(f"no stage named {', '.join(sorted(unknown))}; there are {', '.join(s.__name__ for s, _ in STAGES)}")
    stages = [(stage, share) for stage, share in STAGES if not names or stage.__name__ in names]
    minutes = float(os.environ.get("RETORT_SOAK_MINUTES", MINUTES_DEFAULT))
    seed = int(os.environ.get("RETORT_SOAK_SEED", random.randrange(1 << 32)))
    print(f"soak: {minutes:g} minutes, RETORT_SOAK_SEED={seed}", flush=True)
    end, failed = time.monotonic() + 60 * minutes, []
    for number, (stage, share) in enumerate(stages):
        # Each stage gets the time that earlier ones did not use.
        left = max(0.0, end - time.monotonic())
        deadline = time.monotonic() + left * share / sum(share for _, share in stages[number:])
        began = time.monotonic()
        try:
            with tempfile.TemporaryDirectory(prefix="retort-soak-") as folder:
                words = stage(Path(folder), deadline, random.Random(seed))
            print(f"{stage.__name__}: {words} ({time.monotonic() - began:.0f} s)", flush=True)
        except Exception:
            failed.append(stage.__name__)
            print(f"{stage.__name__}: FAILED after {time.monotonic() - began:.0f} s\n{traceback.format_exc()}", flush=True)
    if failed:
        sys.exit(f"soak: failed: {', '.join(failed)}")
    print("soak: every stage held")


if __name__ == "__main__":
    main(sys.argv[1:])
