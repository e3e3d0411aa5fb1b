"""Tests of what the figures rest on: `python3 -m unittest discover -s Benchmarks/harness`. Nothing here looks at speed."""

import http.client
import json
import os
import re
import sys
import tempfile
import time
import unittest
from pathlib import Path

import corpus
import programs
import readme
import report
import servers
from processes import Child, Unmeasured, measure

BURN = "import time\nend = time.process_time() + {0}\nwhile time.process_time() < end: pass\n"


class Processes(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.log = Path(self.folder.name) / "log"

    def tearDown(self):
        self.folder.cleanup()

    def python(self, code, seconds_max=30):
        return measure([sys.executable, "-c", code], self.log, seconds_max)

    def test_time_of_children_is_counted(self):
        code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN.format(0.4)!r}])"
        self.assertGreaterEqual(self.python(code).cpu, 0.4)

    def test_time_of_children_nobody_waited_for_is_counted(self):
        """The child uses the CPU for half a second, writes a file and stays; its parent exits when the file is there."""
        mark = str(self.log) + ".burnt"
        child = BURN.format(0.5) + f"open({mark!r}, 'w').close()\ntime.sleep(60)"
        code = (
            "import os, subprocess, sys, time\n"
            f"subprocess.Popen([sys.executable, '-c', {child!r}])\n"
            f"while not os.path.exists({mark!r}): time.sleep(0.01)")
        cost = self.python(code)
        self.assertGreaterEqual(cost.cpu, 0.5)
        self.assertLess(cost.wall, 30)

    def test_memory_of_the_tree_counts_shared_pages_once(self):
        """A process with 64 MB forks: both together hold little more than 64 MB, not 128."""
        code = (
            "import os, time\nheld = b'x' * (64 << 20)\npid = os.fork()\ntime.sleep(0.5)\n"
            "if pid: os.waitpid(pid, 0)")
        size = self.python(code).rss_bytes / 2**20
        self.assertGreater(size, 64)
        self.assertLess(size, 110)

    def test_what_takes_too_long_is_stopped_with_its_children(self):
        mark = Path(str(self.log) + ".pid")
        child = f"import os, time\nopen({str(mark)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)"
        code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
        with self.assertRaisesRegex(Unmeasured, "stopped after 2 s"):
            self.python(code, 2)
        with self.assertRaises(ProcessLookupError):
            os.kill(int(mark.read_text()), 0)

    def test_another_exit_status_is_not_a_measurement(self):
        with self.assertRaisesRegex(Unmeasured, "exit status 3; sorry"):
            self.python("import sys; print('sorry', file=sys.stderr); sys.exit(3)")

    def test_output_is_returned_and_keys_do_not_leak(self):
        os.environ["OPENAI_BASE_URL"] = "http://example.invalid"
        self.addCleanup(os.environ.pop, "OPENAI_BASE_URL")
        code = "import os; print(os.environ.get('OPENAI_BASE_URL'), os.environ['OPENAI_API_KEY'][:7])"
        self.assertEqual(self.python(code).output.strip(), "None sk-none")

    def test_stop_ends_a_child(self):
        child = Child([sys.executable, "-c", "import time; time.sleep(60)"], self.log)
        self.assertTrue(child.is_running())
        child.stop()
        self.assertFalse(child.is_running())


class FirstRequest(unittest.TestCase):
    def test_only_a_whole_request_with_a_prompt_counts(self):
        probe = servers.FirstRequest()
        self.addCleanup(probe.close)
        port = int(probe.url.split(":")[2].split("/")[0])
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        asked.request("GET", "/v1/models")
        self.assertEqual(json.loads(asked.getresponse().read())["data"], [])
        asked.request("POST", "/v1/chat/completions", json.dumps({"messages": []}))
        self.assertEqual(asked.getresponse().read()[:1], b"{")
        self.assertFalse(probe.came.is_set())
        # The end of the body comes later: only then the request is there.
        body = json.dumps({"messages": [{"role": "user", "content": f"{corpus.PROMPT_MARK}7: so?"}]}).encode()
        asked.putrequest("POST", "/v1/chat/completions")
        asked.putheader("Content-Length", str(len(body)))
        asked.endheaders(body[:-1])
        self.assertFalse(probe.came.wait(0.2))
        before = time.monotonic()
        asked.send(body[-1:])
        self.assertTrue(probe.came.wait(10))
        self.assertGreaterEqual(probe.at, before)
        asked.close()


