"""`/v1/files` and `/v1/batches` of `retort serve`: a client's batch over a live API, whatever is killed."""

import json
import time

BOUNDARY = "limit-of-parts"
SECONDS_MAX = 60


def lines(count, path="/v1/chat/completions", **members):
    rows = [
        {"custom_id": f"row-{number}", "method": "POST", "url": path,
         "body": {"model": "m", "messages": [{"role": "user", "content": f"Question {number}"}]} | members}
        for number in range(count)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows)


def upload(server, text, purpose="batch", **headers):
    body = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n{purpose}\r\n--{BOUNDARY}\r\n'
        f'Content-Disposition: form-data; name="file"; filename="rows.jsonl"\r\nContent-Type: application/json\r\n\r\n'
        f"{text}\r\n--{BOUNDARY}--\r\n"
    )
    return server.post("/v1/files", body, content_type=f"multipart/form-data; boundary={BOUNDARY}", **headers)


def begin(server, text, path="/v1/chat/completions", **headers):
    file = upload(server, text, **headers).json["id"]
    asked = {"input_file_id": file, "endpoint": path, "completion_window": "24h", "metadata": {"for": "a test"}}
    return server.post("/v1/batches", asked, **headers).json["id"]


def wait(server, batch, condition=lambda job: job["status"] in ("completed", "failed", "cancelled"), **headers):
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        job = server.get(f"/v1/batches/{batch}", **headers).json
        if condition(job):
            return job
        assert time.monotonic() < deadline, job
        time.sleep(0.02)


def content(server, file, **headers):
    return [json.loads(line) for line in server.get(f"/v1/files/{file}/content", **headers).body.splitlines()]


def test_a_batch_is_worked_through(front, model_server):
    teacher = model_server("--latency", "1ms", "--server-models", "m")
    server = front(teacher.url)
    text = lines(50) + lines(1, model="other").replace("row-0", "bad")
    batch = begin(server, text)
    job = wait(server, batch)
    assert job["status"] == "completed" and job["metadata"] == {"for": "a test"}
    assert job["request_counts"] == {"total": 51, "completed": 50, "failed": 1}
    answers = content(server, job["output_file_id"])
    assert [line["custom_id"] for line in answers] == [f"row-{number}" for number in range(50)]
    assert all(line["response"]["body"]["choices"][0]["message"]["content"] for line in answers)
    (failure,) = content(server, job["error_file_id"])
    assert failure["custom_id"] == "bad" and failure["response"]["status_code"] == 404
    assert [entry["id"] for entry in server.get("/v1/batches").json["data"]] == [batch]
    assert len(server.get("/v1/files").json["data"]) == 3
    server.end()
    assert {record["id"] for record in server.disk.records()} == {f"{batch}/row-{number}" for number in range(50)}


def test_a_killed_batch_goes_on_and_pays_nothing_twice(front, model_server):
    teacher = model_server("--latency", "20ms")
    server = front(teacher.url, "--concurrency", "8")
    batch = begin(server, lines(200))
    wait(server, batch, lambda job: job["request_counts"]["completed"] >= 40)
    server.program.kill()
    server = front(teacher.url, "--concurrency", "8")
    wait(server, batch, lambda job: job["request_counts"]["completed"] >= 100)
    server.end()
    server = front(teacher.url, "--concurrency", "8")
    job = wait(server, batch)
    assert job["request_counts"] == {"total": 200, "completed": 200, "failed": 0}
    assert len(content(server, job["output_file_id"])) == 200
    # Only what was in flight at the kill is sent again.
    assert teacher.counts()["requests"] <= 208
    server.end()
    assert len(server.disk.records()) == 200


def test_an_outage_is_waited_for(front, model_server):
    teacher = model_server("--latency", "1ms", "--fail", "down=2s@0s")
    server = front(teacher.url, "--outage-max", "300ms", "--retry-cap", "50ms")
    job = wait(server, begin(server, lines(20)))
    assert job["status"] == "completed" and job["request_counts"]["completed"] + job["request_counts"]["failed"] == 20


