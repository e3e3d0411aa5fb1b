import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))

from fixtures import ask, begin, prompts, serve, workshop  # noqa: E402, F401
