"""A real window over a database of its own, for tests of what its page does; nobody has to see it."""

import os
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

DEADLINE_S = 60
PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "page")


class WindowCase(unittest.TestCase):
    program = track = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tandem-webview-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.file = os.path.join(self.folder, "app.db")
        self.sql("PRAGMA journal_mode = WAL")
        self.sql("CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT)")
        self.sql("CREATE TABLE seen(name, value)")
        subprocess.run([self.track, "track", self.file, "tasks"], check=True, capture_output=True)

    def show(self, *options):
        command = ["xvfb-run", "-a", "dbus-run-session", "--", self.program, self.file, *options]
        environment = {**os.environ, "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1", "XDG_DATA_HOME": self.folder, "XDG_CACHE_HOME": self.folder,
                       "GDK_BACKEND": "x11", "NO_AT_BRIDGE": "1"}
        self.words = os.path.join(self.folder, "words")
        with open(self.words, "wb") as words:
            self.window = subprocess.Popen(command, env=environment, start_new_session=True, stdout=words, stderr=words)
        self.addCleanup(self.end_window)

    def end_window(self):
        """With all that it started, which may outlive the first of them and still writes into the folder."""
        os.killpg(self.window.pid, signal.SIGTERM)
        self.window.wait(DEADLINE_S)
        deadline = time.monotonic() + DEADLINE_S
        while self.processes():
            if time.monotonic() > deadline:
                os.killpg(self.window.pid, signal.SIGKILL)
                self.fail(f"the window did not end within {DEADLINE_S} s of SIGTERM; it said {self.said()}")
            time.sleep(0.02)

    def processes(self, name=""):
        """Those of the window's session that run, and whose names begin so."""
        found = []
        for process in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{process}/stat", encoding="ascii", errors="replace") as stat:
                    known, _, rest = stat.read().partition("(")[2].rpartition(")")
            except (FileNotFoundError, ProcessLookupError):
                continue
            state, _, _, session = rest.split()[:4]
            if state != "Z" and known.startswith(name) and int(session) == self.window.pid:
                found.append(int(process))
        return found

    def said(self):
        with open(self.words, encoding="utf-8", errors="replace") as words:
            return words.read()

    def sql(self, statement):
        with sqlite3.connect(self.file, timeout=20) as db:
            rows = db.execute(statement).fetchall()
        db.close()
        return rows

    def until(self, condition, told):
        """`told`: what went on, in case of trouble."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            self.assertIsNone(self.window.poll(), "the window is gone")
            self.assertLess(time.monotonic(), deadline, f"{told()}; the window said {self.said()}")
            time.sleep(0.02)

    def until_sql(self, statement, wanted):
        self.until(lambda: self.sql(statement) == wanted, lambda: f"{statement} gives {self.sql(statement)}; all: {self.sql('SELECT * FROM seen')}")
