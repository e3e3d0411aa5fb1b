"""Headers and keys: what is sent, and that no secret is ever stored, whatever the server sends back."""

import gzip
import json

import pytest

from bench import INCOMPLETE, USAGE, Recorder, retort

KEY = "sk-open-0123456789abcdef"
GATE = 'ga"te/öpen-0123456789'


def bytes_of(folder):
    """Everything below a folder, compressed files as they read."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            yield path.name.encode() + b"\n" + (gzip.decompress(content) if path.suffix == ".gz" else content)


def echo(text):
    """Answers with a secret in every member, in several spellings."""
    message = {"role": "assistant", "content": f"you sent {text}", "reasoning_content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    answer = {"id": text, "model": text, "choices": [choice], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}
    error = {"error": {"message": f"no such key: {text}", "type": text, "code": text}}
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in text)
    yield 200, json.dumps(answer)
    yield 200, json.dumps(answer, ensure_ascii=False)
    yield 200, json.dumps(answer).replace(json.dumps(text)[1:-1], escaped)
    yield 200, f"not JSON but {text}"
    yield 400, json.dumps(error)
    yield 400, f"<html>{text}</html>"
    yield 401, json.dumps(error)


@pytest.mark.parametrize("secret", [KEY, GATE], ids=["key", "header"])
@pytest.mark.parametrize("number", range(7))
def test_no_secret_comes_back(secret, number, write, rows, tmp_path, record):
    status, body = list(echo(secret))[number]
    server = record(body.encode(), status=status)
    environment = {"OPENAI_API_KEY": KEY, "GATE": GATE}
    out = tmp_path / "store" / "out"
    command = ["run", write("in.jsonl", rows(2)), "--out", out, "--base-url", server.url, "--model", "m"]
    flags = ["--header", "X-Gate: env:GATE", "--attempts", "1", "--keep-body", "--outage-max", "1s"]
    expected = {200: 0, 400: INCOMPLETE, 401: 77}[status] if number != 3 else INCOMPLETE
    done = retort(*command, *flags, env=environment, status=expected)
    screens = done.output + done.errors
    screens += retort("report", out).output + retort("status", out).output
    seen = [*bytes_of(tmp_path / "store"), screens.encode()]
    for text in (secret, json.dumps(secret)[1:-1], "".join(f"\\u{ord(letter):04x}" for letter in secret)):
        assert not [part[:40] for part in seen if text.encode() in part]
    if status == 200 and number != 3:
        answers = [line for part in bytes_of(out / "responses") for line in part.splitlines()[1:]]
        assert all("*" * 20 in json.loads(line)["response"] for line in answers) and len(answers) == 2


def test_headers_and_paths(write, rows, tmp_path, record):
    server = record(Recorder.ANSWER)
    prompts = write("in.jsonl", rows(1))
    host = server.url.removesuffix("/v1")
    environment = {"OPENAI_API_KEY": KEY, "AZURE_OPENAI_API_KEY": "azure-key", "OPENAI_ORG_ID": "org-1"}
    for number, (base, path) in enumerate(
        [
            (host, "/v1/chat/completions"),
            (host + "/v1/", "/v1/chat/completions"),
            (host + "/openai/deployments/d?api-version=7", "/openai/deployments/d/chat/completions?api-version=7"),
            (host + "/api/paas/v4", "/api/paas/v4/chat/completions"),
        ]
    ):
        out = tmp_path / f"out-{number}"
        retort("run", prompts, "--out", out, "--base-url", base, "--model", "m", "-q", env=environment)
        assert server.paths[-1] == path
    assert [headers.get("api-key") for headers in server.headers] == [None, None, "azure-key", None]
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert server.headers[0]["OpenAI-Organization"] == "org-1"
    # The version is part of the URL: without it a retry would not find the deployment.
    manifest = json.loads((tmp_path / "out-2" / "retort.json").read_text())
    assert manifest["notes"]["base_url"].endswith("/openai/deployments/d?api-version=7")


def test_a_secret_on_the_command_line(write, rows, store):
    arguments = ["run", write("in.jsonl", rows(1)), "--out", store.root, "--model", "m", "--base-url", "http://127.0.0.1:1"]
    done = retort(*arguments, "--header", f"Authorization: Bearer {KEY}", status=USAGE)
    done.says("env:VARIABLE")
    assert KEY not in done.output + done.errors
    assert not store.root.exists()
