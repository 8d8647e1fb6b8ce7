"""Files at rest: writes by stock sqlite3 while nothing of ours runs, untrack, and files that are not what they should be."""

import os
import shutil
import sqlite3
import tempfile
import unittest

from node import Node, program_from_arguments
from waiting import eventually

CHINOOK = os.path.join(os.path.dirname(__file__), "..", "..", "demos", "data", "chinook.sqlite")


class AtRestTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tandem-at-rest-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def chinook(self, name):
        shutil.copy(CHINOOK, self.path(name))
        return self.path(name)

    def sql(self, path, statement):
        with sqlite3.connect(path, timeout=10) as db:
            rows = db.execute(statement).fetchall()
        db.close()
        return rows

    def test_writes_while_nothing_runs_are_synced_at_the_next_start(self):
        hub_file = self.chinook("hub.db")
        node_file = self.path("node.db")
        PROGRAM.ok("track", hub_file, "--all")
        hub = Node(PROGRAM, hub_file, "--listen", "127.0.0.1:0").start()
        self.addCleanup(hub.kill)
        PROGRAM.ok("clone", hub.url, node_file)
        hub.stop()
        self.sql(node_file, "UPDATE Track SET Name = 'written at rest at the node' WHERE TrackId = 1")
        self.sql(hub_file, "INSERT INTO Artist VALUES (9000, 'written at rest at the hub')")
        self.sql(hub_file, "DELETE FROM PlaylistTrack WHERE PlaylistId = 1 AND TrackId < 100")
        hub = Node(PROGRAM, hub_file, "--listen", "127.0.0.1:0").start()
        self.addCleanup(hub.kill)
        node = Node(PROGRAM, node_file, "--peer", hub.url).start()
        self.addCleanup(node.kill)
        eventually(lambda: self.sql(hub_file, "SELECT Name FROM Track WHERE TrackId = 1") == [("written at rest at the node",)],
                   "the node's write is at the hub")
        eventually(lambda: self.sql(node_file, "SELECT Name FROM Artist WHERE ArtistId = 9000"), "the hub's write is at the node")
        eventually(lambda: PROGRAM.digest(hub_file) == PROGRAM.digest(node_file), "both are level")
        node.stop()
        hub.stop()
        PROGRAM.ok("verify", hub_file, node_file)

    def test_sync_once_levels_both_sides(self):
        hub_file, node_file = self.chinook("hub.db"), self.path("node.db")
        PROGRAM.ok("track", hub_file, "--all")
        hub = Node(PROGRAM, hub_file, "--listen", "127.0.0.1:0").start()
        self.addCleanup(hub.kill)
        PROGRAM.ok("clone", hub.url, node_file)
        self.sql(node_file, "UPDATE Album SET Title = 'changed' WHERE AlbumId = 1")
        self.sql(hub_file, "UPDATE Album SET Title = 'changed too' WHERE AlbumId = 2")
        PROGRAM.ok("sync", node_file, hub.url)
        self.assertEqual(PROGRAM.digest(node_file), PROGRAM.digest(hub_file))
        self.assertEqual(self.sql(node_file, "SELECT Title FROM Album WHERE AlbumId < 3"), [("changed",), ("changed too",)])

    def test_untrack_of_all_tables_leaves_nothing_of_ours(self):
        file = self.chinook("app.db")
        before = self.sql(file, "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")
        rows = self.sql(file, "SELECT * FROM Track ORDER BY TrackId")
        PROGRAM.ok("track", file, "--all")
        self.assertGreater(len(self.sql(file, "SELECT 1 FROM sqlite_schema WHERE name LIKE 'tandem%'")), 5)
        tables = [name for (name,) in self.sql(file, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'tandem%' "
                                                     "AND name NOT LIKE 'sqlite%'")]
        PROGRAM.ok("untrack", file, *tables)
        self.assertEqual(self.sql(file, "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"), before)
        self.assertEqual(self.sql(file, "SELECT * FROM Track ORDER BY TrackId"), rows)
        self.assertEqual([each for each in os.listdir(self.folder) if "tandem" in each], [])

    def test_a_file_that_is_no_database(self):
        file = self.path("text.db")
        with open(file, "w", encoding="ascii") as text:
            text.write("no database " * 1000)
        for command in (["track", file, "t"], ["status", file], ["digest", file], ["verify", file], ["serve", file]):
            with self.subTest(command=command):
                self.assertIn(file, PROGRAM.refuses(*command))
        with open(file, encoding="ascii") as text:
            self.assertEqual(text.read(), "no database " * 1000)

    def test_a_file_that_is_not_there(self):
        file = self.path("none.db")
        for command in (["track", file, "t"], ["status", file], ["digest", file], ["untrack", file, "t"], ["audit", file]):
            with self.subTest(command=command):
                self.assertIn(file, PROGRAM.refuses(*command))
                self.assertFalse(os.path.exists(file))

    def test_a_database_that_is_no_replica(self):
        file = self.chinook("plain.db")
        for command in (["status", file], ["digest", file], ["conflicts", file], ["why", file, "Track", "1"]):
            with self.subTest(command=command):
                self.assertIn("track", PROGRAM.refuses(*command))
        self.assertEqual(self.sql(file, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'tandem%'"), [(0,)])

    @unittest.skipIf(os.geteuid() == 0, "file modes do not bind root")
    def test_a_read_only_file(self):
        file = self.chinook("read-only.db")
        os.chmod(file, 0o400)
        self.assertIn(file, PROGRAM.refuses("track", file, "Track"))
        self.assertIn(file, PROGRAM.refuses("serve", file))

    def test_a_file_locked_for_long(self):
        file = self.chinook("locked.db")
        other = sqlite3.connect(file, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN EXCLUSIVE")
        self.assertIn("lock", PROGRAM.refuses("track", file, "Track"))
        other.execute("ROLLBACK")
        PROGRAM.ok("track", file, "Track")

    def test_tables_that_cannot_be_tracked(self):
        file = self.path("odd.db")
        self.sql(file, "CREATE TABLE no_key(a)")
        self.sql(file, "CREATE VIEW looks AS SELECT 1")
        self.assertIn("primary key", PROGRAM.refuses("track", file, "no_key"))
        self.assertIn("view", PROGRAM.refuses("track", file, "looks"))
        self.assertIn("nothing", PROGRAM.refuses("track", file, "nothing"))


PROGRAM = program_from_arguments()

if __name__ == "__main__":
    unittest.main(verbosity=2)
