"""`retort simulate` as a child process, and its counts."""

import json
import sys
import threading
import time
import urllib.request
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "Interoperability"))

from processes import Server, clean_environment  # noqa: E402
from program import binary  # noqa: E402

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ModelServer:
    def __init__(self, folder, *flags, port=0):
        number = len(list(folder.glob("simulate-*.log")))
        command = [binary(), "simulate", "--port", port, *flags]
        self.server = Server(command, folder / f"simulate-{number}.log", clean_environment())
        self.url = self.server.first_line().decode().rstrip("\n")
        self.port = int(self.url.split(":")[2].split("/")[0])

    def get(self, path, body=None):
        """The response body of a path; with a request body it is a POST."""
        root = self.url.removesuffix("/v1")
        with DIRECT.open(root + path, body, timeout=10) as reply:
            return reply.read()

    def counts(self):
        return json.loads(self.get("/simulator/counts"))

    def items(self):
        """(item, attempts, given, answered, refused) of each requested item."""
        return [json.loads(line) for line in self.get("/simulator/items").splitlines()]

    def attempts(self):
        """How many requests each item cost, in falling order."""
        return sorted((item["attempts"] for item in self.items()), reverse=True)

    def wait_for(self, condition, seconds_max=20):
        """The counts as soon as they meet the condition."""
        deadline = time.monotonic() + seconds_max
        while True:
            counts = self.counts()
            if condition(counts):
                return counts
            assert time.monotonic() < deadline, f"not within {seconds_max} s: {counts}"
            time.sleep(0.01)

    def stop(self):
        self.server.stop()


class Watch:
    """Reads the counts all the time on a thread: (seconds, counts) in `samples`."""

    def __init__(self, model_server, every=0.02):
        self.model_server, self.every = model_server, every
        self.samples = []
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        began = time.monotonic()
        while not self.is_over.is_set():
            before = time.monotonic()
            counts = self.model_server.counts()
            self.samples.append((before - began, time.monotonic() - began, counts))
            self.is_over.wait(self.every)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()

    def first(self, condition):
        """When the condition was first seen, at the latest."""
        return next(after for _, after, counts in self.samples if condition(counts))

    def last_without(self, condition):
        """The latest time at which the condition was certainly not met yet."""
        met = next((n for n, sample in enumerate(self.samples) if condition(sample[2])), len(self.samples))
        return self.samples[met - 1][0] if met else 0.0

    def excess(self, per_second, of=lambda counts: counts["requests"]):
        """By how much the server's count ever outran a steady pace, over any stretch of time."""
        worst = least = 0.0
        for number, (_, after, counts) in enumerate(self.samples):
            # The count at the end of a stretch may have been read as late as `after`, at its start as early as `before`.
            worst = max(worst, of(counts) - per_second * after - least)
            before = self.samples[number][0]
            least = min(least, of(counts) - per_second * before)
        return worst
