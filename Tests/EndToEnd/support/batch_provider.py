"""A model server with batches, and a store that is filled from it."""

import json

import pytest

from model_server import ModelServer
from program import Workshop

PRICE = ("--price", "1 - 4", "--max-tokens", "400")


# The roots of providers with OpenAI's requests, relative to the server.
ROOTS = {"chat": "/v1", "mistral": "/v1", "together": "/v1", "groq": "/openai/v1", "gemini": "/v1beta/openai"}
ROOTS["azure"] = "/openai/deployments/teacher?api-version=2024-10-21"


class BatchProvider:
    def __init__(self, folder, *flags):
        self.folder = folder
        self.server = ModelServer(folder, *flags)
        self.workshop = Workshop(folder)
        self.out = folder / "out"

    def url(self, form):
        """The options that name the server, its model, the endpoint and the form of its batches."""
        address = self.server.url.removesuffix("/v1")
        if form not in ROOTS:
            return ("--base-url", address, "--model", "teacher", "--endpoint", form)
        api = () if form == "chat" else ("--batch-api", form)
        return ("--base-url", address + ROOTS[form], "--model", "teacher", "--endpoint", "chat", *api)

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
