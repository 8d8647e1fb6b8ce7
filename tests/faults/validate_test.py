"""`tandem validate` with real processes: what it tells, and what it does with baselines. Times are not judged here."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM = ""
MEASURED = {
    "operations", "sync_latency_p50", "sync_latency_p99", "busy_latency_p50", "throughput", "tracked_batches", "tracked_singles", "memory", "large_value",
    "stamping", "extracting", "merging", "wire_alone", "wire_bulk", "concurrent_writes", "recovery", "stress_success", "stress_slow", "integrity",
    "machine_relay",
}


def validate(*arguments, **environment):
    command = [PROGRAM, "validate", *(() if "--effort" in arguments else ("--effort", "0.1")), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, env={**os.environ, **environment})


# Of a page in the WebView or the browser that this machine has; WebKit does not tell of memory.
IN_PROCESS = {"page_round_trip_p50", "page_round_trip_p99", "page_queries", "page_write_p50", "page_writes"}
OF_A_PAGE = {
    "page_round_trip_p50", "page_round_trip_p99", "page_queries", "page_write_p50", "page_writes", "page_sync_p50", "page_sync_p99",
    "page_transfer", "page_recovery", "page_stress", "page_integrity",
}


class ValidateTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tandem-test-")
        self.addCleanup(self.folder.cleanup)
        self.path = Path(self.folder.name)

    def measure(self, *arguments):
        done = validate("--json", *arguments)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return json.loads(done.stdout), done

    def test_everything_is_measured_and_nothing_is_lost(self):
        page = self.path / "report.html"
        report, done = self.measure("--html", page)
        self.assertEqual(report["omissions"], [], done.stderr)
        figures = {each["name"]: each for each in report["figures"]}
        self.assertEqual({name for name in figures if not name.startswith("page_")}, MEASURED)
        self.check_page_figures(report)
        self.assertEqual(figures["integrity"]["value"], 100)
        self.assertEqual(figures["stress_success"]["value"], 100)
        self.assertGreater(len(figures["sync_latency_p50"]["samples"]), 10)
        for name in ("memory", "concurrent_writes", "throughput", "large_value", "stamping", "recovery"):
            self.assertEqual(figures[name]["round_sizes"], [1] * 8, name)
        self.assertEqual(figures["stress_success"]["round_sizes"], [0, 1] * 4)
        pace = figures["machine_relay"]  # beside each of the measurements, in every round
        self.assertEqual(len(pace["round_sizes"]), 8)
        self.assertGreater(min(pace["round_sizes"]), 50)
        self.assertGreater(min(pace["samples"]), 0)
        latency = figures["sync_latency_p50"]
        self.assertAlmostEqual(latency["times_better_than_floor"] * latency["value"], latency["floor"])
        # A bundle weighs something, and many updates together less than as many alone.
        self.assertGreater(figures["wire_bulk"]["value"], 5)
        self.assertGreater(figures["wire_alone"]["value"], 2 * figures["wire_bulk"]["value"])
        self.assertEqual(done.returncode == 0, report["holds"])
        text = page.read_text(encoding="utf-8")
        self.assertNotIn("<script", text)
        self.assertIn("Commit here to readable there", text)

    def check_page_figures(self, report):
        """By each way that a page has here; what it has not is said with its reason."""
        by_way = {}
        for figure in report["figures"]:
            if figure["name"].startswith("page_"):
                by_way.setdefault(figure["transport"], set()).add(figure["name"])
        has_window = any((Path(PROGRAM).parent / each).exists() for each in ("tandem_webview", "bench_window")) and (os.environ.get("DISPLAY") or shutil.which("xvfb-run"))
        has_browser = any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
        ways = {"webview", "websocket", "http"} if has_window else {"websocket", "http"} if has_browser else set()
        self.assertEqual(by_way.pop("in_process"), IN_PROCESS)
        self.assertEqual(set(by_way), ways)
        has_bare = has_window and (Path(PROGRAM).parent / "bench_window").exists()
        for way, names in by_way.items():
            self.assertEqual(names - {"page_memory"}, OF_A_PAGE | ({"page_bare_ratio"} if has_bare and way == "webview" else set()), way)
        self.assertEqual(len(report["absences"]), 0 if has_bare else 1)

    def compare(self, one, other, *arguments):
        done = validate("--json", "--ab", one, other, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {each["name"]: each for each in json.loads(done.stdout)}

    def test_the_better_of_two_settings_is_found(self):
        page = self.path / "two.html"
        found = self.compare("batch-window-ms=1", "batch-window-ms=400", "--html", page)
        # Nearly a second for two hops, whatever the machine does besides.
        self.assertEqual(found["sync_latency_p50"]["better"], "a", found)
        self.assertGreater(found["sync_latency_p50"]["b"], 400)
        self.assertGreater(found["sync_latency_p50"]["low"], 1)
        text = page.read_text(encoding="utf-8")
        self.assertIn("A: batch-window-ms=1", text)
        self.assertIn("times worse (", text)
        refused = validate("--ab", "batch-window-ms=1", "no-such-setting=1")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("no-such-setting", refused.stderr)

    def test_two_equal_settings_are_called_equal(self):
        # A window that is most of what is measured, so that what the machine does besides is a small part of it.
        page = self.path / "two.html"
        found = self.compare("batch-window-ms=100", "batch-window-ms=100", "--html", page)
        self.assertEqual(found["sync_latency_p50"]["better"], "none", found)
        self.assertLessEqual(found["sync_latency_p50"]["low"], 1.1)
        self.assertRegex(page.read_text(encoding="utf-8"), r"Commit here to readable there, median</td>.*?no difference \(")

    def test_a_slowdown_against_the_baseline_is_named(self):
        baseline, page = self.path / "before.json", self.path / "report.html"
        report, done = self.measure("--baseline", baseline)
        self.assertIn("saved as the baseline", done.stderr)
        self.assertNotIn("baseline", report)
        self.assertEqual(json.loads(baseline.read_text())["figures"], report["figures"])
        for figure in report["figures"]:  # as if the program had been a hundred times faster then
            if figure["name"] == "sync_latency_p50":
                figure["value"] /= 100
                figure["samples"] = [each / 100 for each in figure["samples"]]
        report["machine"]["processor"] = "another one"
        baseline.write_text(json.dumps(report))
        later, done = self.measure("--baseline", baseline, "--html", page)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"Commit here to readable there, median: .* times worse \(.* to .*\) than the baseline")
        self.assertRegex(done.stderr, r"the baseline is of another machine \(another one, \d+ cores\)")
        changes = {(each["name"], each["transport"]): each for each in later["baseline"]["changes"]}
        self.assertEqual(later["baseline"]["holds"], False)
        self.assertEqual(changes["sync_latency_p50", ""]["verdict"], "worse")
        self.assertEqual(changes["sync_latency_p99", ""]["verdict"], "worse")
        for name in ("memory", "concurrent_writes", "stress_success", "integrity"):
            self.assertIn((name, ""), changes)
        self.assertNotIn(("machine_relay", ""), changes)
        text = page.read_text(encoding="utf-8")
        self.assertIn("Against the baseline", text)
        self.assertIn("another machine (another one", text)
        self.check_incomparable(baseline)
        self.check_report(later, baseline)

    def check_report(self, later, baseline):
        """The same from a file, with nothing measured."""
        today = self.path / "today.json"
        today.write_text(json.dumps(later), encoding="utf-8")
        done = subprocess.run([PROGRAM, "validate", "--json", "--report", today, "--baseline", baseline], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertNotIn("measuring", done.stderr)
        again = json.loads(done.stdout)
        self.assertEqual(again["baseline"], later["baseline"])
        self.assertEqual(again["figures"], later["figures"])
        alone = subprocess.run([PROGRAM, "validate", "--report", today], capture_output=True, text=True, check=False)
        self.assertEqual(alone.returncode == 0, later["holds"], alone.stderr)
        self.assertIn("Commit here to readable there, median", alone.stdout)
        for wrong, code, words in ((["--report", self.path / "no.json"], 1, "can't be read"), (["--report", today, "--ab", "a", "b"], 2, "--ab"), (["--report", today, today], 2, "DB")):
            refused = subprocess.run([PROGRAM, "validate", *wrong], capture_output=True, text=True, check=False)
            self.assertEqual(refused.returncode, code, refused.stderr)
            self.assertIn(words, refused.stderr)

    def check_incomparable(self, baseline):
        """Refused in words, before anything is measured."""
        app = sqlite3.connect(self.path / "mine.db")
        app.execute("CREATE TABLE notes(id INTEGER PRIMARY KEY)")
        for arguments, words in ((("--effort", "0.2"), "--effort 0.1"), ((self.path / "mine.db",), "with a fresh database")):
            done = validate("--baseline", baseline, *arguments)
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)
            self.assertNotIn("measuring", done.stderr)

    def test_a_baseline_that_does_not_hold_is_saved_with_a_word(self):
        baseline = self.path / "before.json"
        done = validate("--baseline", baseline, TMPDIR="/nowhere")
        self.assertEqual(done.returncode, 1)
        self.assertIn("this baseline itself misses a floor", done.stderr)
        self.assertNotEqual(json.loads(baseline.read_text())["omissions"], [])

    def test_a_copy_of_the_apps_database_is_measured(self):
        database = self.path / "it's mine.db"
        app = sqlite3.connect(database)
        app.execute("CREATE TABLE notes(id INTEGER PRIMARY KEY, text TEXT)")
        app.execute("INSERT INTO notes VALUES (1, 'untouched')")
        app.commit()
        report, done = self.measure(database)
        self.assertEqual(report["omissions"], [], done.stderr)
        self.assertEqual(app.execute("SELECT name FROM sqlite_schema").fetchall(), [("notes",)])

    def test_what_is_no_baseline_is_refused_before_anything_is_measured(self):
        baseline = self.path / "before.json"
        for text, words in (("{", "no report"), ('{"tandem_validation": 99}', "version is 99")):
            baseline.write_text(text)
            done = validate("--baseline", baseline)
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)
            self.assertNotIn("measuring", done.stderr)

    def test_wrong_usage(self):
        self.assertEqual(validate(self.path / "absent.db").returncode, 1)
        self.assertEqual(validate("--noise", "-1").returncode, 2)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main(verbosity=2)
