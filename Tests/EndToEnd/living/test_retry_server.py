"""Where `retort retry` sends its requests if only the store is given."""

import json
import subprocess

import pytest

from conftest import binary, environment


@pytest.fixture
def failed(retort, teacher, prompts, tmp_path):
    """failed(): a store of ten failed items and the server that failed them, which is good from its 11th request on."""

    def make(key="k"):
        server = teacher("--fail-script", "1=400")
        root = tmp_path / "store"
        retort("run", prompts(10), "--out", root, "--base-url", server.url, "--model", "m", status=75, key=key)
        return server, root

    return make


def manifest(root):
    return json.loads((root / "retort.json").read_text())


def test_the_store_is_enough(retort, failed, counts):
    server, root = failed()
    assert manifest(root)["notes"]["base_url"] == server.url
    retort("retry", root)
    assert server.requests == 20
    state = json.loads(retort("status", root, "--json").stdout)
    assert state["done"] == 10 and state["base_url"] == server.url
    assert f"server     {server.url}" in retort("status", root).stdout


def test_a_flag_wins_and_the_environment_too(retort, failed, teacher):
    server, root = failed()
    flagged, named = teacher("--fail", "400=1"), teacher()
    retort("retry", root, "--base-url", flagged.url, status=75)
    command = [str(binary()), "retry", str(root)]
    done = subprocess.run(command, env=environment(OPENAI_API_KEY="k", OPENAI_BASE_URL=named.url), capture_output=True)
    assert done.returncode == 0
    assert (server.requests, flagged.requests, named.requests) == (10, 10, 10)
    # The option of one retry is not stored.
    assert manifest(root)["notes"]["base_url"] == server.url


def test_a_run_elsewhere_moves_it(retort, failed, teacher, prompts):
    _, root = failed()
    other = teacher()
    retort("run", prompts(12), "--out", root, "--base-url", other.url, "--model", "m", status=75)
    retort("retry", root)
    assert other.requests == 12


def test_no_key_is_kept(retort, failed):
    _, root = failed(key="sesame")
    assert not [file for file in root.rglob("*") if file.is_file() and b"sesame" in file.read_bytes()]


def test_an_older_store_says_nothing_of_it(retort, failed, teacher):
    _, root = failed()
    (root / "retort.json").write_text(json.dumps({key: value for key, value in manifest(root).items() if key != "notes"}))
    other = teacher()
    retort("retry", root, "--base-url", other.url)
    assert other.requests == 10 and manifest(root)["notes"] == {"base_url": other.url}


def test_the_job_is_the_same_wherever_it_is_asked(retort, teacher, prompts, tmp_path):
    roots = [tmp_path / name for name in ("a", "b")]
    for root in roots:
        server = teacher()
        retort("run", prompts(5), "--out", root, "--base-url", server.url, "--model", "m")
    retort("merge", *roots, "--out", tmp_path / "both")
    assert "notes" not in manifest(tmp_path / "both")


def test_a_simulated_store_asks_the_built_in_server(retort, finished, counts):
    store = finished(20, "--fail", "400=0.5", status=75)
    assert "base_url" not in manifest(store.root).get("notes", {})
    said = retort("retry", store.root, key=None).stderr
    assert "simulated: using the built-in model server" in said and counts(store)["failed"] == 0
