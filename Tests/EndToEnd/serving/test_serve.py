"""`retort serve`: what a client gets, what is recorded, and what happens to both when a process is killed."""

import http.client
import json
import threading
import time

import pytest

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Why?"}]}
REQUESTS = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": {"model": "m", "prompt": "Once"},
    "/v1/responses": {"model": "m", "input": "Why?"},
    "/v1/messages": CHAT | {"max_tokens": 50},
}


def started(target, *arguments):
    thread = threading.Thread(target=target, args=arguments)
    thread.start()
    return thread


@pytest.mark.parametrize("path", REQUESTS)
def test_the_answer_is_the_apis_own_and_is_recorded(front, model_server, path):
    server = front(model_server("--latency", "1ms").url)
    reply = server.post(path, REQUESTS[path])
    assert reply.status == 200 and reply.headers["content-type"] == "application/json"
    server.end()
    (record,) = server.disk.records()
    assert record["id"] == reply.headers["x-retort-id"] and record["body"].encode() == reply.body
    assert json.loads(record["metadata"])["endpoint"] == path


@pytest.mark.parametrize("path", REQUESTS)
def test_streams_arrive_as_events(front, model_server, path):
    server = front(model_server("--latency", "1ms").url)
    reply = server.post(path, REQUESTS[path] | {"stream": True})
    assert reply.status == 200 and reply.headers["content-type"] == "text/event-stream"
    server.end()
    (record,) = server.disk.records()
    assert record["response"] and reply.body == record["body"].encode()


def test_a_stream_arrives_as_it_comes_and_ends_when_it_is_recorded(front, model_server):
    server = front(model_server("--latency", "1ms", "--time-per-token", "10ms", "--tokens", "60").url)
    connection = server.connection()
    connection.request("POST", "/v1/chat/completions", json.dumps(CHAT | {"stream": True}), {"x-retort-id": "s"})
    reply = connection.getresponse()
    first = reply.read1(100)
    assert first.startswith(b"data: ") and not server.disk.received()
    rest = reply.read()
    assert rest.endswith(b"data: [DONE]\n\n") and server.disk.received() == {"s"}
    server.end()
    assert server.disk.records()[0]["body"].encode() == first + rest


def test_a_stream_that_breaks_off_is_asked_again_for_the_store(front, model_server):
    teacher = model_server("--latency", "1ms", "--time-per-token", "1ms", "--fail-script", "1=truncate")
    server = front(teacher.url)
    with pytest.raises((http.client.HTTPException, OSError)):
        server.post("/v1/chat/completions", CHAT | {"stream": True}, idempotency_key="again")
    teacher.wait_for(lambda counts: counts["answered"] == 1)
    again = server.post("/v1/chat/completions", CHAT | {"stream": True}, idempotency_key="again")
    assert again.is_reused and again.body.endswith(b"data: [DONE]\n\n")
    server.end()
    assert len(server.disk.records()) == 1


def test_other_commands_read_the_store(front, model_server, workshop):
    teacher = model_server("--latency", "1ms")
    server = front(teacher.url)
    for number in range(5):
        server.ask(f"Question {number}")
    server.post("/v1/chat/completions", {"model": "m"})
    server.end()
    root = server.disk.root
    status = json.loads(workshop.run("status", root, "--json").output)
    assert (status["done"], status["failed"], status["pending"]) == (5, 1, 0)
    workshop.run("verify", root, "--deep")
    assert len(workshop.run("cat", root).output.splitlines()) == 5
    workshop.run("report", root)
    workshop.run("export", root, "--format", "messages", "-o", root.parent / "export.jsonl")
    assert len((root.parent / "export.jsonl").read_text().splitlines()) == 5
    other = front(teacher.url, out="other")
    other.ask("Question 4")
    other.ask("Question 5")
    other.end()
    workshop.run("merge", root, other.disk.root, "--out", root.parent / "merged")
    workshop.run("verify", root.parent / "merged", "--deep")
    # Both answers to question 4 are kept, like those to equal rows of two runs.
    assert len(workshop.run("cat", root.parent / "merged").output.splitlines()) == 7


