"""The real binary: run to its end, or watched while it runs. Every child is ended by its own pid."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "Interoperability"))

from processes import clean_environment  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[3]
RUN_SECONDS_MAX = 60

OK, BUSY, IO, INCOMPLETE, REFUSED, CONFIGURATION, INTERRUPTED = 0, 73, 74, 75, 77, 78, 130


def binary():
    path = Path(os.environ.get("RETORT", ".build/release/retort"))
    path = path if path.is_absolute() else REPOSITORY / path
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path} is not there: type `make build`, or name the binary in RETORT")
    return path

# A certificate bundle of this machine would take precedence over the one that a test names.
DEFAULTS = {"OPENAI_API_KEY": "sk-for-the-tests", "CURL_CA_BUNDLE": "", "SSL_CERT_DIR": ""}


class Finished:
    """An ended run: exit status, both outputs, seconds."""

    def __init__(self, command, status, output, errors, seconds):
        self.command, self.status, self.output, self.errors, self.seconds = command, status, output, errors, seconds

    def __repr__(self):
        words = " ".join(self.command)
        return f"{words}\nexit status {self.status} after {self.seconds:.2f} s\n{self.output[-2000:]}\n{self.errors[-4000:]}"

    def expect(self, status):
        assert self.status == status, f"expected exit status {status}: {self!r}"
        return self


class Program:
    """A child that runs `retort ARGUMENTS`, perhaps under another program such as strace."""

    def __init__(self, folder, *arguments, under=(), **environment):
        self.command = [str(part) for part in (*under, binary(), *arguments)]
        number = len(list(folder.glob("retort-*.err")))
        self.paths = [folder / f"retort-{number}.{name}" for name in ("out", "err")]
        with self.paths[0].open("wb") as output, self.paths[1].open("wb") as errors:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env=clean_environment(**DEFAULTS | environment),
            )
        self.began = time.monotonic()

    @property
    def errors(self):
        return self.paths[1].read_text(errors="replace")

    @property
    def is_running(self):
        return self.process.poll() is None

    def send(self, number):
        self.process.send_signal(number)

    def wait(self, seconds_max=RUN_SECONDS_MAX):
        try:
            status = self.process.wait(seconds_max)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running after {seconds_max} s: {self.command}\n{self.errors[-4000:]}")
        seconds = time.monotonic() - self.began
        output, errors = (path.read_text(errors="replace") for path in self.paths)
        return Finished(self.command, status, output, errors, seconds)

    def kill(self):
        """kill -9, and wait for the end."""
        if self.is_running:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Workshop:
    """Starts programs in a folder of their own, and sees that none outlives the test."""

    def __init__(self, folder):
        self.folder = folder
        self.programs = []

    def start(self, *arguments, under=(), **environment):
        program = Program(self.folder, *arguments, under=under, **environment)
        self.programs.append(program)
        return program

    def run(self, *arguments, status=OK, under=(), seconds_max=RUN_SECONDS_MAX, **environment):
        return self.start(*arguments, under=under, **environment).wait(seconds_max).expect(status)

    def close(self):
        for program in self.programs:
            program.kill()
