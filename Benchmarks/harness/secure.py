"""The durable pipeline over HTTPS compared with `wrk`, `h2load` and a simple script, with the system's trust store."""

import re
import shutil
import ssl
import subprocess
from pathlib import Path

import corpus
import pipeline
from processes import Unmeasured, measure
from report import Spread, Table, said
from servers import nginx
from settings import PEER_ENVIRONMENTS, PEERS, SCRATCH, number, tool

ROUNDS = number("BENCH_SECURE_ROUNDS", 3)
PROMPTS = number("BENCH_SECURE_PROMPTS", 50_000)
IN_FLIGHT = (64, 1000)
MARK_CPU_US = {64: 35, 1000: 45}
MARK_RSS_MB = 100
MB = 1 << 20


def certificates():
    """A folder with key.pem, own.pem, and trusted.pem: the system's certificates and that of the server."""
    openssl, folder = tool("openssl"), SCRATCH / "tls"
    if not openssl:
        raise Unmeasured("openssl is not installed: apt-get install openssl")
    system = Path(ssl.get_default_verify_paths().openssl_cafile or "")
    if not system.is_file():
        system = Path("/etc/ssl/certs/ca-certificates.crt")
    if not system.is_file():
        raise Unmeasured("the system has no trust store: apt-get install ca-certificates")
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem",
         "-out", folder / "own.pem"],
        check=True, capture_output=True)
    (folder / "trusted.pem").write_bytes((folder / "own.pem").read_bytes() + system.read_bytes())
    return folder


def trusting(folder):
    return {name: folder / "trusted.pem" for name in ("CURL_CA_BUNDLE", "SSL_CERT_FILE")}


def run_retort(url, concurrency, folder, seconds_max):
    rows = pipeline.prompts(PROMPTS)
    cost = pipeline.run_retort(rows, SCRATCH / "secure", url, concurrency, seconds_max, **trusting(folder))
    return PROMPTS / cost.wall, cost.cpu / PROMPTS * 1e6, cost.rss_bytes


def run_h2load(url, concurrency, folder, seconds_max):
    """As many streams, at a hundred a connection."""
    binary = tool("h2load")
    if not binary:
        raise Unmeasured("h2load is not installed: apt-get install nghttp2-client")
    body = SCRATCH / "h2load.json"
    question = f"Question 1: explain this: {corpus.sentences()[0]} {corpus.sentences()[1]}"
    body.write_text('{"model":"bench-model","messages":[{"role":"user","content":"' + question + '"}]}')
    connections = -(-concurrency // 100)
    command = [
        binary, "-n", PROMPTS, "-c", connections, "-m", -(-concurrency // connections), "-d", body,
        "-H", "content-type: application/json", f"{url}/chat/completions"]
    cost = measure(command, SCRATCH / "h2load.log", seconds_max)
    done = re.search(r"finished in ([\d.]+)(ms|s)", cost.output)
    if not done or f"{PROMPTS} succeeded" not in cost.output:
        raise Unmeasured(f"h2load said: {cost.output[-300:]}")
    wall = float(done[1]) / (1000 if done[2] == "ms" else 1)
    return PROMPTS / wall, cost.cpu / PROMPTS * 1e6, cost.rss_bytes


def run_script(url, concurrency, folder, seconds_max):
    python = PEER_ENVIRONMENTS / "script" / "bin" / "python"
    if not python.exists():
        raise Unmeasured("the script's packages are not there: type `make bench-peers`")
    out = SCRATCH / "secure-script.jsonl"
    out.unlink(missing_ok=True)
    command = [python, PEERS / "script" / "run.py", pipeline.prompts(PROMPTS), out, url, concurrency]
    cost = measure(command, SCRATCH / "script.log", seconds_max, **trusting(folder))
    if f'"records": {PROMPTS}' not in cost.output:
        raise Unmeasured(f"the script said: {cost.output[-300:]}")
    return PROMPTS / cost.wall, cost.cpu / PROMPTS * 1e6, cost.rss_bytes


def clients(is_http2):
    floor = ("h2load", run_h2load)
    if not is_http2:
        floor = ("wrk", lambda url, concurrency, folder, left: pipeline.run_wrk(url, concurrency, left))
    # aiohttp does not support HTTP/2.
    return [floor, ("retort run", run_retort)] + ([] if is_http2 else [("aiohttp script", run_script)])


def compare(suite, table, folder, is_http2, concurrency):
    name = "HTTP/2" if is_http2 else "HTTP/1.1"
    found, left = {}, clients(is_http2)
    with nginx(corpus.answers(1), tls=(folder, is_http2)) as url:
        for turn in range(ROUNDS):
            said(f"{name}, {concurrency} in flight, round {turn + 1} of {ROUNDS}")
            for client, run in list(left):
                try:
                    cost = run(url, concurrency, folder, suite.remaining(90))
                except Unmeasured as why:
                    left.remove((client, run))
                    suite.unmeasured(f"{client} over {name}, {concurrency} in flight", why)
                else:
                    found.setdefault(client, []).append(cost)
    for client, rounds in found.items():
        rate, cpu, rss = zip(*rounds)
        cpu, rss = Spread(cpu, 1), Spread([size / MB for size in rss], 0)
        table.add(name, concurrency, client, Spread(rate, 0), cpu, rss)
        if client == "retort run":
            suite.mark(f"CPU us a request over {name} in TLS, {concurrency} in flight", cpu, MARK_CPU_US[concurrency])
            suite.mark(f"peak RSS MB over {name} in TLS, {concurrency} in flight", rss, MARK_RSS_MB)


def section(suite):
    folder = certificates()
    table = Table(
        "The whole durable pipeline over HTTPS",
        ["protocol", "in flight", "client", "requests/s", "CPU us a request", "peak RSS MB"],
        f"{PROMPTS:,} prompts a run, handshakes and the reading of the trust store included; median of {ROUNDS} "
        "interleaved rounds (lowest to highest). nginx with TLS 1.3 and one certificate of its own beside the system's "
        "trust store. wrk and h2load check no certificate and throw the answers away; the script writes lines.")
    try:
        for is_http2 in (False, True):
            for concurrency in IN_FLIGHT:
                compare(suite, table, folder, is_http2, concurrency)
    finally:
        shutil.rmtree(SCRATCH / "secure", ignore_errors=True)
        if table.rows:
            suite.show(table)
