"""Fixtures: a folder with files to run, a model server with counts, and a server that keeps what it receives."""

import json

import pytest

from bench import Recorder, Simulator, Store, retort


@pytest.fixture
def simulate(tmp_path):
    """simulate(*flags): a model server of its own, ended with the test."""
    servers = []

    def start(*flags):
        servers.append(Simulator(tmp_path, *flags))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def teacher(simulate):
    """A model server that answers at once."""
    return simulate("--latency", "1ms", "--tokens", "5")


@pytest.fixture
def record():
    """record(...): a `Recorder`, ended with the test."""
    servers = []

    def start(*how, **more):
        servers.append(Recorder(*how, **more))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def write(tmp_path):
    """write(name, bytes, text or rows): a file in the test's folder."""

    def write(name, content):
        path = tmp_path / name
        if isinstance(content, list):
            content = "".join(json.dumps(row) + "\n" for row in content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "out")


@pytest.fixture
def ask(store):
    """ask(server, *inputs and flags, status=0): one run into the store."""

    def ask(server, *arguments, **how):
        return retort("run", *arguments, "--out", store.root, "--base-url", server.url, "--model", "teacher", **how)

    return ask


def rows(count, first=0):
    return [{"id": f"q-{number}", "prompt": f"Tell me about {number}."} for number in range(first, first + count)]


@pytest.fixture(name="rows")
def rows_fixture():
    return rows
