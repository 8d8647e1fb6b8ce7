"""Rows that were tampered with behind our back: found, told and mended, and only their ranges travel."""

import os
import sqlite3
import tempfile
import unittest

from node import Node, program_from_arguments
from waiting import eventually

ROWS = 5_000


def sql(path, *statements):
    db = sqlite3.connect(path, timeout=20)
    with db:
        for statement in statements:
            rows = db.execute(statement).fetchall()
    db.close()
    return rows


def tamper(path, *statements):
    """As somebody would who takes our triggers away for a moment; in one transaction, or a node makes them anew meanwhile."""
    db = sqlite3.connect(path, timeout=20, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'tandem%'").fetchall()
    for statement in (*[f'DROP TRIGGER "{name}"' for name, _ in triggers], *statements, *[text for _, text in triggers]):
        db.execute(statement)
    db.execute("COMMIT")
    db.close()


class RepairTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tandem-repair-")
        self.addCleanup(folder.cleanup)
        self.hub_file = os.path.join(folder.name, "hub.db")
        self.path = os.path.join(folder.name, "node.db")
        sql(self.hub_file, "PRAGMA journal_mode = WAL", "CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT, note TEXT)",
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) "
            "INSERT INTO tasks SELECT i, 'title ' || i, hex(randomblob(50)) FROM n")
        PROGRAM.ok("track", self.hub_file, "tasks")
        self.hub = Node(PROGRAM, self.hub_file, "--listen", "127.0.0.1:0").start()
        self.addCleanup(self.hub.kill)
        PROGRAM.ok("clone", self.hub.url, self.path)

    def repair(self):
        return PROGRAM.ok("repair", self.path, self.hub.url)

    def title(self, path, key):
        return sql(path, f"SELECT title FROM tasks WHERE id = {key}")

    def must_be_level(self):
        eventually(lambda: PROGRAM.digest(self.path) == PROGRAM.digest(self.hub_file), "both are equal")
        PROGRAM.ok("sync", self.path, self.hub.url)
        self.hub.stop()
        PROGRAM.ok("verify", self.path, self.hub_file)

    def test_equal_sides_are_told_so(self):
        self.assertIn("equal", self.repair())
        self.assertIn("equal", PROGRAM.json("status", self.path)["compared"])
        self.assertIn("Compared", PROGRAM.ok("status", self.path))

    def test_a_tampered_value_is_replaced_by_the_hubs_and_kept_in_the_audit_trail(self):
        tamper(self.path, "UPDATE tasks SET title = 'tampered' WHERE id = 7")
        self.assertNotEqual(PROGRAM.digest(self.path), PROGRAM.digest(self.hub_file))
        self.assertIn("1 ranges differed", self.repair())
        self.assertEqual(self.title(self.path, 7), [("title 7",)])
        self.assertIn("tampered", PROGRAM.ok("audit", self.path))
        self.assertIn("differed", PROGRAM.json("status", self.path)["compared"])
        self.must_be_level()

    def test_rows_lost_on_either_side_come_back(self):
        tamper(self.path, "DELETE FROM tasks WHERE id IN (10, 11)")
        tamper(self.hub_file, "DELETE FROM tasks WHERE id = 20")
        self.repair()
        self.assertEqual(self.title(self.path, 10) + self.title(self.path, 11), [("title 10",), ("title 11",)])
        self.assertEqual(self.title(self.hub_file, 20), [("title 20",)])
        self.must_be_level()

    def test_a_row_written_with_triggers_off_becomes_a_write(self):
        tamper(self.path, "INSERT INTO tasks VALUES (9001, 'unnoticed', 'n')")
        self.repair()
        eventually(lambda: self.title(self.hub_file, 9001) == [("unnoticed",)], "the hub has it")
        self.must_be_level()

    def test_lost_records_are_made_anew(self):
        records = sql(self.path, "SELECT name FROM sqlite_schema WHERE name LIKE 'tandem_rows_%' ORDER BY name DESC")[0][0]
        sql(self.path, f"DELETE FROM {records} WHERE slot BETWEEN 30 AND 33")
        self.assertNotEqual(PROGRAM.run("verify", self.path).returncode, 0)
        self.repair()
        sql(self.path, "UPDATE tasks SET title = 'goes on' WHERE id = 31")
        PROGRAM.ok("sync", self.path, self.hub.url)
        self.assertEqual(self.title(self.hub_file, 31), [("goes on",)])
        self.must_be_level()


PROGRAM = program_from_arguments()

if __name__ == "__main__":
    unittest.main(verbosity=2)
