"""The page of a run in a real browser, and who may ask it for what."""

import http.client
import json
import socket

import pytest

PACE = ("--latency", "40ms", "--concurrency", 8, "--fail", "400=0.05,429=0.02", "--attempts", 2)


def test_the_page_draws_updates_and_fits(start, page):
    run = start(*PACE)
    for width, dark in ((360, False), (1600, True)):
        page.open(run.address, width, dark=dark)
        page.wait_for("document.querySelectorAll('#chart-items path').length > 0")
        page.wait_for("document.querySelectorAll('#answers pre').length > 0")
        before = page.evaluate("last.items.done")
        page.wait_for(f"last.items.done > {before}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        wide = "[...document.querySelectorAll('body *')].filter(e => !e.closest('svg, pre')"
        wide += " && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"
        assert page.evaluate(wide) == []
        assert page.evaluate("document.title").endswith("run")
    # What comes from the run is text, never markup.
    assert page.evaluate("document.querySelectorAll('#slow b, #answers b').length") == 0
    assert page.evaluate("[...document.querySelectorAll('#failures td.name')].map(e => e.textContent)")
    assert page.complaints == []


def test_the_buttons_need_the_token(start, page):
    run = start(*PACE)
    page.open(run.address, 900)
    page.wait_for("typeof last !== 'undefined' && last !== null")
    page.evaluate("sessionStorage.clear(); token = ''; document.querySelector('[data-command=pause]').click()")
    page.wait_for("document.getElementById('reply').textContent.includes('token')")
    page.complaints.clear()
    page.open("about:blank", 900)
    page.open(f"{run.address}#token={run.token}", 900)
    page.wait_for("typeof last !== 'undefined' && last !== null")
    page.evaluate("document.querySelector('[data-command=pause]').click()")
    page.wait_for("last.state === 'paused'")
    page.wait_for("[...document.querySelectorAll('#log td')].some(e => e.textContent.startsWith('paused'))")
    assert "token" not in page.evaluate("location.href")
    page.evaluate("document.querySelector('[data-command=resume]').click()")
    page.wait_for("last.state === 'running'")
    run.ctl("drain")
    page.wait_for("last.state === 'stopped'")
    run.program.process.wait(timeout=30)
    assert page.complaints == []


def test_other_origins_and_other_hosts_get_nothing(start):
    run = start(*PACE)
    command = json.dumps({"command": "pause"}).encode()
    token = {"Authorization": f"Bearer {run.token}"}
    assert run.get("control", data=command)[0] == 401
    assert run.get("control", data=command, headers={"Authorization": "Bearer wrong"})[0] == 401
    assert run.get("control", data=command, headers=token | {"Origin": "http://evil.example"})[0] == 403
    assert run.get("control", data=b"{", headers=token)[0] == 400
    assert run.get("control", headers=token)[0] == 405
    assert run.get("control", data=b"x" * 10_000, headers=token)[0] == 413
    host, port = run.address.split("/")[2].split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    connection.request("GET", "/state", headers={"Host": "evil.example"})
    assert connection.getresponse().status == 403
    connection.close()
    assert run.state()["state"] == "running"
    assert run.get("control", data=command, headers=token)[0] == 200
    run.until(lambda state: state["state"] == "paused")


def test_ten_pages_and_a_reader_that_does_not_read(start):
    run = start(*PACE)
    host, port = run.address.split("/")[2].split(":")
    readers = [socket.create_connection((host, int(port)), timeout=10) for _ in range(11)]
    for reader in readers:
        reader.sendall(f"GET /events HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    for reader in readers[1:]:
        text = b""
        while text.count(b"data: {") < 3:
            piece = reader.recv(1 << 16)
            assert piece
            text += piece
    before = run.state()["items"]["done"]
    run.until(lambda state: state["items"]["done"] > before)
    for reader in readers:
        reader.close()


def test_a_port_in_use_is_told_before_anything_is_sent(start, tmp_path, retort_once):
    run = start(*PACE)
    port = run.address.split(":")[2].rstrip("/")
    done = retort_once("run", "-", "--out", tmp_path / "other", "--simulate", "--listen", f"127.0.0.1:{port}")
    assert done.status == 78, repr(done)
    assert f"port {port} is in use" in done.errors
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("address, words", [("0.0.0.0:0", "--listen-token-file"), ("localhost", "--listen"), ("1.2.3.4:0", "")])
def test_addresses_that_cannot_be_listened_on(tmp_path, retort_once, address, words):
    done = retort_once("run", "-", "--out", tmp_path / "other", "--simulate", "--listen", address)
    assert done.status in (64, 78), repr(done)
    assert words in done.errors
