"""A hub's rule refuses what a leaf wrote: it goes back at the leaf, whose user reads why, and nothing else is held up."""

import os
import sqlite3
import tempfile
import unittest

from node import Node, program_from_arguments
from waiting import eventually

ORDERS = "CREATE TABLE orders(id INTEGER PRIMARY KEY, state TEXT, amount INTEGER);"
ALL = "SELECT * FROM orders ORDER BY id"


class RejectionTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tandem-rejection-")
        self.addCleanup(folder.cleanup)
        self.hub_file, self.one, self.two = (os.path.join(folder.name, name + ".db") for name in ("hub", "one", "two"))
        self.sql(self.hub_file, "PRAGMA journal_mode = WAL;" + ORDERS + "INSERT INTO orders VALUES (1, 'open', 10), (2, 'open', 20);")
        PROGRAM.ok("track", self.hub_file, "orders")
        PROGRAM.ok("rules", self.hub_file, "add", "limit", "--table", "orders", "--check", "new.amount <= 100", "--message",
                   "orders over 100 need the office")
        PROGRAM.ok("rules", self.hub_file, "add", "keep", "--table", "orders", "--check", "new.id IS NOT NULL", "--message",
                   "orders are never deleted")
        self.hub = self.serve(self.hub_file, "--listen", "127.0.0.1:0")
        for file in (self.one, self.two):
            PROGRAM.ok("clone", self.hub.url, file)

    def sql(self, file, text):
        db = sqlite3.connect(file, timeout=60)
        db.executescript(text)
        db.close()

    def rows(self, file, question=ALL):
        db = sqlite3.connect(file, timeout=60)
        try:
            return db.execute(question).fetchall()
        finally:
            db.close()

    def serve(self, file, *arguments):
        node = Node(PROGRAM, file, *arguments).start()
        self.addCleanup(node.kill)
        return node

    def test_a_refused_change_goes_back_and_its_user_reads_why(self):
        # Written offline: one order too large, one deleted, one fine, and a new one that is too large.
        self.sql(self.one, "UPDATE orders SET amount = 500 WHERE id = 1; DELETE FROM orders WHERE id = 2;"
                           "INSERT INTO orders VALUES (3, 'open', 30), (4, 'open', 4000)")
        leaves = [self.serve(file, "--peer", self.hub.url) for file in (self.one, self.two)]
        expected = [(1, "open", 10), (2, "open", 20), (3, "open", 30)]
        for file in (self.one, self.two, self.hub_file):
            eventually(lambda file=file: self.rows(file) == expected, f"{file} has what the hub allows", 30)
        eventually(lambda: PROGRAM.json("status", self.one)["refused"] == 3, "the leaf knows of three refusals", 30)
        told = {conflict["key"]: conflict for conflict in PROGRAM.json("audit", self.one)["entries"] if conflict["kind"] == "refused"}
        self.assertEqual(sorted(map(str, told)), ["1", "2", "4"])
        text = PROGRAM.ok("audit", self.one)
        self.assertIn("limit: orders over 100 need the office", text)
        self.assertIn("keep: orders are never deleted", text)
        self.assertIn("4000", text)
        self.assertIn("orders over 100 need the office", PROGRAM.ok("why", self.one, "orders", "1"))
        # Later changes of the same rows go on, with the hub restarted in between.
        self.hub.kill()
        self.sql(self.one, "UPDATE orders SET amount = 50 WHERE id = 1; UPDATE orders SET amount = 900 WHERE id = 3")
        port = self.hub.url.rstrip("/").rsplit(":", 1)[1]
        self.hub = self.serve(self.hub_file, "--listen", "127.0.0.1:" + port)
        expected = [(1, "open", 50), (2, "open", 20), (3, "open", 30)]
        for file in (self.one, self.two, self.hub_file):
            eventually(lambda file=file: self.rows(file) == expected, f"{file} has what the hub allows by now", 60)
        eventually(lambda: PROGRAM.json("status", self.two)["refused"] == 4, "every device has the audit trail", 30)
        for node in (*leaves, self.hub):
            node.stop()
        for file in (self.one, self.two):
            PROGRAM.ok("verify", self.hub_file, file)

    def test_a_rule_that_is_wrong_is_refused_or_told(self):
        error = PROGRAM.refuses("rules", self.hub_file, "add", "wrong", "--table", "orders", "--check", "new.amount >", "--message", "x")
        self.assertIn("does not compile", error)
        self.sql(self.hub_file, "INSERT INTO tandem_rules VALUES ('planted', 'orders', NULL, 'new.absent = 1', 'm')")
        verified = PROGRAM.run("verify", self.hub_file)
        self.assertEqual(verified.returncode, 1)
        self.assertIn("planted", verified.stdout + verified.stderr)
        self.assertIn("not in force", PROGRAM.ok("rules", self.hub_file, "list"))
        self.sql(self.one, "UPDATE orders SET amount = 7 WHERE id = 1; UPDATE orders SET amount = 700 WHERE id = 2")
        PROGRAM.ok("sync", self.one, self.hub.url)
        eventually(lambda: self.rows(self.hub_file) == [(1, "open", 7), (2, "open", 20)], "the other rules hold", 30)


PROGRAM = program_from_arguments()

if __name__ == "__main__":
    unittest.main(verbosity=2)