def test_a_batch_is_cancelled(front, model_server):
    server = front(model_server("--latency", "100ms").url, "--concurrency", "2")
    batch = begin(server, lines(500))
    wait(server, batch, lambda job: job["request_counts"]["completed"] >= 4)
    assert server.post(f"/v1/batches/{batch}/cancel", "").json["status"] == "cancelling"
    job = wait(server, batch)
    assert job["status"] == "cancelled"
    done, rest = content(server, job["output_file_id"]), content(server, job["error_file_id"])
    assert 4 <= len(done) < 100 and len(done) + len(rest) == 500
    assert server.post(f"/v1/batches/{batch}/cancel", "").status == 409


def test_wrong_lines_fail_the_batch_before_anything_is_asked(front, model_server):
    teacher = model_server("--latency", "1ms")
    server = front(teacher.url)
    wrong = [
        lines(1) + lines(1), lines(1) + "no json\n", lines(1, path="/v1/completions"), "", lines(1, stream=True),
        '{"method":"POST"}\n',
    ]
    for text in wrong:
        job = wait(server, begin(server, text))
        assert job["status"] == "failed" and job["errors"]["data"][0]["message"], text
    assert teacher.counts()["requests"] == 0


def test_what_is_no_upload_and_no_batch_is_refused(front, model_server):
    server = front(model_server().url)
    assert server.post("/v1/files", "x").status == 400
    assert upload(server, lines(1), purpose="fine-tune").status == 400
    assert server.post("/v1/batches", {"input_file_id": "file-x", "endpoint": "/v1/chat/completions"}).status == 400
    assert server.post("/v1/batches", {"endpoint": "/v1/embeddings"}).status == 400
    assert server.post("/v1/batches", "[]").status == 400
    for path in ("/v1/files/x", "/v1/files/../retort.json", "/v1/files/x/content", "/v1/batches/x"):
        assert server.get(path).status == 404, path


def test_a_batch_waits_for_its_clients_key(front, model_server, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("key-of-anna anna\n")
    teacher = model_server("--latency", "20ms")
    flags, anna = ("--concurrency", "2", "--client-keys", keys), {"x_api_key": "key-of-anna"}
    server = front(teacher.url, *flags)
    batch = begin(server, lines(30), **anna)
    wait(server, batch, lambda job: job["request_counts"]["completed"] >= 2, **anna)
    server.program.kill()
    asked = teacher.wait_for(lambda counts: counts["in_flight"] == 0)["requests"]
    keys.write_text("key-of-ben ben\n")
    server = front(teacher.url, *flags)
    assert server.get("/v1/batches", x_api_key="key-of-ben").json["data"] == []
    server.end()
    assert teacher.counts()["requests"] == asked
    keys.write_text("key-of-anna anna\nkey-of-ben ben\n")
    server = front(teacher.url, *flags)
    assert wait(server, batch, **anna)["request_counts"]["completed"] == 30


def test_clients_see_their_own_files_alone(front, model_server, tmp_path):
    (tmp_path / "keys").write_text("key-of-anna anna\nkey-of-ben ben\n")
    server = front(model_server("--latency", "1ms").url, "--client-keys", tmp_path / "keys")
    anna, ben = {"x_api_key": "key-of-anna"}, {"x_api_key": "key-of-ben"}
    batch = begin(server, lines(3), **anna)
    job = wait(server, batch, **anna)
    assert job["request_counts"]["completed"] == 3
    assert server.get(f"/v1/batches/{batch}", **ben).status == 404
    assert server.get(f"/v1/files/{job['output_file_id']}/content", **ben).status == 404
    assert server.get("/v1/files", **ben).json["data"] == [] and len(server.get("/v1/files", **anna).json["data"]) == 2
    server.end()
    assert {json.loads(record["metadata"])["client"] for record in server.disk.records()} == {"anna"}
