"""`retort serve` with malicious, slow or vanishing clients: it continues, and what was paid for is kept."""

import http.client
import json
import os
import random
import resource
import socket
import threading
import time

import pytest

from dataset import Disk

ROUNDS = int(os.environ.get("RETORT_FRONT_FUZZ", "120"))
IDLE = int(os.environ.get("RETORT_FRONT_IDLE", "2000"))

GOOD = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: HOST\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
)


def request(body):
    return GOOD % (len(body), body)


def send(front, sock, data):
    """Requests name the server that they are for, or they are refused before they are read."""
    sock.sendall(data.replace(b"HOST", b"127.0.0.1:%d" % front.port))


def chat(text, **members):
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]} | members).encode()


def connect(front):
    return socket.create_connection(("127.0.0.1", front.port), timeout=10)


def answer(sock):
    """All that comes, until the server closes or is silent for a moment."""
    sock.settimeout(1)
    pieces = []
    try:
        while piece := sock.recv(65536):
            pieces.append(piece)
            if b"\r\n0\r\n\r\n" in piece or b"content-length" in b"".join(pieces).lower():
                head, _, body = b"".join(pieces).partition(b"\r\n\r\n")
                lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
                if lengths and len(body) >= int(lengths[0]):
                    break
    except (TimeoutError, ConnectionError):
        pass
    return b"".join(pieces)


def is_alive(front, text):
    reply = front.ask(text)
    assert reply.status == 200 and front.program.is_running, front.program.errors
    return reply


HEADS = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"POST /v1/chat/completions HTTP/9.9\r\n\r\n",
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: HOST\r\ncontent-length: -1\r\n\r\n",
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: HOST\r\ncontent-length: 99999999999999999999\r\n\r\n{}",
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: HOST\r\ncontent-length: 3\r\ncontent-length: 30\r\n\r\n{}}",
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: HOST\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: HOST\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n{}",
    b"POST /v1/chat/completions HTTP/1.1\r\n" + b"x: y\r\n" * 20_000 + b"\r\n",
    b"POST /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: HOST\r\nx-retort-id: " + b"\xff\x00\x01" * 50 + b"\r\ncontent-length: 2\r\n\r\n{}",
    b"GET /v1/batches/..%2f..%2fetc%2fpasswd HTTP/1.1\r\nhost: HOST\r\n\r\n",
    b"GET /v1/files/%00/content HTTP/1.1\r\nhost: HOST\r\n\r\n",
    b"DELETE /v1/files/../../manifest.json HTTP/1.1\r\nhost: HOST\r\n\r\n",
    b"POST /v1/files HTTP/1.1\r\nhost: HOST\r\ncontent-type: multipart/form-data; boundary=\r\ncontent-length: 4\r\n\r\n----",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]

BODIES = [
    b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"model":1}', b'{"model":"m","messages":{}}', b'{"model":"m","messages":[1]}',
    b"[" * 100_000, b'{"a":' * 50_000, b'{"model":"m","stream":"yes","messages":[]}', b'{"model":"\\ud800","messages":[]}',
    b'{"model":"m","messages":[{"role":"user","content":"' + b"\\u0000" * 1000 + b'"}]}',
]


def test_no_bytes_end_the_server(front, model_server):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    dice = random.Random(seed)
    server = model_server()
    running = front(server.url)
    seeds = HEADS + [request(body) for body in BODIES] + [request(chat("fuzz", stream=True)), request(chat("fuzz"))]
    for number in range(len(seeds) + ROUNDS):
        data = bytearray(seeds[number] if number < len(seeds) else dice.choice(seeds)[:4096])
        if number >= len(seeds):
            for _ in range(dice.randrange(1, 12)):
                at = dice.randrange(len(data) + 1)
                kind = dice.randrange(3)
                if kind == 0:
                    data[at:at] = bytes(dice.randrange(256) for _ in range(dice.randrange(1, 9)))
                elif kind == 1:
                    del data[at : at + dice.randrange(1, 9)]
                elif at < len(data):
                    data[at] = dice.randrange(256)
        with connect(running) as sock:
            try:
                cut = dice.randrange(len(data) + 1) if number >= len(seeds) else len(data)
                send(running, sock, bytes(data[:cut]))
                if dice.randrange(4) == 0 or number < len(seeds):
                    sock.shutdown(socket.SHUT_WR)
                    first = answer(sock)
                    assert not first or first.startswith(b"HTTP/1."), (data[:200], first[:200])
            except OSError:
                pass
        if number % 50 == 0:
            is_alive(running, f"after {number}")
    is_alive(running, "at the end")
    running.end()


