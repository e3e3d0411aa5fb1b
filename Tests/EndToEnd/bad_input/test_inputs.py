"""Inputs as they come from the world: cut, mixed up, too long, in other encodings, from pipes."""

import gzip
import json
import os
import subprocess
import threading

import pytest

from bench import BAD_DATA, INCOMPLETE, INPUT_MISSING, USAGE, binary, environment_of, lines_of, start

MEBIBYTE = 1 << 20


def test_empty_file(ask, teacher, write, store):
    ask(teacher, write("in.jsonl", b"")).says("no rows")
    assert store.records() == [] and teacher.requests() == 0
    assert store.status()["pending"] == 0


def test_only_blank_lines(ask, teacher, write):
    ask(teacher, write("in.jsonl", b"\n\r\n  \n")).says("no rows")


@pytest.mark.parametrize(
    "text",
    [
        b'{"id":"a","prompt":"1"}\n{"id":"b","prompt":"2"}',
        b'{"id":"a","prompt":"1"}\r\n\r\n{"id":"b","prompt":"2"}\r\n',
        b'\xef\xbb\xbf{"id":"a","prompt":"1"}\n{"id":"b","prompt":"2"}\n',
        b'{"id":"a",\r"prompt":\r"1"}\n{"id":"b","prompt":"2","more":[1,\r2]}\n',
    ],
    ids=["no final newline", "CRLF", "BOM", "CR between tokens"],
)
def test_line_ends(text, ask, teacher, write, store):
    ask(teacher, write("in.jsonl", text))
    assert store.ids() == ["a", "b"]
    assert not any(b"\r" in line for line in store.lines())
    ask(teacher, write("in.jsonl", text))
    assert teacher.requests() == 2


def test_line_separators_and_surrogates_reach_the_server_and_the_record_is_utf_8(ask, record, write, store):
    prompt = '"a\u2028b \\ud800 c\\udc00\\ud83d\\ude00 \U0001f600 \\u0000"'
    server = record()
    ask(server, write("in.jsonl", f'{{"id":"x","prompt":{prompt},"note":"\\udfff\u2029"}}\n'))
    assert prompt.encode() in server.bodies[0]
    (line,) = store.lines()
    record = json.loads(line)
    json.dumps(record, ensure_ascii=False).encode()
    assert record["messages"][0]["content"] == "a\u2028b \ufffd c\ufffd\U0001f600 \U0001f600 \0"
    assert json.loads(record["messages_json"]) == [{"role": "user", "content": json.loads(prompt)}]
    assert record["metadata"] == '{"note":"\\udfff\u2029"}'


def test_lone_surrogate_as_id(ask, teacher, write, store):
    prompts = write("in.jsonl", b'{"id":"\\ud800","prompt":"1"}\n{"id":"\\ud801","prompt":"2"}\n')
    ask(teacher, prompts)
    ask(teacher, prompts)
    assert store.ids() == ["\ufffdd800", "\ufffdd801"] and teacher.requests() == 2


def test_bad_rows_are_failures_and_the_rest_goes_on(ask, teacher, write, store):
    text = b'{"id":"a","prompt":"1"}\n{"id":"b","prompt":"\xff"}\nnot json\n{"id":"d","question":"?"}\n[1]\n{"id":"f","prompt":"6"}\n'
    prompts = write("in.jsonl", text)
    done = ask(teacher, prompts, status=INCOMPLETE)
    done.says(f"{prompts}:2:21: the row is not UTF-8", f"{prompts}:3:1: the row is not JSON", f"{prompts}:4: no prompt")
    done.says(f"{prompts}:5", "4 items failed", "4 (bad_input)")
    assert store.ids() == ["a", "f"]
    failures = store.records("failures")
    assert {failure["class"] for failure in failures} == {"bad_input"}
    assert sorted(failure["error"].split(": ")[0] for failure in failures) == [
        f"{prompts}:{place}" for place in ("2:21", "3:1", "4", "5:1")
    ]
    again = ask(teacher, prompts, status=INCOMPLETE)
    assert len(store.records("failures")) == 4 and teacher.requests() == 2
    again.says("4 (bad_input)")


def test_only_ten_bad_rows_are_named(ask, teacher, write, store):
    done = ask(teacher, write("in.jsonl", b"{\n" * 25 + b'{"prompt":"1"}\n'), status=INCOMPLETE)
    assert done.errors.count("bad row: ") == 10
    done.says("bad_input", "25 items failed")
    assert len(store.records("failures")) == 25 and len(store.records()) == 1


