"""`--otlp`: the spans of a collector, read with OpenTelemetry's own message types."""

import base64
import gzip
import http.server
import json
import subprocess
import threading
import time

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processes import clean_environment

ERROR, CLIENT, CUMULATIVE = 2, 3, 2


def values(attributes):
    def value(any_value):
        kind = any_value.WhichOneof("value")
        found = getattr(any_value, kind)
        return [value(one) for one in found.values] if kind == "array_value" else found

    return {attribute.key: value(attribute.value) for attribute in attributes}


class Collector:
    """Takes posts; answers with each of the statuses in turn, then with 200. `pause`: seconds before each answer."""

    def __init__(self, *statuses, pause=0):
        self.spans, self.metrics, self.headers, self.errors, outer = [], None, [], [], self
        statuses = list(statuses)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                time.sleep(pause)
                status = statuses.pop(0) if statuses and self.path == "/v1/traces" else 200
                outer.headers.append(self.headers)
                try:
                    if status == 200:
                        outer.take(self.path, self.headers["content-type"], body)
                except Exception as error:
                    outer.errors.append(error)
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def take(self, path, kind, body):
        assert kind == "application/json"
        tree = json.loads(body)
        # The JSON form of OTLP has identifiers in hexadecimal, protobuf's own JSON in base64.
        for resource in tree.get("resourceSpans", []):
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    for name, length in (("traceId", 16), ("spanId", 8)):
                        raw = bytes.fromhex(span[name])
                        assert len(raw) == length and any(raw)
                        span[name] = base64.b64encode(raw).decode()
        if path == "/v1/traces":
            (group,) = json_format.ParseDict(tree, ExportTraceServiceRequest()).resource_spans
            self.resource = values(group.resource.attributes)
            (scope,) = group.scope_spans
            assert scope.scope.name == "retort" and scope.scope.version
            self.spans += scope.spans
        else:
            assert path == "/v1/metrics"
            request = json_format.ParseDict(tree, ExportMetricsServiceRequest())
            self.metrics = {m.name: m for m in request.resource_metrics[0].scope_metrics[0].metrics}


@pytest.fixture
def collector():
    made = []

    def start(*statuses, **how):
        made.append(Collector(*statuses, **how))
        return made[-1]

    yield start
    for one in made:
        one.server.shutdown()
        assert one.errors == []


@pytest.fixture
def run(binary, tmp_path):
    """run(rows, *options, status=0, **environment): a simulated run of so many rows."""

    def start(given, *options, status=0, prompts=tmp_path / "prompts.jsonl", **environment):
        (tmp_path / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in given))
        command = [binary, "run", prompts, "--out", tmp_path / "store", "--simulate", "--latency", "2ms", *options]
        done = subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, timeout=60,
            env=clean_environment(**environment),
        )  # fmt: skip
        assert done.returncode == status, done
        return done

    return start


def rows(count, **fields):
    return [{"id": f"q-{n}", "prompt": f"number {n}"} | fields for n in range(count)]


def test_spans_are_those_of_the_records(collector, run, tmp_path):
    there = collector()
    given = rows(600) + [{"id": "other", "prompt": "x", "model": "another"}]
    run(
        given, "--model", "m", "--otlp", there.url, "--fail", "400=0.05", status=75,
        OTEL_EXPORTER_OTLP_HEADERS="api-key=a%2Cb,x-b=c", OTEL_SERVICE_NAME="distil", OTEL_RESOURCE_ATTRIBUTES="team=t",
    )  # fmt: skip
    records = {}
    for lane in ("responses", "failures"):
        for file in (tmp_path / "store" / lane).glob("*.jsonl.gz"):
            records |= {r["id"]: r for r in map(json.loads, gzip.decompress(file.read_bytes()).splitlines())}
    assert len(there.spans) == len(records) == len(given)
    assert len({span.span_id for span in there.spans}) == len({span.trace_id for span in there.spans}) == len(given)
    for span in there.spans:
        found = values(span.attributes)
        record = records[found["retort.item.id"]]
        model = "another" if record["id"] == "other" else "m"
        assert (span.name, span.kind, found["gen_ai.request.model"]) == (f"chat {model}", CLIENT, model)
        assert found["gen_ai.operation.name"] == "chat" and found["gen_ai.provider.name"]
        milliseconds = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6
        assert abs(milliseconds - record["latency_ms"]) <= 1
        assert abs(span.end_time_unix_nano / 1e9 - time.time()) < 120
        if record["status"] == "ok":
            usage = record["usage"]
            assert found["gen_ai.usage.input_tokens"] == usage["prompt_tokens"]
            assert found["gen_ai.usage.output_tokens"] == usage["completion_tokens"]
            assert found["gen_ai.response.finish_reasons"] == [record["finish_reason"]]
            assert found["gen_ai.response.model"] == record["model"] and span.status.code == 0
        else:
            assert (found["error.type"], found["http.response.status_code"]) == (record["class"], 400)
            assert span.status.code == ERROR and span.status.message
    assert there.resource["service.name"] == "distil" and there.resource["team"] == "t"
    assert {h["api-key"] for h in there.headers} == {"a,b"} and {h["x-b"] for h in there.headers} == {"c"}