def test_bodies_that_are_too_large_are_refused_and_not_held(front, model_server):
    running = front(model_server().url, "--request-size-max", "1M")
    before = memory(running)
    for _ in range(20):
        with connect(running) as sock:
            send(running, sock, b"POST /v1/chat/completions HTTP/1.1\r\nhost: HOST\r\ncontent-length: 2000000000\r\n\r\n")
            try:
                for _ in range(64):
                    sock.sendall(b"x" * 65536)
            except ConnectionError:
                pass
            reply = answer(sock)
            assert not reply or b" 413 " in reply.split(b"\r\n")[0], reply[:200]
    is_alive(running, "afterwards")
    assert memory(running) - before < 32 << 20


def memory(front):
    """Resident bytes."""
    text = open(f"/proc/{front.program.process.pid}/statm").read()
    return int(text.split()[1]) * resource.getpagesize()


def test_slow_and_idle_clients_hold_up_no_other(front, model_server):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))
    idle = min(IDLE, limit[1] // 3)
    running = front(model_server().url)
    before = memory(running)
    sockets = []
    try:
        for number in range(idle):
            sock = connect(running)
            # Every tenth sends only the beginning of a request.
            if number % 10 == 0:
                send(running, sock, request(chat("never"))[:90])
            sockets.append(sock)
        began = time.monotonic()
        for number in range(50):
            is_alive(running, f"beside {number}")
        seconds = time.monotonic() - began
        print(f"{idle} idle: {seconds / 50 * 1000:.1f} ms a request, {(memory(running) - before) / idle:.0f} bytes each")
        assert seconds < 20 and memory(running) - before < idle * 16_384 + (64 << 20)
    finally:
        for sock in sockets:
            sock.close()
    is_alive(running, "afterwards")
    running.end()


def test_a_client_that_reads_slowly_gets_its_stream_or_nothing_and_others_theirs(front, model_server):
    server = model_server("--tokens", "20000")
    running = front(server.url)
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect(("127.0.0.1", running.port))
    send(running, slow, request(chat("slow", stream=True)))
    slow.recv(100)
    for number in range(20):
        assert running.ask(f"beside {number}", max_tokens=5).status == 200
    slow.close()
    running.end()
    # Its answer was paid for and is stored.
    assert len(running.disk.records()) == 21


def test_clients_that_vanish_in_the_middle_of_streams_lose_no_answer(front, model_server):
    server = model_server("--tokens", "200", "--time-per-token", "1ms")
    running = front(server.url, "-c", "32")
    for number in range(40):
        with connect(running) as sock:
            send(running, sock, request(chat(f"gone {number}", stream=True)))
            # Half of them disconnect before the answer begins: the request is already in flight.
            if number % 2:
                sock.recv(10)
            else:
                server.wait_for(lambda counts, number=number: counts["requests"] > number)
            # A reset, not an orderly end.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    server.wait_for(lambda counts: counts["answered"] >= 40)
    is_alive(running, "afterwards")
    running.end()
    assert len(running.disk.records()) == 41 and server.attempts() == [1] * 41


@pytest.mark.parametrize("is_stream", [False, True])
def test_what_many_clients_got_is_in_the_store_after_a_kill(front, model_server, is_stream):
    server = model_server("--latency", "3ms", "--tokens", "30")
    running = front(server.url)
    got, is_over = [], threading.Event()

    def ask(client):
        for number in range(10_000):
            if is_over.is_set():
                return
            connection = running.connection()
            name = f"{client}-{number}"
            try:
                reply = running.post(
                    "/v1/chat/completions", chat(name, stream=is_stream), connection, x_retort_id=name
                )
            except (OSError, http.client.HTTPException):
                return
            if reply.status == 200 and (not is_stream or reply.body.rstrip().endswith(b"[DONE]")):
                got.append(name)

    threads = [threading.Thread(target=ask, args=(client,)) for client in range(24)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    running.program.kill()
    is_over.set()
    for thread in threads:
        thread.join()
    assert len(got) > 100
    again = front(server.url)
    is_alive(again, "again")
    again.end()
    there = {record["id"] for record in Disk(running.disk.root).records()}
    assert not set(got) - there
