"""SIGKILL during the first copy, tables dropped and altered under a running node, files locked for long, and a node that idles."""

import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

from node import Node, program_from_arguments
from proxy import Proxy
from waiting import eventually

CHINOOK = os.path.join(os.path.dirname(__file__), "..", "..", "demos", "data", "chinook.sqlite")
IDLE_S = 5


def sql(path, statement):
    with sqlite3.connect(path, timeout=20) as db:
        rows = db.execute(statement).fetchall()
    db.close()
    return rows


class InterruptedTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tandem-interrupted-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.hub_file = os.path.join(self.folder, "hub.db")
        shutil.copy(CHINOOK, self.hub_file)
        PROGRAM.ok("track", self.hub_file, "--all")
        self.hub = self.serve(self.hub_file, "--listen", "127.0.0.1:0")

    def serve(self, path, *arguments):
        node = Node(PROGRAM, path, *arguments).start()
        self.addCleanup(node.kill)
        return node

    def test_sigkill_during_the_first_copy(self):
        path = os.path.join(self.folder, "copy.db")
        proxy = Proxy(int(self.hub.url.rstrip("/").rsplit(":", 1)[1]))
        self.addCleanup(proxy.stop)
        proxy.delay_s = 0.05
        # `clone` would refuse the file that the first blow leaves; a node goes on with it.
        for delay_ms in (20, 60, 120, 250, 500):
            cloning = subprocess.Popen([PROGRAM.path, "serve", path, "--peer", proxy.url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(delay_ms / 1000)  # the moment of the blow is the point
            cloning.kill()
            cloning.wait()
            if os.path.exists(path):
                with sqlite3.connect(path) as db:
                    self.assertEqual(db.execute("PRAGMA integrity_check").fetchone(), ("ok",))
                    tables = db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'Track'").fetchone()[0]
                    if tables:
                        self.assertIn(db.execute("SELECT count(*) FROM Track").fetchone(), [(0,), (3503,)])
                db.close()
        proxy.delay_s = 0
        node = self.serve(path, "--peer", proxy.url)
        eventually(lambda: PROGRAM.digest(path) == PROGRAM.digest(self.hub_file), "the copy is complete after all")
        node.stop()
        PROGRAM.ok("verify", path, self.hub_file)

    def test_a_connection_cut_during_the_first_copy(self):
        path = os.path.join(self.folder, "copy.db")
        proxy = Proxy(int(self.hub.url.rstrip("/").rsplit(":", 1)[1]))
        self.addCleanup(proxy.stop)
        proxy.delay_s = 0.02
        self.serve(path, "--peer", proxy.url)
        for _ in range(5):
            time.sleep(0.1)  # somewhere in the middle
            proxy.cut()
        proxy.delay_s = 0
        eventually(lambda: PROGRAM.digest(path) == PROGRAM.digest(self.hub_file), "the copy is complete after all")

    def test_a_table_dropped_under_a_running_node(self):
        path = os.path.join(self.folder, "node.db")
        PROGRAM.ok("clone", self.hub.url, path)
        node = self.serve(path, "--peer", self.hub.url)
        sql(path, "DROP TABLE PlaylistTrack")
        sql(path, "UPDATE Genre SET Name = 'after the drop' WHERE GenreId = 1")
        eventually(lambda: "PlaylistTrack" in PROGRAM.ok("status", path) + node.text() + self.hub.text() or
                   sql(self.hub_file, "SELECT Name FROM Genre WHERE GenreId = 1") == [("after the drop",)],
                   "the others go on, or somebody says what is wrong")
        self.assertTrue(node.is_running() and self.hub.is_running(), node.text())
        self.assertEqual(sql(self.hub_file, "SELECT count(*) > 8000 FROM PlaylistTrack"), [(1,)])
        node.stop()

    def test_a_table_tracked_while_the_nodes_run(self):
        path = os.path.join(self.folder, "node.db")
        PROGRAM.ok("clone", self.hub.url, path)
        self.serve(path, "--peer", self.hub.url)
        sql(self.hub_file, "CREATE TABLE extras(id TEXT PRIMARY KEY, v)")
        PROGRAM.ok("track", self.hub_file, "extras")
        eventually(lambda: sql(path, "SELECT 1 FROM sqlite_schema WHERE name = 'extras'"), "the clone takes the new table over")
        eventually(lambda: "extras" in {each["name"] for each in PROGRAM.json("status", path)["tables"]}, "and tracks it")
        sql(path, "INSERT INTO extras VALUES ('x', 1)")
        eventually(lambda: sql(self.hub_file, "SELECT * FROM extras") == [("x", 1)], "the new table syncs")

    def test_a_lock_held_for_long_is_waited_for(self):
        path = os.path.join(self.folder, "node.db")
        PROGRAM.ok("clone", self.hub.url, path)
        node = self.serve(path, "--peer", self.hub.url)
        other = sqlite3.connect(path, timeout=60, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE Genre SET Name = 'by the slow one' WHERE GenreId = 2")
        sql(self.hub_file, "UPDATE Genre SET Name = 'by the hub' WHERE GenreId = 1")
        time.sleep(8)  # longer than the node waits for a lock
        self.assertTrue(node.is_running(), node.text())
        other.execute("COMMIT")
        other.close()
        eventually(lambda: sql(path, "SELECT Name FROM Genre WHERE GenreId < 3 ORDER BY GenreId") ==
                   sql(self.hub_file, "SELECT Name FROM Genre WHERE GenreId < 3 ORDER BY GenreId") ==
                   [("by the hub",), ("by the slow one",)], "both writes are everywhere")

    def test_idle_costs_next_to_nothing(self):
        path = os.path.join(self.folder, "node.db")
        PROGRAM.ok("clone", self.hub.url, path)
        node = self.serve(path, "--peer", self.hub.url)
        eventually(lambda: PROGRAM.digest(path) == PROGRAM.digest(self.hub_file), "both are level")
        before = node.processor_s() + self.hub.processor_s()
        time.sleep(IDLE_S)  # what is measured is doing nothing
        share = (node.processor_s() + self.hub.processor_s() - before) / IDLE_S / 2
        print(f"idle: {share * 100:.2f} % of a core for each node")
        if not IS_SANITIZED:
            self.assertLess(share, 0.05, "something asks for a turn again and again")

    def test_sigint_ends_it_cleanly(self):
        path = os.path.join(self.folder, "node.db")
        PROGRAM.ok("clone", self.hub.url, path)
        node = self.serve(path, "--peer", self.hub.url)
        sql(path, "UPDATE Genre SET Name = 'last words' WHERE GenreId = 1")
        node.process.send_signal(signal.SIGINT)
        self.assertEqual(node.process.wait(30), 0, node.text())


PROGRAM = program_from_arguments()
IS_SANITIZED = b"__asan_init" in open(PROGRAM.path, "rb").read()

if __name__ == "__main__":
    unittest.main(verbosity=2)
