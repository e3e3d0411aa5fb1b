"""LiteLLM's proxy, with a mock model and no way out, as the server of `retort run`."""

import sys
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


@pytest.fixture
def proxy(tmp_path):
    """(server, base URL) of a proxy that knows one model, `teacher`, and one key."""
    (tmp_path / "litellm.yaml").write_text(CONFIGURATION)
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

    # With the proxy gone a single request would fail the run.
    server.stop()
    before = dataset.contents()
    retort(*command)
    assert dataset.contents() == before
