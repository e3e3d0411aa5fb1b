"""Fixtures of the end-to-end tests: programs, model servers and prompts in the test's own folder."""

import pytest

from dataset import write_prompts
from model_server import ModelServer
from program import Workshop


@pytest.fixture
def workshop(tmp_path):
    """Starts and runs the binary; whatever still runs at the end of the test is killed."""
    workshop = Workshop(tmp_path)
    yield workshop
    workshop.close()


@pytest.fixture
def serve(tmp_path):
    """serve(*flags): a model server of its own, ended with the test."""
    servers = []

    def start(*flags, port=0):
        servers.append(ModelServer(tmp_path, *flags, port=port))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def prompts(tmp_path):
    """prompts(count): a file of so many rows."""
    return lambda count, first=0: write_prompts(tmp_path / f"prompts-{first}-{count}.jsonl", count, first)


@pytest.fixture
def ask(workshop, tmp_path):
    """ask(server or URL, prompts, *flags, status=0): one run into `out` of the test's folder."""

    def run(server, rows, *flags, status=0, out="out", under=(), seconds_max=60, **environment):
        url = server if isinstance(server, str) else server.url
        return workshop.run(*command(url, rows, tmp_path / out, *flags), status=status, under=under,
                            seconds_max=seconds_max, **environment)

    return run


@pytest.fixture
def begin(workshop, tmp_path):
    """begin(server or URL, prompts, *flags): a run that is still active."""

    def start(server, rows, *flags, out="out", under=(), **environment):
        url = server if isinstance(server, str) else server.url
        return workshop.start(*command(url, rows, tmp_path / out, *flags), under=under, **environment)

    return start


def command(url, rows, out, *flags):
    return ["run", rows, "--out", out, "--base-url", url, "--model", "teacher", *flags]
