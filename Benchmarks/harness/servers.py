"""The servers that answer: nginx from its memory, `retort simulate` with latency and counts, and a probe that waits."""

import json
import re
import socket
import threading
import time
import urllib.request
from contextlib import contextmanager

import corpus
from processes import Child, Unmeasured
from settings import SCRATCH, retort, tool

LISTEN_SECONDS_MAX = 10

NGINX = """daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr crit;
worker_rlimit_nofile 20000;
events {{ worker_connections 16000; }}
http {{
  access_log off; default_type application/json; keepalive_requests 1000000000; keepalive_timeout 600;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
{chosen}
  server {{
    listen 127.0.0.1:{port} backlog=16000{tls};
    location / {{ {refusal} return 200 {answer}; }}
  }}
}}
"""
REFUSAL = '{"error":{"message":"this request is refused on purpose","type":"invalid_request_error","code":null}}'


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_listening(child, port, seconds_max=LISTEN_SECONDS_MAX):
    deadline = time.monotonic() + seconds_max
    while time.monotonic() < deadline and child.is_running():
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.01)
    raise Unmeasured(f"no server on port {port}: {child.tail()}")


def _quoted(text):
    """A string of nginx's configuration language, which knows backslashes and has no way to write a dollar."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _chosen(name, shares):
    """nginx's `split_clients`: each request gets one of the values by chance, the last one takes the rest."""
    lines = [f"    {share} {_quoted(value)};" for share, value in shares]
    return f"  split_clients $request_id ${name} {{\n" + "\n".join(lines) + "\n  }\n"


@contextmanager
def nginx(answers, refused_percent=0.0, tls=None):
    """nginx in one process, answering each request at once with one of `answers`; yields the base URL.

    `tls` is a pair: the folder of key.pem and own.pem, and whether HTTP/2 is offered. `refused_percent` of the requests, to a hundredth, get status 400."""
    binary = tool("nginx")
    if not binary:
        raise Unmeasured("nginx is not installed: apt-get install nginx-light")
    port = free_port()
    folder = SCRATCH / f"nginx-{port}"
    folder.mkdir(parents=True, exist_ok=True)
    chosen, answer, refusal = "", _quoted(answers[0]), ""
    if len(answers) > 1:
        share = int(10_000 / len(answers)) / 100
        chosen += _chosen("answer", [(f"{share}%", one) for one in answers[:-1]] + [("*", answers[-1])])
        answer = "$answer"
    if refused_percent:
        chosen += _chosen("refused", [(f"{refused_percent:.2f}%", "1"), ("*", "")])
        refusal = f"if ($refused) {{ return 400 {_quoted(REFUSAL)}; }}"
    security = ""
    if tls:
        security = f" ssl{' http2' if tls[1] else ''};\n    ssl_certificate {tls[0]}/own.pem;"
        security += f" ssl_certificate_key {tls[0]}/key.pem"
    configuration = folder / "nginx.conf"
    configuration.write_text(
        NGINX.format(folder=folder, port=port, chosen=chosen, answer=answer, refusal=refusal, tls=security))
    child = Child([binary, "-p", folder, "-c", configuration], SCRATCH / "nginx.log")
    try:
        wait_until_listening(child, port)
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}/v1"
    finally:
        child.stop()


class Simulator:
    """`retort simulate`, and its counts."""

    def __init__(self, *options):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self.child = Child(
            [retort(), "simulate", "--port", self.port, "--quiet", *options], SCRATCH / "simulate.log")

    def __enter__(self):
        try:
            wait_until_listening(self.child, self.port)
        except BaseException:
            self.child.stop()
            raise
        return self

    def __exit__(self, *_):
        self.child.stop()

    def _ask(self, path, method="GET"):
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(urllib.request.Request(f"{self.url}/simulator/{path}", method=method), timeout=30) as answer:
            return answer.read()

    def counts(self):
        return json.loads(self._ask("counts"))

    def reset(self):
        self._ask("reset", "POST")

    def counts_when_idle(self, seconds_max=10):
        """The counts once nothing is in flight."""
        deadline = time.monotonic() + seconds_max
        while (counts := self.counts())["in_flight"] and time.monotonic() < deadline:
            time.sleep(0.02)
        return counts


class FirstRequest:
    """A port that notes when the first request with a prompt of ours came in whole, and never answers it.

    What clients ask to find out whether a server is there (GET, or a POST without a prompt) is answered at once."""

    REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 29\r\n\r\n"
    REPLY += b'{"object":"list","data":[]} \n'

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(1024)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/v1"
        self.came, self.at, self._open = threading.Event(), 0.0, []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._read, args=[connection], daemon=True).start()

    def _read(self, connection):
        received = b""
        try:
            while part := connection.recv(65536):
                received += part
                head, end, body = received.partition(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: *(\d+)", head)
                if not end or len(body) < int(length[1] if length else 0):
                    continue
                if corpus.PROMPT_MARK.encode() in body:
                    if not self.came.is_set():
                        self.at = time.monotonic()
                        self.came.set()
                    return
                connection.sendall(self.REPLY)
                received = b""
        except OSError:
            pass

    def close(self):
        # Waking `accept` needs more than closing the descriptor under it.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self._open:
            connection.close()
