"""Child processes of the tests: started in a clean environment, waited for with a limit, ended by their own pid."""

import os
import select
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

STOP_SECONDS_MAX = 10
FIRST_LINE_SECONDS_MAX = 20


def clean_environment(**extra):
    """This process's environment without proxies and without anybody's API keys or addresses."""
    dropped = ("_proxy", "_PROXY", "OPENAI_", "ANTHROPIC_", "LITELLM_", "OTEL_", "RETORT_")
    kept = {name: value for name, value in os.environ.items() if not any(part in name for part in dropped)}
    return kept | {"NO_PROXY": "127.0.0.1", "NO_COLOR": "1"} | extra


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server that runs beside the tests. `log` holds its standard error, for the message when something fails."""

    def __init__(self, command, log: Path, environment):
        self.log = log
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
            )

    def first_line(self):
        """The first line of standard output, as bytes with its line feed."""
        line, output = b"", self.process.stdout.fileno()
        deadline = time.monotonic() + FIRST_LINE_SECONDS_MAX
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([output], [], [], max(0, deadline - time.monotonic()))
            byte = os.read(output, 1) if ready else b""
            if not byte:
                raise AssertionError(f"no line on standard output, only {line!r}; {self.state()}")
            line += byte
        return line

    def wait_until_healthy(self, url, seconds_max):
        deadline = time.monotonic() + seconds_max
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                direct.open(url, timeout=2).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise AssertionError(f"{url} did not answer; {self.state()}")

    def state(self):
        return f"exit status {self.process.poll()}, standard error: {self.log.read_text(errors='replace')[-2000:]}"

    def stop(self, number=signal.SIGINT):
        """Sends the signal, waits, and returns the exit status. Does nothing to a process that has ended."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        return self.process.returncode