def test_mended_rows_are_asked_and_nothing_else(ask, teacher, write, store):
    write("in.jsonl", b'{"id":"a","prompt":"1"}\n{"id":"b","question":"?"}\n{"id":"c",\n{"id":"d","prompt":"4"}\n')
    prompts = store.root.parent / "in.jsonl"
    ask(teacher, prompts, status=INCOMPLETE)
    write("in.jsonl", b'{"id":"a","prompt":"1"}\n{"id":"b","prompt":"2"}\n{"id":"c","prompt":"3"}\n{"id":"d","prompt":"4"}\n')
    done = ask(teacher, prompts).says("2 bad rows are read again", "every item has its answer", "4 of 4 items; 2 outcomes")
    # The records of the two bad rows do not count as records of rows outside the input.
    assert "not in this input" not in done.errors
    assert (store.status()["failed"], store.status()["pending"]) == (0, 0)
    assert store.ids() == ["a", "b", "c", "d"] and teacher.requests() == 4
    ask(teacher, prompts)
    assert teacher.requests() == 4


def test_bad_rows_that_move_are_not_counted_twice(ask, teacher, write, store):
    prompts = write("in.jsonl", b'oops\noops\n{"prompt":"1"}\n')
    ask(teacher, prompts, status=INCOMPLETE)
    write("in.jsonl", b'{"prompt":"1"}\noops\n{"prompt":"2"}\noops\n')
    ask(teacher, prompts, status=INCOMPLETE).says("2 bad rows are read again", "2 items failed", "2 of 4 items; 1 outcome from earlier runs")
    assert len(store.records("failures")) == 2 and len(store.records()) == 2
    assert store.status()["failed"] == 2 and teacher.requests() == 2


def test_an_input_of_which_no_row_can_be_sent_leaves_nothing(ask, teacher, write, store):
    prompts = write("in.jsonl", b"oops\noops\n")
    ask(teacher, prompts, status=BAD_DATA).says(f"{prompts}:1:1: none of 2 rows can be sent: the row is not JSON")
    assert not store.root.exists() and teacher.requests() == 0
    write("in.jsonl", b'{"prompt":"1"}\noops\n')
    ask(teacher, prompts, status=INCOMPLETE).says("1 of 2 items")
    assert len(store.records()) == 1 and len(store.records("failures")) == 1


def test_strict_stops_at_the_first_bad_row(ask, teacher, write, store):
    prompts = write("in.jsonl", b'{"id":"a","prompt":"1"}\nnot json\n{"id":"c","prompt":"3"}\n')
    ask(teacher, prompts, "--strict", status=BAD_DATA).says(f"{prompts}:2:1: the row is not JSON", "resume")
    assert store.ids() == ["a"] and store.records("failures") == []
    write("in.jsonl", b'{"id":"a","prompt":"1"}\n{"id":"b","prompt":"2"}\n{"id":"c","prompt":"3"}\n')
    ask(teacher, prompts, "--strict")
    assert store.ids() == ["a", "b", "c"] and teacher.requests() == 3


def test_duplicate_ids_name_both_lines(ask, teacher, write, store, rows):
    double = rows(300) + [{"id": "q-7", "prompt": "again"}] + rows(5, first=500)
    prompts = write("in.jsonl", double)
    told = f'{prompts}:301: duplicate id "q-7": already used at {prompts}:8'
    ask(teacher, prompts, status=INCOMPLETE).says(told, "305 of 306 items", "1 (bad_input)")
    assert len(store.records()) == 305
    (failure,) = store.records("failures")
    assert failure["class"] == "bad_input" and failure["error"].startswith(told)
    ask(teacher, prompts, status=INCOMPLETE).says("305 of 306 items", "1 (bad_input)")
    assert teacher.requests() == 305 and len(store.records("failures")) == 1
    double[300]["id"] = "q-7b"
    write("in.jsonl", double)
    ask(teacher, prompts)
    assert len(store.records()) == 306 and teacher.requests() == 306
    assert next(r for r in store.records() if r["id"] == "q-7")["messages"][0]["content"] == "Tell me about 7."


