"""A database with a node over it, for tests of pages."""

import os
import sqlite3
import tempfile
import unittest

from node import Node
from page_client import Failed, Page

SCHEMA = "CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT UNIQUE, done INTEGER DEFAULT 0); CREATE TABLE plain(x)"
COUNTING = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?) SELECT i, hex(zeroblob(20)) FROM n"


class PageCase(unittest.TestCase):
    program = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tandem-page-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.file = os.path.join(self.folder, "app.db")
        with sqlite3.connect(self.file) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(SCHEMA)
        db.close()
        self.program.ok("track", self.file, "tasks")

    def serve(self, *arguments):
        node = Node(self.program, self.file, "--listen", "127.0.0.1:0", *arguments).start()
        self.addCleanup(node.kill)
        self.node = node
        return node

    def page(self, **how):
        page = Page(self.node.url, **how)
        self.addCleanup(page.close)
        return page

    def opened(self, **how):
        return self.page(**how).open()

    def sql(self, statement):
        with sqlite3.connect(self.file, timeout=20) as db:
            rows = db.execute(statement).fetchall()
        db.close()
        return rows

    def secret(self, name):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(f"{name}-secret\n")
        return path

    def fails(self, code, work, *arguments, **how):
        with self.assertRaises(Failed) as caught:
            work(*arguments, **how)
        self.assertEqual(caught.exception.code, code, str(caught.exception))
        return str(caught.exception)
