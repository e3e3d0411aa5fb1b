"""Anthropic's API through `retort serve`, over two servers: each client gets a whole answer, and the store has it."""

import json

import pytest


def ask(server, text, **members):
    body = {"model": "m", "max_tokens": 30, "messages": [{"role": "user", "content": text}]} | members
    return server.post("/v1/messages", body, x_api_key="of-the-client", anthropic_version="2023-06-01")


def events(reply):
    return [json.loads(line.removeprefix(b"data: ")) for line in reply.body.splitlines() if line.startswith(b"data: ")]


def text_of(reply):
    if reply.headers["content-type"] == "application/json":
        return "".join(block["text"] for block in reply.json["content"])
    pieces = [event["delta"] for event in events(reply) if event["type"] == "content_block_delta"]
    assert events(reply)[-1]["type"] == "message_stop"
    return "".join(piece["text"] for piece in pieces)


def kept(server):
    """Text by id of each record, which must hold what was received, byte for byte."""
    return {record["id"]: (record["response"], record["body"].encode()) for record in server.disk.records()}


@pytest.mark.parametrize("is_stream", [False, True])
def test_two_servers_share_the_messages(front, model_server, is_stream):
    first, second = model_server("--latency", "2ms"), model_server("--latency", "2ms")
    server = front(first.url, "--base-url", second.url)
    replies = [ask(server, f"question {number}", stream=is_stream) for number in range(20)]
    assert [reply.status for reply in replies] == [200] * 20
    server.end()
    assert kept(server) == {reply.headers["x-retort-id"]: (text_of(reply), reply.body) for reply in replies}
    counts = [teacher.counts()["answered"] for teacher in (first, second)]
    assert min(counts) > 0 and sum(counts) == 20


@pytest.mark.parametrize("fault", ["529", "401", "garbage", "500"])
@pytest.mark.parametrize("is_stream", [False, True])
def test_what_one_server_refuses_the_other_answers(front, model_server, fault, is_stream):
    good, bad = model_server("--latency", "2ms"), model_server("--latency", "2ms", "--fail", f"{fault}=1")
    server = front(bad.url, "--base-url", good.url)
    replies = [ask(server, f"question {number}", stream=is_stream) for number in range(12)]
    assert [reply.status for reply in replies] == [200] * 12
    server.end()
    assert kept(server) == {reply.headers["x-retort-id"]: (text_of(reply), reply.body) for reply in replies}
    assert bad.attempts() and good.counts()["answered"] == 12


def test_each_model_is_found_at_the_server_that_has_it(front, model_server):
    first, second = (model_server("--latency", "2ms", "--server-models", name) for name in ("small", "large"))
    server = front(first.url, "--base-url", second.url)
    for name in ("small", "large", "small"):
        assert [ask(server, f"question {number}", model=name).status for number in range(6)] == [200] * 6
    assert ask(server, "Why?", model="none").status == 404
    server.end()
    assert [teacher.counts()["answered"] for teacher in (first, second)] == [12, 6]


def test_a_message_asked_again_is_paid_once_whichever_server_had_it(front, model_server):
    first, second = model_server("--latency", "2ms"), model_server("--latency", "2ms")
    server = front(first.url, "--base-url", second.url, "--reuse", "always")
    replies = [ask(server, f"question {number}") for number in range(6)]
    server.program.kill()
    server = front(second.url, "--base-url", first.url, "--reuse", "always")
    again = [ask(server, f"question {number}") for number in range(6)]
    assert all(reply.is_reused for reply in again) and [reply.body for reply in again] == [reply.body for reply in replies]
    server.end()
    assert sum(teacher.counts()["answered"] for teacher in (first, second)) == 6


def test_what_both_refuse_is_told_in_anthropics_form(front, model_server):
    teachers = [model_server("--latency", "2ms", "--fail", "529=1") for _ in range(2)]
    server = front(teachers[0].url, "--base-url", teachers[1].url, "--attempts", "2")
    reply = ask(server, "Why?")
    assert reply.status == 529 and reply.json["type"] == "error" and reply.json["error"]["message"]
    server.end()
    assert not server.disk.records()
