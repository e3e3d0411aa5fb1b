"""A model server with batches, and a store that is filled from it."""

import json

import pytest

from model_server import ModelServer
from program import Workshop

PRICE = ("--price", "1 - 4", "--max-tokens", "400")


class BatchProvider:
    def __init__(self, folder, *flags):
        self.folder = folder
        self.server = ModelServer(folder, *flags)
        self.workshop = Workshop(folder)
        self.out = folder / "out"

    def url(self, endpoint):
        """The options that name the server, its model and the endpoint."""
        address = self.server.url if endpoint == "chat" else self.server.url.removesuffix("/v1")
        return ("--base-url", address, "--model", "teacher", "--endpoint", endpoint)

    def batches(self):
        return [json.loads(line) for line in self.server.get("/simulator/batches").splitlines()]

    def close(self):
        self.workshop.close()
        self.server.stop()


def provide_of(kind):
    """The fixture provide(*flags): a provider of this kind with these flags of the simulator."""

    @pytest.fixture
    def provide(tmp_path):
        providers = []

        def make(*flags):
            providers.append(kind(tmp_path, *flags))
            return providers[-1]

        yield make
        for provider in providers:
            provider.close()

    return provide
