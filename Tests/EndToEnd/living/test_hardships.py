"""Every command on an existing store under adverse conditions: damage, a writer, no permission, no space, no reader."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from conftest import Store, binary, environment

READERS = {
    "status": ("status", "{}"),
    "get": ("get", "{}", "q-1"),
    "cat": ("cat", "{}"),
    "cat-failures": ("cat", "{}", "--failures"),
    "cat-superseded": ("cat", "{}", "--superseded"),
    "export": ("export", "{}"),
    "export-file": ("export", "{}", "-o", "{out}/train.jsonl"),
    "report": ("report", "{}", "-o", "{out}/report"),
    "verify": ("verify", "{}"),
    "verify-deep": ("verify", "{}", "--deep"),
    "plan": ("plan", "{rows}", "--out", "{}", "--simulate"),
    "plan-rerun": ("plan", "{rows}", "--out", "{}", "--simulate", "--on-change", "rerun"),
}
WRITERS = {
    "retry": ("retry", "{}", "--latency", "1ms"),
    "repair": ("repair", "{}"),
    "reindex": ("reindex", "{}"),
    "merge": ("merge", "{}", "--out", "{out}/merged"),
    "rerun": ("run", "{rows}", "--out", "{}", "--simulate", "--latency", "1ms", "--on-change", "rerun", "--temperature", "1"),
}
ALL = READERS | WRITERS


@pytest.fixture
def place():
    """A folder that every user may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="retort-"))
    folder.chmod(0o755)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder)


@pytest.fixture
def store(retort, place):
    """A store of 40 items, some of them failed."""
    rows = place / "rows.jsonl"
    rows.write_text("".join(json.dumps({"id": f"q-{n}", "prompt": f"Question {n}?"}) + "\n" for n in range(40)))
    retort("run", rows, "--out", place / "store", "--simulate", "--latency", "1ms", "--fail", "400=0.3", status=75)
    out = place / "made"
    out.mkdir()
    out.chmod(0o777)
    return Store(place / "store")


def words(name, store, root=None, out=None):
    place = store.root.parent
    return [word.format(root or store.root, rows=place / "rows.jsonl", out=out or place / "made") for word in ALL[name]]


def as_nobody(command):
    """The command as a user without permissions."""
    if os.geteuid():
        return command
    if not shutil.which("setpriv"):
        pytest.skip("setpriv is not there")
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]


def run(*command, seconds_max=30, **how):
    how = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True} | how
    command = [str(word) for word in command]
    return subprocess.run(command, env=environment(OPENAI_API_KEY="k"), timeout=seconds_max, **how)


def snapshot(root):
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def expect_nothing_left(place):
    strays = [path for path in place.rglob("*") if ".tmp-" in path.name or path.name.endswith(".new")]
    assert not strays


# --- What is no store, or not one for this program


@pytest.mark.parametrize("what", ["missing", "foreign", "file"])
@pytest.mark.parametrize("name", [name for name in ALL if not name.startswith("plan") and name != "rerun"])
def test_no_store(retort, store, name, what):
    root = store.root.parent / "other"
    if what == "foreign":
        root.mkdir()
        (root / "mine").write_text("mine")
    if what == "file":
        root.write_text("mine")
    before = snapshot(store.root.parent)
    assert "not a store" in retort(*words(name, store, root), status=1).stderr
    assert snapshot(store.root.parent) == before


@pytest.mark.parametrize("name", ["plan", "rerun"])
def test_a_file_in_place_of_a_store(retort, store, name):
    taken = store.root.parent / "taken"
    taken.write_text("mine")
    said = retort(*words(name, store, taken), status=74).stderr
    assert str(taken) in said and "Give --out a directory" in said and taken.read_text() == "mine"


@pytest.mark.parametrize("name", ALL)
def test_a_store_of_newer_code(retort, store, name):
    manifest = store.root / "retort.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"features": ["future"]}))
    before = snapshot(store.root)
    # A verification reports, correctly, that the manifest was changed.
    done = retort(*words(name, store), status=65 if name.startswith("verify") else 78)
    assert "newer retort" in done.stdout + done.stderr and snapshot(store.root) == before


@pytest.mark.parametrize("name", ALL)
def test_a_manifest_that_cannot_be_read(retort, store, name):
    (store.root / "retort.json").write_text("{")
    before = snapshot(store.root)
    done = retort(*words(name, store), status=65)
    assert "retort.json" in done.stdout + done.stderr and snapshot(store.root) == before


# --- Damage


