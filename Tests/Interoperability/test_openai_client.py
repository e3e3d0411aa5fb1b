"""The official `openai` package as the client of `retort simulate`."""

import asyncio
import re
import signal

import openai
import pytest

from conftest import KEY

MODEL = "simulated"
QUESTION = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why is the sea salty? 🌊"}]


@pytest.fixture
def connect(simulate):
    """connect(*flags, retries=0): a client of a model server that was started with these flags."""
    clients = []

    def make(*flags, retries=0):
        _, base_url = simulate(*flags)
        clients.append(openai.OpenAI(base_url=base_url, api_key=KEY, max_retries=retries, timeout=15))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def test_first_line_is_the_base_url(simulate):
    server, base_url = simulate()
    assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d*/v1", base_url)
    assert server.process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order(simulate, number):
    server, _ = simulate()
    assert server.stop(number) in (0, 130)


def test_chat(connect):
    client = connect()
    answer = client.chat.completions.create(model=MODEL, messages=QUESTION)
    choice = answer.choices[0]
    assert (answer.object, answer.model) == ("chat.completion", MODEL)
    assert (choice.index, choice.message.role, choice.finish_reason) == (0, "assistant", "stop")
    assert choice.message.content
    usage = answer.usage
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_a_longer_prompt_counts_more_tokens(connect):
    chat = connect().chat.completions
    short = chat.create(model=MODEL, messages=[{"role": "user", "content": "word"}])
    long = chat.create(model=MODEL, messages=[{"role": "user", "content": "word " * 200}])
    assert long.usage.prompt_tokens > short.usage.prompt_tokens


def test_the_stream_spells_the_same_answer(connect):
    chat = connect().chat.completions
    whole = chat.create(model=MODEL, messages=QUESTION)
    chunks = list(chat.create(model=MODEL, messages=QUESTION, stream=True, stream_options={"include_usage": True}))
    deltas = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(deltas) == whole.choices[0].message.content
    assert len([delta for delta in deltas if delta]) > 1
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage == whole.usage


def test_completions_with_and_without_a_suffix(connect):
    client = connect()
    prefix, suffix = "def double(x):\n    return ", "\n\nassert double(4) == 8\n"
    plain = client.completions.create(model=MODEL, prompt=prefix)
    middle = client.completions.create(model=MODEL, prompt=prefix, suffix=suffix)
    for answer in (plain, middle):
        assert answer.object == "text_completion" and answer.choices[0].text
        assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_models_are_listed(connect):
    models = connect().models.list().data
    assert models and all(model.id and model.object == "model" for model in models)


def test_an_injected_429_is_retried_by_the_client(connect):
    client = connect("--fail-script", "1=429", retries=2)
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=QUESTION)
    assert raw.retries_taken == 1
    assert raw.parse().choices[0].message.content


def test_without_retries_it_is_the_client_s_rate_limit_error(connect):
    client = connect("--fail-script", "1=429")
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model=MODEL, messages=QUESTION)
    assert caught.value.status_code == 429
    assert caught.value.body["message"]
    assert client.chat.completions.create(model=MODEL, messages=QUESTION).choices[0].message.content


def test_an_injected_500_is_the_client_s_server_error(connect):
    client = connect("--fail-script", "1=500")
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model=MODEL, messages=QUESTION)


def test_many_at_once_each_get_their_own_answer(simulate):
    _, base_url = simulate()
    questions = [f"Question number {number}" for number in range(64)]

    async def ask_all(order):
        async with openai.AsyncOpenAI(base_url=base_url, api_key=KEY, max_retries=0, timeout=30) as client:
            create = client.chat.completions.create
            asked = [create(model=MODEL, messages=[{"role": "user", "content": text}]) for text in order]
            return dict(zip(order, await asyncio.gather(*asked)))

    first, second = asyncio.run(ask_all(questions)), asyncio.run(ask_all(questions[::-1]))
    for question in questions:
        assert first[question].choices[0].message.content == second[question].choices[0].message.content
    assert len({answer.id for answer in first.values()}) == len(questions)
    assert len({answer.choices[0].message.content for answer in first.values()}) > 1
