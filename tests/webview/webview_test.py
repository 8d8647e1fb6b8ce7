"""A real WebView over the native runtime: see page/page.js for what the page does."""

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

DEADLINE_S = 60
PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "page")


class WebView(unittest.TestCase):
    def sql(self, statement):
        with sqlite3.connect(self.file, timeout=20) as db:
            rows = db.execute(statement).fetchall()
        db.close()
        return rows

    def until(self, statement, wanted):
        deadline = time.monotonic() + DEADLINE_S
        while (seen := self.sql(statement)) != wanted:
            self.assertIsNone(self.window.poll(), "the window is gone")
            self.assertLess(time.monotonic(), deadline, f"{statement} gives {seen}; all: {self.sql('SELECT * FROM seen')}")
            time.sleep(0.02)

    def test_a_page_in_a_window_works_on_the_database(self):
        with tempfile.TemporaryDirectory(prefix="tandem-webview-") as folder:
            self.file = os.path.join(folder, "app.db")
            self.sql("PRAGMA journal_mode = WAL")
            self.sql("CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT)")
            self.sql("CREATE TABLE seen(name, value)")
            subprocess.run([TRACK, "track", self.file, "tasks"], check=True, capture_output=True)
            command = ["xvfb-run", "-a", "dbus-run-session", "--", PROGRAM, self.file, "--www", PAGE]
            environment = {**os.environ, "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1", "XDG_DATA_HOME": folder, "XDG_CACHE_HOME": folder,
                           "GDK_BACKEND": "x11", "NO_AT_BRIDGE": "1"}
            with subprocess.Popen(command, env=environment, start_new_session=True, stdout=subprocess.DEVNULL) as self.window:
                try:
                    self.until("SELECT count(*) FROM seen WHERE name IN ('ready', 'trouble')", [(1,)])
                    seen = dict(self.sql("SELECT * FROM seen"))
                    self.assertEqual(seen, {"name": "app", "rows": "5000", "denied": "denied", "gap": "refused", "rings are few": "true", "ready": "1"})
                    self.sql("INSERT INTO tasks VALUES(1, 'from plain SQL')")
                    self.until("SELECT value FROM seen WHERE name = 'live'", [("from plain SQL",)])
                finally:
                    os.killpg(self.window.pid, 15)
                    self.window.wait(DEADLINE_S)


if __name__ == "__main__":
    PROGRAM, TRACK = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main()