def test_duplicate_ids_side_by_side(ask, simulate, write, store):
    prompts = write("in.jsonl", b'{"id":1,"prompt":"1"}\n{"id":"1","prompt":"2"}\n')
    server = simulate("--latency", "200ms")
    done = ask(server, prompts, status=INCOMPLETE)
    done.says(f'{prompts}:2: duplicate id "1": already used at {prompts}:1')
    assert store.ids() == ["1"] and server.requests() == 1
    assert store.records()[0]["messages"][0]["content"] == "1"


def test_long_line(ask, record, write, store):
    server = record()
    text = "x" * (20 * MEBIBYTE)
    ask(server, write("in.jsonl", [{"id": "long", "prompt": text}, {"id": "short", "prompt": "y"}]))
    assert store.ids() == ["long", "short"]
    assert max(len(body) for body in server.bodies) > 20 * MEBIBYTE
    assert next(r for r in store.records() if r["id"] == "long")["messages"][0]["content"] == text


def test_line_over_the_limit(ask, teacher, write, store):
    prompts = write("in.jsonl", b'{"id":"a","prompt":"1"}\n{"x":"' + b"y" * (65 * MEBIBYTE) + b'"}\n{"id":"c","prompt":"3"}\n')
    ask(teacher, prompts, status=INCOMPLETE).says(f"{prompts}:2: ", "longer than 67108864 bytes")
    assert store.ids() == ["a", "c"]
    assert len(store.lines("failures")[0]) < 4096


def test_empty_directory(ask, teacher, tmp_path, store):
    (tmp_path / "data").mkdir()
    ask(teacher, tmp_path / "data", status=INPUT_MISSING).says("holds no input files")
    assert not store.root.exists()


def test_directories_and_patterns_in_order(ask, teacher, tmp_path, write, store):
    (tmp_path / "data").mkdir()
    for name in ("data/b.jsonl", "data/a.txt", "data/ignored.md"):
        write(name, [{"id": name, "prompt": "1"}])
    ask(teacher, tmp_path / "data")
    assert len(store.records()) == 2
    ask(teacher, tmp_path / "data" / "*.jsonl")
    assert teacher.requests() == 2


def test_other_formats_are_named(ask, teacher, write, store):
    for name, head, word in (("a.jsonl", b"\x28\xb5\x2f\xfd", "zstd"), ("b.jsonl", b"PK\x03\x04", "zip"), ("c.parquet", b"PAR1\x15", "Parquet")):
        ask(teacher, write(name, head + b"\x00" * 64), status=BAD_DATA).says(word, name)
    assert not store.root.exists()


