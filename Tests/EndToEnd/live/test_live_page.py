"""The page of a run in a real browser, and which requests it accepts."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from program import RUN_SECONDS_MAX

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
    # Everything from the run is text, never markup.
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
    assert run.get("control", data=b'{"command":"stop","stage":"draft"}', headers=token)[0] == 400
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


def family(process):
    """A process and all below it."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(status.parent.name))
    found = [process]
    for one in found:
        found += parents.get(one, [])
    return found


def open_connections(port):
    """Connections to a port of this machine that both sides hold open, as the server sees them."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    established = "01"
    return sum(line[1].endswith(f":{port:04X}") and line[3] == established for line in lines)


def test_a_page_left_open_over_a_sleep_goes_on(start, browser, page):
    run = start(*PACE)
    page.open(f"{run.address}#token={run.token}", 900)
    page.wait_for("typeof last !== 'undefined' && last && last.items.done > 0")
    # Long events fill the buffers between server and page sooner.
    for number in range(100):
        command = json.dumps({"command": "hold", "model": f"{number} " + "x" * 900}).encode()
        assert run.get("control", {"Authorization": f"Bearer {run.token}"}, command)[0] == 200
    port = int(run.address.rstrip("/").rpartition(":")[2])
    assert open_connections(port) > 0
    processes = family(browser.process.pid)
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        end = time.monotonic() + 3 * RUN_SECONDS_MAX
        while open_connections(port) > 0:
            assert time.monotonic() < end, "the server waits for a page that does not read"
            time.sleep(0.2)
        before = run.state()["items"]["done"]
        run.until(lambda state: state["items"]["done"] > before)
    finally:
        for process in reversed(processes):
            os.kill(process, signal.SIGCONT)
    before = run.state()["items"]["done"]
    page.wait_for(f"last.items.done > {before} && document.getElementById('state').textContent === 'running'")
    page.evaluate("document.querySelector('[data-command=pause]').click()")
    page.wait_for("last.state === 'paused'")


def test_a_scrape_and_a_page_while_the_disk_is_full(start, page, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        run = start(*PACE, folder=disk)
        filling = disk / "filling"
        with filling.open("wb", buffering=0) as file:
            with pytest.raises(OSError):
                while True:
                    file.write(b"x" * 4096)
        state = run.until(lambda state: state["state"] == "paused")
        assert "no space left" in state["note"]
        for _ in range(20):
            status, _, text = run.get("metrics")
            assert status == 200 and b"retort_paused 1" in text
        page.open(run.address, 900)
        page.wait_for("typeof last !== 'undefined' && last && last.note.includes('no space left')")
        filling.unlink()
        before = state["items"]["done"]
        run.until(lambda state: state["state"] == "running" and state["items"]["done"] > before)
        run.ctl("drain")
        assert run.program.process.wait(RUN_SECONDS_MAX) == 75
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


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
