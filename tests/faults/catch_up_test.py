"""A node that was offline for 100,000 changes catches up in one transaction, as a reader sees it, and within 64 MB."""

import os
import sqlite3
import tempfile
import threading
import unittest

from node import Node, program_from_arguments
from waiting import eventually

CHANGES = 100_000
MEMORY_KIB_MAX = 64 * 1024
SCHEMA = "CREATE TABLE tasks(id TEXT PRIMARY KEY, title TEXT, done INTEGER, priority INTEGER, note TEXT)"


class Watcher(threading.Thread):
    """Polls a file as any app would, and notes every number of rows that it sees."""

    def __init__(self, database, sql):
        super().__init__(daemon=True)
        self.database, self.sql, self.seen, self.must_end = database, sql, set(), threading.Event()

    def run(self):
        db = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)
        while not self.must_end.wait(0.002):
            self.seen.add(db.execute(self.sql).fetchone())


class CatchUpTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tandem-catch-up-")
        self.addCleanup(self.folder.cleanup)
        self.hub_file = os.path.join(self.folder.name, "hub.db")
        self.node_file = os.path.join(self.folder.name, "node.db")
        with sqlite3.connect(self.hub_file) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(SCHEMA)
            db.execute("INSERT INTO tasks VALUES ('first', 'one', 0, 1, 'n')")
        PROGRAM.ok("track", self.hub_file, "tasks")
        self.hub = Node(PROGRAM, self.hub_file, "--listen", "127.0.0.1:0").start()
        self.addCleanup(self.hub.kill)
        PROGRAM.ok("clone", self.hub.url, self.node_file)

    def wait_until_stamped(self):
        eventually(lambda: PROGRAM.json("status", self.hub_file)["pending"] == 0, "the hub has stamped all", 120, poll_s=0.2)

    def catch_up(self, sql, parameters, question, before, after):
        with sqlite3.connect(self.hub_file, timeout=60) as db:
            db.executemany(sql, parameters) if parameters else db.execute(sql)
        db.close()
        self.wait_until_stamped()
        watcher = Watcher(self.node_file, question)
        watcher.start()
        node = Node(PROGRAM, self.node_file, "--peer", self.hub.url).start()
        self.addCleanup(node.kill)
        eventually(lambda: after in watcher.seen, "all changes are visible", 240)
        peaks = node.memory_kib(), self.hub.memory_kib()
        watcher.must_end.set()
        watcher.join(30)
        node.stop()
        print(f"peak resident: node {peaks[0] / 1024:.1f} MB, hub {peaks[1] / 1024:.1f} MB")
        self.assertEqual(watcher.seen - {before, after}, set(), "a part of the changes was visible")
        if not IS_SANITIZED:
            self.assertLess(peaks[0], MEMORY_KIB_MAX, "the node's memory, KiB")
            self.assertLess(peaks[1], MEMORY_KIB_MAX, "the hub's memory, KiB")
        self.assertEqual(PROGRAM.digest(self.hub_file), PROGRAM.digest(self.node_file))
        PROGRAM.ok("verify", self.hub_file, self.node_file)

    def test_inserts(self):
        rows = [(f"task-{i:06}", f"title {i}", i % 2, i % 5, "note " * 4) for i in range(CHANGES)]
        self.catch_up("INSERT INTO tasks VALUES (?, ?, ?, ?, ?)", rows, "SELECT count(*) FROM tasks", (1,), (CHANGES + 1,))

    def test_updates_of_one_column_and_deletes(self):
        with sqlite3.connect(self.hub_file, timeout=60) as db:
            db.executemany("INSERT INTO tasks VALUES (?, 't', 0, 0, 'n')", ((f"task-{i:06}",) for i in range(CHANGES)))
        db.close()
        self.wait_until_stamped()
        PROGRAM.ok("sync", self.node_file, self.hub.url, timeout_s=240)
        self.catch_up("UPDATE tasks SET done = 7", None, "SELECT count(*), sum(done = 7) FROM tasks",
                      (CHANGES + 1, 0), (CHANGES + 1, CHANGES + 1))


PROGRAM = program_from_arguments()
IS_SANITIZED = b"__asan_init" in open(PROGRAM.path, "rb").read()

if __name__ == "__main__":
    unittest.main(verbosity=2)
