"""The official `openai` and `anthropic` packages as clients of `retort serve`, with `retort simulate` behind it."""

import json
import signal
import time

import anthropic
import openai
import pytest

from conftest import KEY, Dataset
from processes import Server, clean_environment

BATCH_SECONDS_MAX = 30
QUESTION = [{"role": "user", "content": "Why is the sea salty? 🌊"}]


class Front:
    def __init__(self, binary, url, root, log, *flags):
        command = [binary, "serve", "--out", root, "--base-url", url, "--listen", "127.0.0.1:0", *flags]
        self.server = Server(command, log, clean_environment(OPENAI_API_KEY=KEY, ANTHROPIC_API_KEY=KEY))
        self.url = self.server.first_line().decode().rstrip("\n")
        self.root = root
        self.openai = openai.OpenAI(base_url=self.url, api_key="of the client", timeout=15)
        self.anthropic = anthropic.Anthropic(base_url=self.url.removesuffix("/v1"), api_key="of the client", timeout=15)

    def close(self):
        self.openai.close()
        self.anthropic.close()
        return self.server.stop()

    def records(self):
        assert self.close() == 130, self.server.state()
        return Dataset(self.root, 0).records()


@pytest.fixture
def front(binary, simulate, tmp_path):
    """front(*flags): a server and a client of each package."""
    fronts = []

    def start(*flags, simulator=()):
        _, url = simulate("--latency", "1ms", *simulator)
        number = len(fronts)
        fronts.append(Front(binary, url, tmp_path / f"store-{number}", tmp_path / f"serve-{number}.log", *flags))
        return fronts[-1]

    yield start
    for server in fronts:
        server.close()


def test_chat_completions_and_responses(front):
    server = front()
    chat = server.openai.chat.completions.create(model="m", messages=QUESTION)
    text = server.openai.completions.create(model="m", prompt="Once upon a time")
    response = server.openai.responses.create(model="m", input="Why is the sea salty?")
    assert chat.choices[0].message.content and text.choices[0].text and response.output_text
    assert [model.id for model in server.openai.models.list()]
    records = server.records()
    assert {record["response"] for record in records} == {
        chat.choices[0].message.content, text.choices[0].text, response.output_text,
    }


def test_streams(front):
    server = front()
    chat = server.openai.chat.completions.create(model="m", messages=QUESTION, stream=True)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chat if chunk.choices)
    with server.openai.responses.stream(model="m", input="Why is the sea salty?") as stream:
        told = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
    completion = server.openai.completions.create(model="m", prompt="Once", stream=True)
    went_on = "".join(chunk.choices[0].text for chunk in completion if chunk.choices)
    assert text and told and went_on
    assert sorted(record["response"] for record in server.records()) == sorted([text, told, went_on])


def test_messages_and_their_stream(front):
    server = front()
    message = server.anthropic.messages.create(model="m", max_tokens=50, messages=QUESTION)
    with server.anthropic.messages.stream(model="m", max_tokens=60, messages=QUESTION) as stream:
        text = "".join(stream.text_stream)
    assert message.content[0].text and text
    assert sorted(record["response"] for record in server.records()) == sorted([message.content[0].text, text])


def test_files_and_batches(front):
    server = front()
    rows = [
        {"custom_id": f"row-{number}", "method": "POST", "url": "/v1/chat/completions",
         "body": {"model": "m", "messages": [{"role": "user", "content": f"Question {number}"}]}}
        for number in range(20)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    file = server.openai.files.create(file=("rows.jsonl", text), purpose="batch")
    assert file.bytes == len(text) and server.openai.files.content(file.id).read() == text
    batch = server.openai.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"for": "a test"}
    )
    deadline = time.monotonic() + BATCH_SECONDS_MAX
    while batch.status not in ("completed", "failed") and time.monotonic() < deadline:
        time.sleep(0.05)
        batch = server.openai.batches.retrieve(batch.id)
    assert batch.status == "completed" and batch.request_counts.completed == 20 and batch.error_file_id is None
    lines = server.openai.files.content(batch.output_file_id).text.splitlines()
    answers = {line["custom_id"]: line["response"]["body"] for line in map(json.loads, lines)}
    assert set(answers) == {row["custom_id"] for row in rows}
    assert [each.id for each in server.openai.batches.list()] == [batch.id]
    assert server.openai.files.delete(file.id).deleted
    texts = {answer["choices"][0]["message"]["content"] for answer in answers.values()}
    assert {record["response"] for record in server.records()} == texts


def test_litellm(front):
    litellm = pytest.importorskip("litellm")
    server = front("--reuse", "auto")

    def ask(**members):
        return litellm.completion(
            model="openai/m", messages=QUESTION, api_base=server.url, api_key="of the client", timeout=15, **members
        )

    text = ask().choices[0].message.content
    told = "".join(chunk.choices[0].delta.content or "" for chunk in ask(stream=True))
    assert text and told and ask().choices[0].message.content == text
    assert sorted(record["response"] for record in server.records()) == sorted([text, told])


def test_errors_are_the_packages_own(front):
    server = front(simulator=("--server-models", "m"))
    with pytest.raises(openai.NotFoundError) as refused:
        server.openai.chat.completions.create(model="other", messages=QUESTION)
    assert refused.value.code == "model_not_found"
    with pytest.raises(anthropic.NotFoundError):
        server.anthropic.messages.create(model="other", max_tokens=5, messages=QUESTION)
    with pytest.raises(openai.BadRequestError):
        server.openai.chat.completions.create(model="m", messages="no list")


def test_a_package_that_tries_again_pays_once(front):
    server = front("--retry-base", "10ms", simulator=("--fail-script", "1=500,2=reset"))
    assert server.openai.chat.completions.create(model="m", messages=QUESTION).choices[0].message.content
    (record,) = server.records()
    assert record["attempts"] == 3


def test_a_signal_ends_it_in_order(front):
    server = front()
    assert server.server.stop(signal.SIGTERM) == 130
