"""The official `anthropic` package, and `openai`'s responses, as clients of `retort simulate`."""

import json

import anthropic
import openai
import pytest

from conftest import KEY

MODEL = "simulated"
QUESTION = [{"role": "user", "content": "Why is the sea salty?"}]


@pytest.fixture
def messages(simulate):
    """messages(*flags): Anthropic's client of a model server that was started with these flags."""

    def make(*flags):
        _, base_url = simulate(*flags)
        client = anthropic.Anthropic(base_url=base_url.removesuffix("/v1"), api_key=KEY, max_retries=0, timeout=15)
        return client.messages

    return make


@pytest.fixture
def responses(simulate):
    def make(*flags):
        _, base_url = simulate(*flags)
        return openai.OpenAI(base_url=base_url, api_key=KEY, max_retries=0, timeout=15).responses

    return make


def test_a_message(messages):
    answer = messages().create(model=MODEL, max_tokens=4096, system="Be brief.", messages=QUESTION)
    assert answer.content[0].text and answer.stop_reason == "end_turn"
    assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0


def test_a_message_that_is_truncated(messages):
    assert messages().create(model=MODEL, max_tokens=3, messages=QUESTION).stop_reason == "max_tokens"


def test_a_streamed_message_is_the_whole_one(messages):
    client = messages("--reasoning-tokens", "5")
    whole = client.create(model=MODEL, max_tokens=4096, messages=QUESTION)
    with client.stream(model=MODEL, max_tokens=4096, messages=QUESTION) as stream:
        streamed = stream.get_final_message()
    assert [block.type for block in streamed.content] == ["thinking", "text"]
    assert streamed.content[-1].text == whole.content[-1].text
    assert streamed.usage.output_tokens == whole.usage.output_tokens


def test_anthropics_errors(messages):
    with pytest.raises(anthropic.RateLimitError):
        messages("--fail", "429=1").create(model=MODEL, max_tokens=5, messages=QUESTION)
    with pytest.raises(anthropic.NotFoundError):
        messages("--server-models", "other").create(model=MODEL, max_tokens=5, messages=QUESTION)


def test_a_response(responses):
    answer = responses("--reasoning-tokens", "5").create(model=MODEL, input="Why?", instructions="Be brief.")
    assert answer.status == "completed" and answer.output_text
    assert answer.output[0].summary[0].text
    assert answer.usage.output_tokens_details.reasoning_tokens > 0


def test_a_response_that_is_truncated(responses):
    answer = responses().create(model=MODEL, input=QUESTION, max_output_tokens=3)
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")


def test_a_streamed_response_is_the_whole_one(responses):
    client = responses()
    whole = client.create(model=MODEL, input=QUESTION).output_text
    parts, last = [], None
    for event in client.create(model=MODEL, input=QUESTION, stream=True):
        if event.type == "response.output_text.delta":
            parts.append(event.delta)
        last = event
    assert "".join(parts) == whole
    assert last.type == "response.completed" and last.response.output_text == whole


def test_a_response_in_the_form_of_a_schema(responses):
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string"}},
        "required": ["title"],
        "additionalProperties": False,
    }
    answer = responses().create(
        model=MODEL,
        input=QUESTION,
        store=False,
        text={"format": {"type": "json_schema", "name": "answer", "schema": schema, "strict": True}},
    )
    assert isinstance(json.loads(answer.output_text)["title"], str)


def test_a_response_to_the_results_of_tools(responses):
    items = [
        *QUESTION,
        {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "Rivers carry salt."},
    ]
    tool = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}, "strict": False}
    answer = responses().create(model=MODEL, input=items, tools=[tool], instructions="Be brief.")
    assert answer.status == "completed" and answer.output_text
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
