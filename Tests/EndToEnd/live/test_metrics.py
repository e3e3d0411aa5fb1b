"""The metrics, judged by promtool and scraped by a real Prometheus."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

OPEN = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"}
DASHBOARD = Path(__file__).resolve().parents[3] / "data" / "grafana-dashboard.json"
SECONDS_MAX = 60

needs_prometheus = pytest.mark.skipif(not shutil.which("promtool"), reason="no prometheus: .ci/setup-packages")


@pytest.fixture
def run(start):
    return start("--latency", "20ms", "--concurrency", 8, "--fail", "400=0.05,429=0.02")


@needs_prometheus
def test_promtool_finds_nothing_to_complain_of(run):
    status, kind, text = run.get("metrics")
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_openmetrics_by_negotiation(run):
    status, kind, text = run.get("metrics", headers=OPEN)
    assert (status, kind) == (200, "application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert text.endswith(b"# EOF\n")
    assert b"# TYPE retort_requests counter\nretort_requests_total{" in text


def samples(text):
    """The values of a text by name and labels."""
    lines = (line.rsplit(" ", 1) for line in text.decode().splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines}


def test_the_numbers_are_those_of_the_run(start):
    run = start("--latency", "5ms", "--fail", "400=0.1", rows=2000)
    run.ctl("pause")
    state = run.until(lambda state: state["window"]["in_flight"] == 0 and state["state"] == "paused")
    values = samples(run.get("metrics")[2])
    assert values['retort_items{state="done"}'] == state["items"]["done"]
    assert values['retort_items{state="failed"}'] == state["items"]["failed"]
    codes = {name: value for name, value in values.items() if name.startswith("retort_http_responses_total")}
    assert sum(codes.values()) == values["retort_request_duration_seconds_count"]
    assert values['retort_http_responses_total{code="200"}'] == state["items"]["done"]
    assert values['retort_request_duration_seconds_bucket{le="+Inf"}'] == values["retort_request_duration_seconds_count"]
    assert values["retort_paused"] == 1


@needs_prometheus
def test_a_real_prometheus_scrapes_it(run, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    target = run.address.split("/")[2]
    config = tmp_path / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s}\n"
        f"scrape_configs: [{{job_name: retort, static_configs: [{{targets: ['{target}']}}]}}]\n"
    )
    command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}"]
    with (tmp_path / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ)
    try:
        end = time.monotonic() + SECONDS_MAX
        value = None
        while not value:
            assert time.monotonic() < end, (tmp_path / "prometheus.log").read_text()
            value = query(port, 'retort_items{state="done"}')
            time.sleep(0.2)
        assert float(value[0]["value"][1]) > 0
        assert query(port, "up")[0]["value"][1] == "1"
    finally:
        process.kill()
        process.wait()


def query(port, expression):
    address = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    try:
        with urllib.request.urlopen(address, timeout=5) as reply:
            return json.loads(reply.read())["data"]["result"]
    except OSError:
        return None


def test_the_dashboard_asks_only_for_metrics_that_there_are(run):
    text = run.get("metrics")[2].decode()
    known = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    known |= {f"{name}_bucket" for name in known}
    wanted = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            wanted |= set(re.findall(r"\b(?:retort|process)_\w+", target["expr"]))
    # Only runs whose answers have a price report a cost, and a run may have had no 429 yet.
    assert wanted - known <= {"retort_cost_usd_total", "retort_cost_limit_usd", "retort_retries_total"} and wanted