def test_refusals_reach_the_client_at_once(front, model_server):
    teacher = model_server("--latency", "1ms")
    server = front(teacher.url)
    for _ in range(40):
        reply = server.post("/v1/chat/completions", {"model": "m"})
        assert reply.status == 400 and reply.json["error"]["param"] == "messages"
    assert teacher.counts()["requests"] == 40
    assert server.ask("hi").status == 200
    server.end()
    assert len(server.disk.failures()) == 40


def test_failures_are_retried_and_then_told(front, model_server):
    server = front(model_server("--latency", "1ms", "--fail-script", "1=500,2=500").url, "--attempts", 3)
    assert server.ask("one").status == 200
    server.end()
    other = front(model_server("--latency", "1ms", "--fail", "500=1").url, "--attempts", 2, out="other")
    reply = other.ask("one")
    assert reply.status == 500 and "error" in reply.json and reply.headers["x-should-retry"] == "false"


def test_an_unreachable_server_gives_503(front):
    server = front("http://127.0.0.1:9/v1", "--outage-max", "200ms", "--retry-cap", "20ms")
    for _ in range(2):
        reply = server.ask("one")
        assert reply.status in (502, 503) and reply.json["error"]["message"]
    server.end()


def test_what_is_no_request_is_refused_in_the_apis_form(front, model_server):
    server = front(model_server().url, "--request-size-max", "2K")
    assert server.post("/v1/chat/completions", "{").json["error"]["type"] == "invalid_request_error"
    assert server.post("/v1/chat/completions", "[]").status == 400
    assert server.post("/v1/messages", "{").json["type"] == "error"
    assert server.post("/v1/embeddings", "{}").status == 404
    assert server.get("/v1/chat/completions").status == 405
    assert server.post("/v1/chat/completions", "x" * 3000).status == 413
    assert server.post("/v1/chat/completions", CHAT, origin="http://elsewhere.example").status == 403
    assert server.post("/v1/chat/completions", CHAT, host="elsewhere.example").status == 403
    assert server.post("/v1/chat/completions", CHAT, x_retort_id="x" * 2000).status == 400
    server.end()
    assert not server.disk.records()


def test_what_cannot_work_is_refused_before_it_begins(front, model_server, workshop, tmp_path):
    teacher = model_server("--latency", "1ms")
    (tmp_path / "rows.jsonl").write_text('{"prompt": "x"}\n')
    run = ("run", tmp_path / "rows.jsonl", "--model", "m", "--base-url", teacher.url, "--out")
    workshop.run(*run, tmp_path / "run")
    serve = ("serve", "--base-url", teacher.url, "--listen", "127.0.0.1:0", "--out")
    assert "front" in workshop.run(*serve, tmp_path / "run", status=78).errors
    server = front(teacher.url)
    taken = ("serve", "--base-url", teacher.url, "--listen", f"127.0.0.1:{server.port}", "--out", tmp_path / "new")
    assert "in use" in workshop.run(*taken, status=78).errors
    assert workshop.run(*serve, server.disk.root, status=73).errors
    server.ask("one")
    server.end()
    assert "front" in workshop.run(*run, server.disk.root, status=78).errors
    own = ("serve", "--base-url", f"http://localhost:{server.port}/v1", "--listen", f"127.0.0.1:{server.port}")
    assert "listened on" in workshop.run(*own, "--out", tmp_path / "new", status=78).errors
    assert not (tmp_path / "new").exists()


def test_models_pass_through(front, model_server):
    teacher = model_server("--server-models", "one,two")
    server = front(teacher.url)
    assert [model["id"] for model in server.get("/v1/models").json["data"]] == ["one", "two"]
    assert server.ask("hi", model="three").status == 404


def test_a_repeated_request_is_answered_from_the_store(front, model_server):
    teacher = model_server("--latency", "1ms")
    server = front(teacher.url, "--reuse", "auto")
    first = server.ask("one")
    again = server.post("/v1/chat/completions", '{"messages":[ {"content":"\\u006fne","role":"user"} ], "model":"m"}')
    assert (again.body, again.is_reused, first.is_reused) == (first.body, True, False)
    # Equal requests that are meant to differ.
    warm = [server.ask("one", temperature=0.7) for _ in range(3)]
    assert not any(reply.is_reused for reply in warm) and len({reply.headers["x-retort-id"] for reply in warm}) == 3
    assert teacher.counts()["requests"] == 4
    server.end()
    server = front(teacher.url, "--reuse", "always")
    replies = [server.ask("one"), server.ask("one", temperature=0.7), server.ask("one")]
    assert all(reply.is_reused for reply in replies) and replies[0].body == replies[2].body == first.body
    assert teacher.counts()["requests"] == 4


