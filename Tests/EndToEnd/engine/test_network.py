"""Between the client and the server: compression, TLS, HTTP/2, chunks, proxies."""

import http.server
import shutil
import socket
import socketserver
import subprocess
import threading
import time
import urllib.request

import pytest

from dataset import Disk
from processes import free_port
from program import CONFIGURATION, REFUSED

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"


@pytest.fixture
def gateway(tmp_path):
    """gateway(server, TLS or not): nginx in front of a model server; the base URL it has there."""
    running = []

    def start(server, tls=False):
        try:
            subprocess.run([NGINX, "-v"], check=True, capture_output=True)
        except OSError:
            pytest.skip("nginx is not installed")
        port = free_port()
        folder = tmp_path / f"nginx-{port}"
        folder.mkdir()
        (folder / "nginx.conf").write_text(configuration(folder, port, server, authority(folder) if tls else None))
        command = [NGINX, "-p", str(folder), "-c", "nginx.conf", "-e", str(folder / "errors.log")]
        running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT))
        wait_for(port)
        return f"{'https' if tls else 'http'}://localhost:{port}/v1", folder

    yield start
    for process in running:
        process.terminate()
        process.wait(10)


def wait_for(port):
    deadline = time.monotonic() + 10
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, f"nobody listens on port {port}"
            time.sleep(0.02)


def authority(folder):
    """A certificate for localhost, signed by itself; its file."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        + ["-keyout", folder / "key.pem", "-out", folder / "certificate.pem"],
        check=True,
        capture_output=True,
    )
    return folder / "certificate.pem"


def configuration(folder, port, server, certificate):
    secure = f"ssl_certificate {certificate}; ssl_certificate_key {folder}/key.pem;" if certificate else ""
    listen = f"127.0.0.1:{port} {'ssl http2' if certificate else ''}"
    paths = " ".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""
    daemon off; master_process off; pid {folder}/pid;
    events {{ worker_connections 2048; }}
    http {{
        {paths}
        log_format facts '$server_protocol $sent_http_content_encoding $connection $request_method $scheme';
        access_log {folder}/access.log facts;
        gzip on; gzip_types application/json; gzip_min_length 1; gzip_proxied any;
        upstream model {{ server 127.0.0.1:{server.port}; keepalive 64; }}
        server {{
            listen {listen}; {secure}
            location / {{ proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection ""; }}
        }}
    }}
    """


def facts(folder):
    """(protocol, content encoding, connection, method, scheme) of every request nginx answered."""
    return [line.split() for line in (folder / "access.log").read_text().splitlines()]


def test_compressed_answers_are_read(serve, prompts, ask, gateway, tmp_path):
    server = serve()
    url, folder = gateway(server)
    rows = prompts(200)
    ask(url, rows, "--concurrency", 16)
    seen = facts(folder)
    assert len(seen) == 200 and {fact[1] for fact in seen} == {"gzip"}
    assert len({fact[2] for fact in seen}) <= 16, "connections are used again"
    assert all(record["response"] for record in Disk(tmp_path / "out").expect_done(rows).records())


def test_http_2_under_a_named_authority(serve, prompts, ask, gateway, tmp_path):
    server = serve("--latency", "20ms")
    url, folder = gateway(server, tls=True)
    rows = prompts(300)
    ask(url, rows, "--concurrency", 50, SSL_CERT_FILE=str(folder / "certificate.pem"))
    seen = facts(folder)
    assert len(seen) == 300 and {fact[0] for fact in seen} == {"HTTP/2.0"} and {fact[4] for fact in seen} == {"https"}
    assert len({fact[2] for fact in seen}) <= 10, "many streams share a connection"
    Disk(tmp_path / "out").expect_done(rows)


def test_an_unknown_authority_is_refused(serve, prompts, ask, gateway, tmp_path):
    server = serve()
    url, _ = gateway(server, tls=True)
    finished = ask(url, prompts(100), "--concurrency", 4, status=REFUSED)
    assert "certificate" in finished.errors and "SSL_CERT_FILE" in finished.errors
    assert server.counts()["requests"] == 0


def test_an_authority_that_is_no_file_is_a_bad_setting(serve, prompts, ask, gateway, tmp_path):
    url, _ = gateway(serve(), tls=True)
    finished = ask(url, prompts(10), status=CONFIGURATION, SSL_CERT_FILE=str(tmp_path / "nowhere.pem"))
    assert "nowhere.pem" in finished.errors


class Relay(http.server.BaseHTTPRequestHandler):
    """Forwards requests to `target` and answers in chunks; as a proxy it records the requested hosts."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append(self.path)
        target = self.path if self.path.startswith("http") else self.server.target + self.path
        headers = {"content-type": "application/json", "authorization": self.headers["authorization"]}
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(urllib.request.Request(target, body, headers), timeout=10) as reply:
            answer = reply.read()
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for start in range(0, len(answer), 100):
            piece = answer[start : start + 100]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass


class RelayServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 64


@pytest.fixture
def relay():
    """relay(target): the relay's own address."""
    running = []

    def start(target=""):
        server = RelayServer(("127.0.0.1", 0), Relay)
        server.target, server.asked = target, []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        return server, f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def test_answers_in_chunks_are_read(serve, prompts, ask, relay, tmp_path):
    server = serve()
    _, address = relay(server.url.removesuffix("/v1"))
    rows = prompts(40)
    ask(address + "/v1", rows, "--concurrency", 8)
    assert server.counts()["answered"] == 40
    Disk(tmp_path / "out").expect_done(rows)


def test_requests_go_through_a_proxy(serve, prompts, ask, relay, tmp_path):
    server = serve()
    proxy, address = relay()
    rows = prompts(40)
    ask(server, rows, "--concurrency", 8, http_proxy=address, NO_PROXY="")
    assert len(proxy.asked) == 40 and set(proxy.asked) == {server.url + "/chat/completions"}
    Disk(tmp_path / "out").expect_done(rows)


def test_no_proxy_is_respected(serve, prompts, ask, relay, tmp_path):
    server = serve()
    proxy, address = relay()
    rows = prompts(20)
    ask(server, rows, http_proxy=address, NO_PROXY="example.org,127.0.0.1")
    assert proxy.asked == [] and server.counts()["answered"] == 20


def test_a_dead_proxy_is_an_outage(serve, prompts, ask):
    server = serve()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        ask(server, prompts(50), "--outage-max", "1s", status=75, http_proxy=address, NO_PROXY="")
    assert server.counts()["requests"] == 0


def test_the_key_goes_nowhere_but_to_the_server(serve, prompts, ask, workshop, tmp_path):
    key = "sk-the-secret-of-this-test"
    server = serve("--fail", "500=0.2,400=0.1")
    finished = ask(server, prompts(60), "--retry-base", "10ms", "--keep-body", status=75, OPENAI_API_KEY=key)
    assert key not in finished.errors + finished.output
    for path in (tmp_path / "out").rglob("*"):
        text = path.read_bytes() if path.is_file() else b""
        if path.suffix == ".gz":
            text = subprocess.run(["zcat", path], check=True, capture_output=True).stdout
        assert key.encode() not in text, path
