"""Child processes, measured as whole trees, each ended by its own id.

This process makes itself the reaper of orphans, so that the CPU time of every descendant arrives here: through the
child that waited for it, or directly. Memory is sampled from /proc.
"""

import ctypes
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from settings import environment

SAMPLE_SECONDS = 0.05
STOP_SECONDS_MAX = 10
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36

_libc = ctypes.CDLL(None, use_errno=True)
_libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
_children = set()


class Unmeasured(Exception):
    """Something could not be measured; the text gives the reason and appears in the output."""


@dataclass
class Cost:
    """The cost of one command: seconds of wall time and CPU (user and system, whole tree), and its peak memory."""

    wall: float
    cpu: float
    rss_bytes: int
    status: int
    output: str = ""


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Child:
    """A command in a session of its own. Its standard error goes to `log`."""

    def __init__(self, command, log: Path, output=None, cwd=None, **extra):
        self.log = Path(log)
        self.began = time.monotonic()
        with self.log.open("wb") as errors, open(output or os.devnull, "wb") as lines:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=lines if output else subprocess.PIPE,
                stderr=errors,
                cwd=cwd,
                env=environment(**extra),
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        self.pid = self.process.pid
        self.usage, self.orphans_cpu = None, 0.0
        _children.add(self)

    def is_running(self):
        return self.process.returncode is None and not self._reap(os.WNOHANG)

    def wait(self):
        if self.process.returncode is None:
            self._reap(0)
        return self.process.returncode

    def _reap(self, flags):
        pid, status, usage = os.wait4(self.pid, flags)
        if pid == 0:
            return False
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.usage = usage
        _children.discard(self)
        return True

    def send(self, number):
        """Sends a signal to the whole session."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass

    def stop(self, number=signal.SIGTERM):
        """Sends the signal, waits for the end, kills what is left of the session."""
        if self.is_running():
            self.process.send_signal(number)
            deadline = time.monotonic() + STOP_SECONDS_MAX
            while self.is_running() and time.monotonic() < deadline:
                time.sleep(0.01)
        self.kill()
        if self.process.stdout:
            self.process.stdout.close()

    def kill(self):
        self.send(signal.SIGKILL)
        self.wait()
        self.orphans_cpu += _reap_orphans()

    def tail(self, count=600):
        return self.log.read_text(errors="replace")[-count:].strip()


class MemorySampler(threading.Thread):
    """Watches a tree: the most its processes held together, shared pages counted once (PSS)."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.root, self.peak, self._ended = pid, 0, threading.Event()

    def run(self):
        pause = SAMPLE_SECONDS
        while not self._ended.wait(pause):
            began = time.monotonic()
            self.note()
            # Measuring many large processes takes time: never more than a small share of a core.
            pause = max(SAMPLE_SECONDS, 30 * (time.monotonic() - began))

    def note(self):
        self.peak = max(self.peak, self._now())

    def end(self):
        self._ended.set()
        self.join()
        return self.peak

    def _now(self):
        pids = tree(self.root)
        if len(pids) == 1:
            return field(f"/proc/{pids[0]}/status", "VmHWM:")
        return sum(field(f"/proc/{pid}/smaps_rollup", "Pss:") for pid in pids)


def tree(root):
    """The process and its descendants."""
    pids = [root]
    for pid in pids:
        pids += children(pid)
    return pids


def children(pid):
    """The processes that any thread of this one has started and that are still there."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    except OSError:
        pass
    return found


def field(path, name):
    """A memory figure of /proc in bytes; 0 if the process is gone."""
    try:
        for line in Path(path).read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def _reap_orphans():
    """Descendants that lost their parent are ours now: ends them and returns their CPU seconds."""
    known, spent = {child.pid for child in _children}, 0.0
    # The end of one orphan may make its own children orphans.
    while orphans := set(children(os.getpid())) - known:
        for pid in orphans:
            try:
                os.kill(pid, signal.SIGKILL)
                spent += seconds(os.wait4(pid, 0)[2])
            except (ProcessLookupError, ChildProcessError):
                pass
    return spent


def seconds(usage):
    return usage.ru_utime + usage.ru_stime


def measure(command, log, seconds_max, accept=(0,), cwd=None, **extra):
    """Runs a command to its end. Throws `Unmeasured` if it takes too long or ends with another status."""
    if seconds_max <= 0:
        raise Unmeasured("no time was left for it")
    output = Path(f"{log}.out")
    child = Child(command, log, output=output, cwd=cwd, **extra)
    sampler = MemorySampler(child.pid)
    sampler.start()
    late = threading.Timer(seconds_max, child.send, [signal.SIGKILL])
    late.start()
    try:
        status = child.wait()
        wall = time.monotonic() - child.began
    finally:
        late.cancel()
        peak = sampler.end()
        child.kill()
    if status not in accept:
        why = f"stopped after {seconds_max:.0f} s" if wall >= seconds_max else f"exit status {status}"
        raise Unmeasured(f"{Path(str(command[0])).name}: {why}; {child.tail(300)}")
    spent = seconds(child.usage) + child.orphans_cpu
    return Cost(wall, spent, peak, status, output.read_text(errors="replace"))


def stop_everything():
    """Ends what is still running; called on every way out."""
    for child in list(_children):
        child.kill()
    _reap_orphans()