def test_the_histograms_are_sums_of_the_spans(collector, run):
    there = collector()
    run(rows(300), "--model", "m", "--otlp", there.url + "/", "--fail", "400=0.1", status=75)
    durations = there.metrics["gen_ai.client.operation.duration"]
    assert durations.unit == "s" and durations.histogram.aggregation_temporality == CUMULATIVE
    points = {values(p.attributes).get("error.type"): p for p in durations.histogram.data_points}
    assert sum(p.count for p in points.values()) == 300 and points["bad_request"].count > 0
    for point in points.values():
        assert sum(point.bucket_counts) == point.count and len(point.bucket_counts) == len(point.explicit_bounds) + 1
    output = [p for p in there.metrics["gen_ai.client.token.usage"].histogram.data_points
              if values(p.attributes)["gen_ai.token.type"] == "output"]  # fmt: skip
    spans = [values(span.attributes).get("gen_ai.usage.output_tokens", 0) for span in there.spans]
    assert sum(p.sum for p in output) == sum(spans) > 0


def test_stages_say_which_they_are(collector, run, tmp_path):
    there, job = collector(), tmp_path / "job.yaml"
    job.write_text(
        f"input: {tmp_path / 'prompts.jsonl'}\nmodel: m\nstages:\n  - name: draft\n"
        "  - name: review\n    from: draft\n    prompt: 'Review {{response}}'\n"
    )
    run(rows(20), "--otlp", there.url, prompts=job)
    stages = [values(span.attributes)["retort.stage"] for span in there.spans]
    assert sorted(stages) == ["draft"] * 20 + ["review"] * 20


def test_the_address_comes_from_the_environment_too(collector, run):
    there = collector()
    run(rows(3), OTEL_EXPORTER_OTLP_ENDPOINT=there.url)
    assert len(there.spans) == 3


def test_a_collector_that_refuses_for_a_moment_loses_nothing(collector, run):
    there = collector(503, 429)
    done = run(rows(900), "--concurrency", "8", "--latency", "60ms", "--otlp", there.url)
    assert len(there.spans) == 900 and "answered 503; the run continues" in done.stderr
    assert "were not sent" not in done.stderr


def test_what_is_lost_is_counted_and_told(collector, run):
    there = collector(*[400] * 100)
    done = run(rows(40), "--otlp", there.url)
    assert "40 of 40 spans were not sent" in done.stderr and "answered 400" in done.stderr
    assert "Finished: every item has its answer." in done.stderr


def test_a_collector_that_is_gone_or_hangs_costs_no_answer(collector, run):
    began = time.monotonic()
    done = run(rows(40), "--otlp", "http://127.0.0.1:1")
    assert "40 of 40 spans were not sent" in done.stderr and "Finished" in done.stderr
    assert time.monotonic() - began < 20


def test_a_slow_collector_ends_the_run_within_seconds(collector, run):
    there = collector(pause=30)
    began = time.monotonic()
    done = run(rows(40), "--otlp", there.url)
    assert "40 of 40 spans were not sent" in done.stderr and time.monotonic() - began < 20


@pytest.mark.parametrize(
    "options, environment, words",
    [
        (("--otlp", "127.0.0.1:4318"), {}, "not an address to post to"),
        (("--otlp", "http://127.0.0.1:1"), {"OTEL_EXPORTER_OTLP_HEADERS": "novalue"}, "name=value"),
        (("--otlp", "http://127.0.0.1:1"), {"OTEL_EXPORTER_OTLP_HEADERS": "a=%0d%0ab: c"}, "name=value"),
    ],
)
def test_what_is_no_address_is_told_before_anything_is_sent(run, tmp_path, options, environment, words):
    done = run(rows(1), *options, status=64 if "address" in words else 78, **environment)
    assert words in done.stderr and not (tmp_path / "store").exists()