def flip(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 0x55
    path.write_bytes(content)


BLOCK_DAMAGED = dict.fromkeys(ALL, 65) | dict.fromkeys(
    ["status", "cat-failures", "cat-superseded", "plan", "plan-rerun", "repair", "reindex", "retry"], 0
)


@pytest.mark.parametrize("name", ALL)
def test_a_damaged_block(retort, store, name):
    flip(store.root / "responses/000001.jsonl.gz", 3000)
    done = retort(*words(name, store), status=BLOCK_DAMAGED[name])
    if BLOCK_DAMAGED[name]:
        assert "checksum does not hold" in done.stdout + done.stderr or name == "report"
    # Reading loses no file, and the repair is always the same command.
    retort("repair", store.root)
    retort("verify", store.root, "--deep")
    expect_nothing_left(store.root.parent)


SEGMENT_GONE = dict.fromkeys(ALL, 65) | dict.fromkeys(
    ["status", "cat-failures", "cat-superseded", "plan", "plan-rerun", "repair"], 0
)


@pytest.mark.parametrize("name", ALL)
def test_a_lost_segment(retort, store, name):
    (store.root / "responses/000001.jsonl.gz").unlink()
    done = retort(*words(name, store), status=SEGMENT_GONE[name])
    if name not in ("report", "cat-failures", "cat-superseded", "plan", "plan-rerun"):
        assert "gone" in done.stdout + done.stderr
    retort("repair", store.root)
    retort("verify", store.root, "--deep")


@pytest.mark.parametrize("name", ALL)
def test_a_damaged_index_never_gives_a_wrong_answer(retort, store, name):
    whole = Store(store.root).responses
    for file in (store.root / "index").glob("run-*"):
        flip(file, 5000)
    done = retort(*words(name, store), status=None)
    if done.returncode:
        assert done.returncode == 65 and "index" in done.stdout + done.stderr
    retort("reindex", store.root)
    retort("verify", store.root, "--deep")
    if name != "rerun":
        held = Store(store.root).responses
        assert {key: held[key] for key in whole} == whole


# --- A writer at work


def test_while_a_run_writes(retort, store, teacher, place):
    slow, root = teacher("--latency", "30s"), place / "live"
    flags = ["--base-url", slow.url, "--model", "simulated-teacher", "--quiet"]
    # One failed item first, so that there is something to retry.
    bad = teacher("--fail", "400=1")
    one = place / "one.jsonl"
    one.write_text('{"id":"q-1","prompt":"Question 1?"}\n')
    retort("run", one, "--out", root, "--base-url", bad.url, "--model", "simulated-teacher", status=75)
    command = [str(binary()), "run", str(place / "rows.jsonl"), "--out", str(root), *flags]
    writer = subprocess.Popen(command, env=environment(OPENAI_API_KEY="k"), stderr=subprocess.DEVNULL)
    try:
        while slow.requests < 39:
            assert writer.poll() is None
        for name in ALL:
            # The server is a real one here, not the built-in one.
            line = [word for word in words(name, store, root) if word not in ("--simulate", "--latency", "1ms")]
            if name in ("plan", "plan-rerun", "rerun"):
                line += ["--model", "simulated-teacher", "--base-url", slow.url]
            done = retort(*line, status=73 if name in WRITERS else 0)
            if name in WRITERS:
                assert str(writer.pid) in done.stderr
    finally:
        writer.kill()
        writer.wait()
    retort("verify", root, "--deep")


# --- An empty store


@pytest.mark.parametrize("name", ALL)
def test_an_empty_store(retort, store, place, name):
    (place / "none.jsonl").write_text("")
    retort("run", place / "none.jsonl", "--out", place / "empty", "--simulate")
    retort(*words(name, store, place / "empty"), status=1 if name == "get" else 0)
    retort("verify", place / "empty", "--deep")


# --- Permissions


@pytest.fixture
def closed(store):
    """The store, read-only."""
    for path in [store.root, *store.root.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    if run(*as_nobody([binary(), "--version"])).returncode:
        pytest.skip("nobody cannot run the binary")
    return store


@pytest.mark.parametrize("index", ["with", "without"])
@pytest.mark.parametrize("name", ALL)
def test_a_store_that_may_only_be_read(closed, place, name, index):
    if index == "without":
        (closed.root).chmod(0o755)
        (closed.root / "index").chmod(0o755)
        shutil.rmtree(closed.root / "index")
        closed.root.chmod(0o555)
    before = snapshot(closed.root)
    done = run(*as_nobody([binary(), *words(name, closed)]))
    if name in READERS or name == "merge":
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode == 74 and "permission denied" in done.stderr and str(closed.root) in done.stderr
    assert snapshot(closed.root) == before
    expect_nothing_left(place)


@pytest.mark.parametrize("name", ALL)
def test_a_store_that_may_not_be_read(closed, name):
    closed.root.chmod(0o700)
    if not os.geteuid():
        done = run(*as_nobody([binary(), *words(name, closed)]))
        assert done.returncode == 74 and "permission denied" in done.stderr and str(closed.root) in done.stderr


# --- Room on the disk


@pytest.fixture
def full(store):
    """The store again, on a disk that is full."""
    disk = store.root.parent / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        shutil.copytree(store.root, disk / "store")
        with open(disk / "filling", "wb", buffering=0) as filling:
            with pytest.raises(OSError):
                while True:
                    filling.write(b"x" * 512)
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


TAKES_ROOM = ("export-file", "report", "reindex", "merge", "rerun")


@pytest.mark.parametrize("name", [name for name in ALL if name != "retry"])
def test_a_full_disk(retort, store, full, name):
    before = Store(full / "store").responses
    done = run(binary(), *words(name, store, full / "store", full))
    if name in TAKES_ROOM:
        assert done.returncode == 74 and "no space left" in done.stderr
    else:
        assert done.returncode == 0, done.stderr
    assert Store(full / "store").responses == before
    expect_nothing_left(full)
    (full / "filling").unlink()
    retort("verify", full / "store", "--deep")
    retort(*words(name, store, full / "store", full))


# --- Nobody reads


@pytest.mark.parametrize("name", ALL)
def test_a_closed_pipe(store, name):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = run(binary(), *words(name, store), capture_output=False, stdout=writing, stderr=subprocess.PIPE)
    finally:
        os.close(writing)
    assert done.returncode == 0 and "pipe" not in done.stderr.lower(), done.stderr