class Figures(unittest.TestCase):
    def test_spread(self):
        spread = report.Spread([3.0, 1.0, 2.0, 9.0, 2.5], 1)
        self.assertEqual(str(spread), "2.5 (1.0 to 9.0)")
        self.assertEqual(spread.json(), {"median": 2.5, "low": 1.0, "high": 9.0, "rounds": 5})
        self.assertEqual(str(report.Spread([1234.5], 0)), "1,234")

    def test_table(self):
        table = report.Table("Title", ["what", "value"], "A note.")
        table.add("rate", 1234)
        lines = table.markdown().splitlines()
        self.assertEqual(lines[2:5], ["| what | value |", "| ---- | ----- |", "| rate | 1,234 |"])
        with self.assertRaises(AssertionError):
            table.add("too", "many", "cells")

    def test_the_summary_has_a_line_for_each_client(self):
        def spread(number):
            return {"median": number, "low": number, "high": number}

        results = {"tables": [
            {"title": "64 in flight, at once", "columns": ["client", "CPU s / 1000 requests", "peak RSS MB"],
             "rows": [["retort", spread(0.04), spread(32.0)], ["other", spread(2.0), 300.0], ["third", 1.0, 9.0]]},
            {"title": "64 in flight, JSON", "columns": ["client", "CPU s / 1000 requests"],
             "rows": [["retort", spread(0.07)], ["other", 3.0]]},
            {"title": "Starting again", "columns": ["client", "s to the first new request"], "rows": [["retort", 0.09]]},
            {"title": "kill -9 in the middle", "columns": ["client", "paid twice", "records"],
             "rows": [["retort", 10, 2000], ["third", "", "no end after 90 s"]]},
        ]}
        lines = readme.summary(results).split("\n")
        self.assertEqual(lines[2], "| retort | 40 us |  | 70 us | 32 MB | 0.09 s | 10 |")
        self.assertEqual(lines[3], "| other | 2,000 us | 50.0 | 3,000 us | 300 MB | starts over | not measured |")
        self.assertEqual(lines[4], "| third | 1,000 us | 25.0 |  | 9 MB | starts over | no end after 90 s |")

    def test_only_the_marked_parts_of_a_page_are_written(self):
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "page.md"
            page.write_text("a\n<!-- results: x -->\nold\n<!-- end -->\nb\n<!-- results: y -->\nkept\n<!-- end -->\n")
            readme.write(page, lambda name: "new" if name == "x" else None)
            self.assertEqual(
                page.read_text(),
                "a\n<!-- results: x -->\nnew\n<!-- end -->\nb\n<!-- results: y -->\nkept\n<!-- end -->\n")

    def test_marks_printed_by_programs_are_found(self):
        printed = "open, clean   4.2 ms, CPU 0.6 ms   (mark: <= 5 ms)\nappend   72939 records/s\nhot   7.7 M/s   (mark: >= 3)\n"
        found = re.findall(programs.MARKED_LINE, printed)
        self.assertEqual(found, [("open, clean", "4.2", "<=", "5"), ("hot", "7.7", ">=", "3")])

    def test_answers_are_the_same_each_time_and_of_one_size(self):
        answers = corpus.answers(20)
        self.assertEqual({len(answer) for answer in answers}, {corpus.ANSWER_BYTES})
        self.assertEqual(len(set(answers)), 20)
        self.assertEqual(answers, corpus.answers(20))
        for answer in answers:
            # What nginx would take for a variable or for the end of the text.
            self.assertNotRegex(answer, r"[$'\\]")
            json.loads(answer)

    def test_prompts_have_an_id_and_the_mark(self):
        with tempfile.TemporaryDirectory() as folder:
            rows = corpus.write_prompts(Path(folder) / "rows.jsonl", 25).read_text().splitlines()
        rows = [json.loads(row) for row in rows]
        self.assertEqual([row["id"] for row in rows], [f"q-{place}" for place in range(25)])
        self.assertTrue(all(row["prompt"].startswith(corpus.PROMPT_MARK) for row in rows))
