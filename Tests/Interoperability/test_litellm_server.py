"""LiteLLM's proxy, with a mock model or `retort simulate` behind it and no way out, as the server of `retort run`."""

import json
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from conftest import KEY, Dataset, rows_of
from processes import Server, clean_environment, free_port

START_SECONDS_MAX = 90
ANSWER = "An answer from the proxy: 42 ✓"
CONFIGURATION = f"""
model_list:
  - model_name: teacher
    litellm_params:
      model: openai/mock
      api_key: unused
      mock_response: "{ANSWER}"
general_settings:
  master_key: {KEY}
litellm_settings:
  telemetry: false
"""


# The proxy's own upstream, with the same API.
BEHIND = """
model_list:
  - model_name: teacher
    litellm_params:
      model: openai/simulated
      api_base: {base_url}
      api_key: unused
general_settings:
  master_key: {key}
litellm_settings:
  telemetry: false
"""


@contextmanager
def started(configuration, tmp_path):
    """(server, base URL) of a proxy that knows one model, `teacher`, and one key."""
    (tmp_path / "litellm.yaml").write_text(configuration)
    port = free_port()
    litellm = Path(sys.executable).with_name("litellm")
    command = [litellm, "--config", tmp_path / "litellm.yaml", "--host", "127.0.0.1", "--port", port]
    # Without the first it would fetch its table of prices.
    environment = clean_environment(LITELLM_LOCAL_MODEL_COST_MAP="True", DO_NOT_TRACK="1")
    server = Server(command, tmp_path / "litellm.log", environment)
    try:
        server.wait_until_healthy(f"http://127.0.0.1:{port}/health/liveliness", START_SECONDS_MAX)
        yield server, f"http://127.0.0.1:{port}/v1"
    finally:
        server.stop()


@pytest.fixture
def proxy(tmp_path):
    with started(CONFIGURATION, tmp_path) as proxy:
        yield proxy


def test_every_row_is_answered_once_and_a_second_run_asks_nothing(proxy, retort, data, tmp_path):
    server, base_url = proxy
    source, out = data / "small.jsonl", tmp_path / "run"
    command = ["run", source, "--out", out, "--base-url", base_url, "--model", "teacher", "--concurrency", 8]
    retort(*command)
    dataset = Dataset(out, len(rows_of(source)))
    records = dataset.records()
    assert len({(record["id"], record["sample"]) for record in records}) == len(records) == dataset.count
    assert {record["response"] for record in records} == {ANSWER}
    assert {record["model"] for record in records} == {"teacher"}
    assert all(record["usage"]["prompt_tokens"] > 0 and record["finish_reason"] == "stop" for record in records)

    # Without the proxy a single request would fail the run.
    server.stop()
    before = dataset.contents()
    retort(*command)
    assert dataset.contents() == before


def test_responses_go_through_the_proxy(simulate, retort, tmp_path):
    source, out = tmp_path / "in.jsonl", tmp_path / "run"
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Why?"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "Because."},
    ]
    rows = [
        {"id": "prompt", "prompt": "Why is the sea salty?"},
        {"id": "turns", "messages": turns, "tools": [tool]},
        {"id": "short", "prompt": "Why is the sky blue?", "max_tokens": 8},
    ]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    _, simulator = simulate("--reasoning-tokens", "5")
    with started(BEHIND.format(base_url=simulator, key=KEY), tmp_path) as (_, base_url):
        retort("run", source, "--out", out, "--base-url", base_url, "--model", "teacher", "--endpoint", "responses")
    records = {record["id"]: record for record in Dataset(out, len(rows)).records()}
    assert records.keys() == {"prompt", "turns", "short"}
    assert all(record["usage"]["completion_tokens"] > 0 for record in records.values())
    assert all(records[name]["response"] and records[name]["reasoning"] for name in ("prompt", "turns"))
    assert records["prompt"]["finish_reason"] == "stop"
    assert records["short"]["finish_reason"] == "length"


FIELDS = "title:string, year:integer, tags:string[], level:easy|hard"


def test_schemas_go_through_the_proxy(simulate, retort, tmp_path):
    """The schema is sent by response_format and by a tool, found by probing, and answers that do not fit are corrected."""
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps({"id": f"q{number}", "prompt": f"Book {number}?"}) + "\n" for number in range(12)))
    _, faulty = simulate("--json-faults", "prose=0.2,almost=0.3")
    _, exact = simulate()
    configuration = BEHIND.format(base_url=faulty, key=KEY)
    model = configuration[configuration.index("  - model_name") : configuration.index("general_settings")]
    configuration = configuration.replace(model, model + model.replace("teacher", "exact").replace(faulty, exact))

    def records(base_url, means, model):
        out = tmp_path / means
        command = ["run", source, "--out", out, "--base-url", base_url, "--model", model, "--fields", FIELDS]
        said = retort(*command, "--schema-by", means, "--corrections", 8).stderr
        return said, Dataset(out, 12).records()

    with started(configuration, tmp_path) as (_, base_url):
        for means, model in (("response-format", "teacher"), ("tool", "teacher"), ("auto", "exact")):
            said, answers = records(base_url, means, model)
            assert len(answers) == 12
            for record in answers:
                value = json.loads(record["value"])
                assert [type(value[name]) for name in ("title", "year", "tags")] == [str, int, list]
                assert value["level"] in ("easy", "hard") and record["usage"]["completion_tokens"] > 0
            # Faults occurred and were corrected, if there were any.
            assert (max(record["rounds"] for record in answers) > 1) == (model == "teacher")
    assert "--schema-by auto: response-format works (1 probe," in said