def test_gzip_cut_in_the_middle(ask, teacher, write, store):
    text = b"".join(b'{"id":"q-%d","prompt":"%s"}\n' % (n, os.urandom(40).hex().encode()) for n in range(2000))
    whole = gzip.compress(text)
    prompts = write("in.jsonl.gz", whole[: len(whole) // 2])
    done = ask(teacher, prompts, status=BAD_DATA).says(str(prompts), "gzip", "byte ")
    before = len(store.records())
    assert 500 < before < 1500 and teacher.requests() == before
    assert store.ids() == sorted(f"q-{n}" for n in range(before)), done
    write("in.jsonl.gz", whole)
    ask(teacher, prompts)
    assert len(store.records()) == 2000 and teacher.requests() == 2000


def test_csv_with_quotes(ask, record, write, store):
    server = record()
    text = 'id,prompt,level\r\n1,"say ""hi"", then\nstop",x\r\n2,plain,"a,b"\r\n'
    ask(server, write("in.csv", text), "--concurrency", "1")
    sent = [json.loads(body)["messages"][0]["content"] for body in server.bodies]
    assert sent == ['say "hi", then\nstop', "plain"]
    assert {r["id"]: json.loads(r["metadata"]) for r in store.records()} == {"1": {"level": "x"}, "2": {"level": "a,b"}}


def test_csv_with_a_bad_row_and_a_bad_header(ask, teacher, write, store):
    prompts = write("in.csv", "id,prompt\n1,a,b\n2,c\n")
    ask(teacher, prompts, status=INCOMPLETE).says(f"{prompts}:2: 3 fields where the header has 2")
    assert store.ids() == ["2"]
    twice = write("twice.csv", "id,id\n1,2\n")
    ask(teacher, twice, status=BAD_DATA).says(f"{twice}:1: the header cannot be used", "'id' is named twice")


def test_text_lines(ask, teacher, write, store):
    ask(teacher, write("in.txt", "What is tea?\nWhat is tea?\n\nAnd \"coffee\"?\n"))
    contents = sorted(record["messages"][0]["content"] for record in store.records())
    assert contents == ['And "coffee"?', "What is tea?", "What is tea?"]


def test_standard_input_is_looked_up_row_by_row(ask, teacher, rows, store):
    def text(count):
        return "".join(json.dumps(row) + "\n" for row in rows(count)).encode()

    ask(teacher, "-", stdin=text(20))
    ask(teacher, "-", stdin=text(20)).says("20 outcomes from earlier runs")
    ask(teacher, "-", stdin=text(30))
    assert teacher.requests() == 30 and len(store.records()) == 30


def test_changed_row_on_standard_input(ask, teacher, store):
    ask(teacher, "-", stdin=b'{"id":"a","prompt":"1"}\n')
    changed = b'{"id":"a","prompt":"2"}\n'
    ask(teacher, "-", stdin=changed, status=78).says("standard input:1: 1 prompt changed since it was answered")
    ask(teacher, "-", "--on-change", "keep", stdin=changed)
    assert teacher.requests() == 1


def test_rows_that_trickle_in_are_asked_at_once(teacher, store):
    arguments = ["run", "-", "--out", store.root, "--base-url", teacher.url, "--model", "m"]
    process = start(*arguments, stdin=subprocess.PIPE)
    for number in range(1, 4):
        process.stdin.write(b'{"prompt":"%d"}\n' % number)
        process.stdin.flush()
        while teacher.requests() < number:
            assert process.poll() is None
    process.stdin.close()
    assert process.wait(20) == 0
    assert len(store.records()) == 3


def test_fifo(ask, teacher, tmp_path, rows, store):
    path = tmp_path / "pipe.jsonl"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_text("".join(json.dumps(row) + "\n" for row in rows(50))))
    writer.start()
    ask(teacher, path)
    writer.join()
    assert len(store.records()) == 50


def test_samples_and_identical_rows(ask, teacher, write, store):
    prompts = write("in.jsonl", b'{"prompt":"tea"}\n{"prompt":"tea"}\n{"prompt":"milk"}\n')
    ask(teacher, prompts, "--samples", "3")
    keys = store.keys()
    assert len(keys) == len(set(keys)) == 9 and {sample for _, sample in keys} == {0, 1, 2}
    assert len({name for name, _ in keys}) == 3
    ask(teacher, prompts, "--samples", "3")
    write("in.jsonl", b'{"prompt":"milk"}\n{"prompt":"tea"}\n{"prompt":"tea"}\n{"prompt":"tea"}\n')
    ask(teacher, prompts, "--samples", "3")
    assert teacher.requests() == 12 and len(store.keys()) == 12


def test_template_errors_name_the_row(ask, teacher, write, store):
    template = write("t.txt", "@system\nBe brief.\n@user\nWrite about {{topic}} for {{who.name}}.\n")
    prompts = write("in.jsonl", [{"id": "a", "topic": "tea", "who": {"name": "Ada"}}, {"id": "b", "topic": "milk"}])
    done = ask(teacher, prompts, "--template", template, status=INCOMPLETE)
    done.says(f"{prompts}:2: the template's field 'who.name' is not in the row", "id, topic")
    (record,) = store.records()
    assert record["messages"][1] == {"role": "user", "content": "Write about tea for Ada."}
    broken = write("broken.txt", "Write about {{topic\n")
    ask(teacher, prompts, "--template", broken, status=78).says(f"{broken}:1:13: ")
    ask(teacher, prompts, "--template", "nowhere.txt", status=INPUT_MISSING).says("nowhere.txt")


def test_row_that_the_endpoint_cannot_take(ask, teacher, write, store):
    rows = [{"id": "a", "messages": [{"role": "user", "content": "x"}]}, {"id": "b", "prompt": "y"}]
    prompts = write("in.jsonl", rows)
    ask(teacher, prompts, "--endpoint", "completions", status=INCOMPLETE).says(f"{prompts}:1: ", "completions")
    assert store.ids() == ["b"]


def test_many_shapes_of_rows(ask, teacher, store):
    from bench import REPOSITORY

    ask(teacher, REPOSITORY / "data" / "prompts.jsonl")
    count = sum(1 for line in (REPOSITORY / "data" / "prompts.jsonl").read_bytes().split(b"\n") if line)
    assert len(store.records()) == count