def test_equal_requests_in_flight_ask_once(front, model_server):
    teacher = model_server("--latency", "300ms")
    server = front(teacher.url, "--reuse", "auto")
    replies = []
    threads = [started(lambda: replies.append(server.ask("one"))) for _ in range(8)]
    for thread in threads:
        thread.join()
    assert len(replies) == 8 and len({reply.body for reply in replies}) == 1
    assert teacher.counts()["requests"] == 1 and sum(reply.is_reused for reply in replies) == 7


def test_a_key_names_one_request(front, model_server):
    teacher = model_server("--latency", "1ms")
    server = front(teacher.url)
    key = {"Idempotency-Key": "k-1"}
    first = server.ask("one", headers=key)
    again = server.ask("one", headers=key)
    assert again.body == first.body and again.is_reused and again.headers["x-retort-id"] == "k-1"
    assert server.ask("two", headers=key).status == 422
    assert server.ask("one").headers["x-retort-id"] != "k-1"
    assert teacher.counts()["requests"] == 2


def test_a_client_that_hangs_up_loses_nothing(front, model_server):
    teacher = model_server("--latency", "200ms")
    server = front(teacher.url)
    connection = server.connection()
    connection.request("POST", "/v1/chat/completions", json.dumps(CHAT), {"x-retort-id": "gone"})
    teacher.wait_for(lambda counts: counts["in_flight"] == 1)
    connection.close()
    teacher.wait_for(lambda counts: counts["answered"] == 1)
    server.end()
    assert [record["id"] for record in server.disk.records()] == ["gone"]


def test_a_signal_lets_requests_in_flight_finish(front, model_server):
    teacher = model_server("--latency", "500ms")
    server = front(teacher.url)
    replies = []
    thread = started(lambda: replies.append(server.ask("one")))
    teacher.wait_for(lambda counts: counts["in_flight"] == 1)
    kept = server.connection()
    kept.connect()
    server.program.send(2)
    while "ending" not in server.program.errors:
        time.sleep(0.005)
    late = server.ask("late", kept)
    assert late.status == 503 and late.headers["retry-after"]
    thread.join()
    assert replies[0].status == 200
    server.program.wait().expect(130)
    assert len(server.disk.records()) == 1


def test_the_cap_holds(front, model_server):
    teacher = model_server("--latency", "1ms", "--tokens", "100")
    server = front(teacher.url, "--max-cost", "0.01", "--price", "0 0 10", "--reuse", "auto")
    assert server.ask("no limit").status == 400
    statuses = [server.ask(f"question {number}", max_tokens=200).status for number in range(30)]
    assert statuses.count(200) >= 5 and statuses[-1] == 503
    assert server.ask("question 0", max_tokens=200).is_reused
    server.end()
    assert sum(record["cost_usd"] for record in server.disk.records()) <= 0.01


@pytest.mark.parametrize("is_stream", [False, True])
def test_what_a_client_got_is_in_the_store_after_a_kill(front, model_server, is_stream):
    teacher = model_server("--latency", "lognormal:5ms,0.5")
    got, threads = {}, []
    server = front(teacher.url)

    def keep_asking(name):
        connection = server.connection()
        try:
            for number in range(10_000):
                key = f"{name}-{number}"
                got[key] = server.ask(f"{name} {number}", connection, {"X-Retort-Id": key}, stream=is_stream).body
        except (OSError, http.client.HTTPException):
            pass

    threads = [started(keep_asking, name) for name in "abcdefghijklmnop"]
    while len(got) < 300:
        time.sleep(0.005)
    server.program.kill()
    for thread in threads:
        thread.join()
    assert set(got) <= server.disk.received()
    asked = teacher.counts()["requests"]
    server = front(teacher.url)
    for name in sorted(got)[:20]:
        text = name.replace("-", " ")
        reply = server.ask(text, headers={"X-Retort-Id": name}, stream=is_stream)
        assert reply.is_reused and reply.body == got[name]
    assert teacher.counts()["requests"] == asked
    server.end()
    assert {record["id"]: record["body"].encode() for record in server.disk.records()}.items() >= got.items()
