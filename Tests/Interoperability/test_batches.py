"""The batch APIs of `retort simulate` as the official packages use them."""

import io
import json

import anthropic
import openai
import pytest

from conftest import KEY

MODEL = "simulated"


def line(number):
    body = {"model": MODEL, "messages": [{"role": "user", "content": f"Question {number}"}]}
    return json.dumps({"custom_id": f"row-{number}", "method": "POST", "url": "/v1/chat/completions", "body": body})


@pytest.fixture
def connect(simulate):
    """connect(*flags): OpenAI's client of a model server that was started with these flags."""
    clients = []

    def make(*flags):
        _, base_url = simulate(*flags)
        clients.append(openai.OpenAI(base_url=base_url, api_key=KEY, max_retries=0, timeout=15))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def submit(client, count):
    text = "\n".join(map(line, range(count)))
    file = client.files.create(file=("rows.jsonl", io.BytesIO(text.encode())), purpose="batch")
    return file, client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"name": "mine"}
    )


def test_openai_files_and_batches(connect):
    client = connect()
    file, batch = submit(client, 5)
    assert (file.filename, file.purpose, file.object) == ("rows.jsonl", "batch", "file")
    assert client.files.content(file.id).text.count("custom_id") == 5
    assert [known.id for known in client.files.list(purpose="batch")] == [file.id]
    batch = client.batches.retrieve(batch.id)
    assert (batch.status, batch.request_counts.completed, batch.metadata) == ("completed", 5, {"name": "mine"})
    lines = [json.loads(text) for text in client.files.content(batch.output_file_id).text.splitlines()]
    assert [entry["custom_id"] for entry in lines] == [f"row-{number}" for number in range(5)]
    answer = openai.types.chat.ChatCompletion.model_validate(lines[3]["response"]["body"])
    assert answer.choices[0].message.content and answer.usage.completion_tokens > 0
    assert client.files.delete(file.id).deleted


def test_openai_lists_have_pages_with_the_newest_first(connect):
    client = connect()
    made = [submit(client, 1)[1].id for _ in range(5)]
    assert [batch.id for batch in client.batches.list(limit=2)] == made[::-1]


def test_openai_errors_and_ends(connect):
    client = connect("--batch-faults", "expired=1", "--batch-duration", "0ms")
    _, batch = submit(client, 4)
    batch = client.batches.retrieve(batch.id)
    assert batch.status == "expired"
    errors = [json.loads(text) for text in client.files.content(batch.error_file_id).text.splitlines()]
    assert {entry["error"]["code"] for entry in errors} == {"batch_expired"} and len(errors) == 2
    with pytest.raises(openai.NotFoundError):
        client.batches.retrieve("batch_of_nobody")
    slow = connect("--batch-duration", "1h")
    _, batch = submit(slow, 2)
    assert slow.batches.retrieve(batch.id).status == "in_progress"
    assert slow.batches.cancel(batch.id).status == "cancelled"


def test_anthropic_message_batches(simulate):
    _, base_url = simulate()
    root = base_url.removesuffix("/v1")
    with anthropic.Anthropic(base_url=root, api_key=KEY, max_retries=0, timeout=15) as client:
        params = {"model": MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": "Why is it blue?"}]}
        batch = client.messages.batches.create(
            requests=[{"custom_id": f"row-{number}", "params": params} for number in range(3)]
        )
        assert batch.processing_status == "in_progress" and batch.request_counts.processing == 3
        batch = client.messages.batches.retrieve(batch.id)
        assert batch.processing_status == "ended" and batch.request_counts.succeeded == 3
        assert batch.expires_at > batch.created_at
        results = {entry.custom_id: entry.result for entry in client.messages.batches.results(batch.id)}
        assert sorted(results) == ["row-0", "row-1", "row-2"]
        assert all(result.type == "succeeded" and result.message.content[0].text for result in results.values())
        assert [known.id for known in client.messages.batches.list()] == [batch.id]
