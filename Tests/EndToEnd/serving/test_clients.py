"""`retort serve --client-keys`: which clients are accepted, and what each may spend."""

import json

import pytest

ANNA, BEN = {"Authorization": "Bearer key-of-anna"}, {"x-api-key": "key-of-ben"}


@pytest.fixture
def keys(tmp_path):
    """keys(text): the file's path."""

    def write(text):
        path = tmp_path / "keys"
        path.write_text(text)
        return path

    return write


def test_a_key_is_needed_and_told(front, model_server, keys):
    file = keys("# clients\nkey-of-anna anna\nkey-of-ben ben - 60\n")
    server = front(model_server("--latency", "1ms").url, "--client-keys", file)
    assert server.ask("one").status == 401
    assert server.ask("one", headers={"Authorization": "Bearer key-of-nobody"}).json["error"]["code"] == "invalid_api_key"
    assert server.ask("one", headers=ANNA).status == 200
    reply = server.post("/v1/messages", {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}, **BEN)
    assert reply.status == 200
    server.end()
    assert sorted(json.loads(record["metadata"])["client"] for record in server.disk.records()) == ["anna", "ben"]


@pytest.mark.parametrize("ending", ["signal", "kill"])
def test_a_budget_holds_over_restarts(front, model_server, keys, ending):
    file = keys(json.dumps([{"key": "key-of-anna", "name": "anna", "budget": 0.005}, {"key": "key-of-ben", "name": "ben"}]))
    teacher = model_server("--latency", "1ms", "--tokens", "100")
    flags = ("--client-keys", file, "--price", "0 0 10")

    def ask(server, number, key=ANNA):
        return server.ask(f"question {number}", headers=key, max_tokens=100).status

    server = front(teacher.url, *flags)
    assert server.ask("no limit", headers=ANNA).status == 400
    assert [ask(server, number) for number in range(3)] == [200] * 3
    if ending == "kill":
        server.program.kill()
    else:
        server.end()
    server = front(teacher.url, *flags)
    statuses = [ask(server, number) for number in range(3, 10)]
    assert statuses.count(200) == 2 and statuses[-1] == 429
    refused = server.ask("more", headers=ANNA, max_tokens=100)
    assert refused.json["error"]["code"] == "insufficient_quota" and refused.headers["x-should-retry"] == "false"
    assert ask(server, 99, BEN) == 200
    server.end()


def test_a_pace_holds(front, model_server, keys):
    server = front(model_server("--latency", "1ms").url, "--client-keys", keys("key-of-anna anna - 3\n"))
    statuses = [server.ask(f"{number}", headers=ANNA).status for number in range(6)]
    assert statuses == [200] * 3 + [429] * 3


@pytest.mark.parametrize(
    "text", ["", "short x\n", "key-of-anna\n", "key-of-anna a 1\nkey-of-anna b\n", "key-of-anna a x\n", '[{"key":"key-of-anna"}]', "["]
)
def test_a_bad_file_is_refused(workshop, tmp_path, keys, text):
    done = workshop.run("serve", "--out", tmp_path / "out", "--simulate", "--client-keys", keys(text), status=78)
    assert "key-of-anna" not in done.errors


def test_other_addresses_need_keys(workshop, tmp_path):
    done = workshop.run("serve", "--out", tmp_path / "out", "--simulate", "--listen", "0.0.0.0:0", status=78)
    assert "--client-keys" in done.errors
