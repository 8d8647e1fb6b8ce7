"""Two versions of one app (the Chinook shop) sync both ways while both are in use, through a hub of the old version."""

import os
import shutil
import sqlite3
import tempfile
import unittest

from node import Node, program_from_arguments
from waiting import eventually

CHINOOK = os.path.join(os.path.dirname(__file__), "..", "..", "demos", "data", "chinook.sqlite")
MIGRATION = """
ALTER TABLE Track ADD COLUMN Rating INTEGER NOT NULL DEFAULT 0;
ALTER TABLE Track ADD COLUMN Lyrics TEXT;
ALTER TABLE Customer ADD COLUMN Points INTEGER DEFAULT 0;
ALTER TABLE Album RENAME COLUMN Title TO Name;
"""
OLD_TRACKS = "SELECT TrackId, Name, Composer, UnitPrice FROM Track WHERE TrackId IN (1, 2, 5001, 5002) ORDER BY 1"
NEW_TRACKS = "SELECT TrackId, Name, Composer, UnitPrice, Rating, Lyrics FROM Track WHERE TrackId IN (1, 2, 5001, 5002) ORDER BY 1"
OLD_ALBUMS = "SELECT AlbumId, Title FROM Album WHERE AlbumId IN (1, 2, 9) ORDER BY 1"
NEW_ALBUMS = OLD_ALBUMS.replace("Title", "Name")
ADD_TRACK = "INSERT INTO Track(TrackId, Name, AlbumId, MediaTypeId, Milliseconds, UnitPrice{}) VALUES ({});"


class SchemaDriftTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tandem-drift-")
        self.addCleanup(self.folder.cleanup)
        self.hub_file, *self.files = (os.path.join(self.folder.name, name + ".db") for name in ("hub", "new", "new2", "old"))
        shutil.copy(CHINOOK, self.hub_file)
        PROGRAM.ok("track", self.hub_file, "--all")
        self.hub = Node(PROGRAM, self.hub_file, "--listen", "127.0.0.1:0").start()
        self.addCleanup(self.hub.kill)
        for file in self.files:
            PROGRAM.ok("clone", self.hub.url, file)
        self.nodes = {file: self.serve(file) for file in self.files}

    def sql(self, file, text):
        db = sqlite3.connect(file, timeout=60)
        db.executescript(text)
        db.close()

    def rows(self, file, question):
        db = sqlite3.connect(file, timeout=60)
        try:
            return db.execute(question).fetchall()
        finally:
            db.close()

    def serve(self, file):
        node = Node(PROGRAM, file, "--peer", self.hub.url).start()
        self.addCleanup(node.kill)
        return node

    def wait_for(self, files, question, expected):
        for file in files:
            found = []

            def is_there(file=file, found=found):
                found[:] = self.rows(file, question)
                return found == expected

            try:
                eventually(is_there, f"{file} answers {question}", 30)
            except AssertionError as error:
                raise AssertionError(f"{error}\nexpected {expected}\nfound    {found}\n{PROGRAM.ok('status', file)}") from None

    def end(self):
        for node in self.nodes.values():
            node.stop()
        self.hub.stop()
        for file in self.files:
            PROGRAM.ok("verify", self.hub_file, file)

    def test_both_versions_stay_in_use(self):
        new, new2, old = self.files
        first = self.rows(old, OLD_TRACKS)
        albums = self.rows(old, OLD_ALBUMS)
        # One device is upgraded while everything runs.
        self.sql(new, MIGRATION)
        self.sql(new, "UPDATE Track SET Rating = 5, Lyrics = 'stand up' WHERE TrackId = 1; UPDATE Album SET Name = 'Renamed' WHERE AlbumId = 1;"
                      + ADD_TRACK.format(", Rating, Lyrics", "5001, 'New', 1, 1, 10, 1.29, 4, 'la'"))
        self.sql(old, "UPDATE Track SET Composer = 'the old app' WHERE TrackId = 1; UPDATE Album SET Title = 'by the old one' WHERE AlbumId = 2;"
                      + ADD_TRACK.format("", "5002, 'Old', 2, 1, 10, 0.5"))
        tracks = [(1, first[0][1], "the old app", 0.99, 5, "stand up"), (2, *first[1][1:], 0, None),
                  (5001, "New", None, 1.29, 4, "la"), (5002, "Old", None, 0.5, 0, None)]
        albums = [(1, "Renamed"), (2, "by the old one"), albums[2]]
        self.wait_for([new], NEW_TRACKS, tracks)
        self.wait_for([new], NEW_ALBUMS, albums)
        self.wait_for([new2, old, self.hub_file], OLD_TRACKS, [row[:4] for row in tracks])
        self.wait_for([new2, old, self.hub_file], OLD_ALBUMS, albums)
        # Another device is upgraded while it is offline, and used on: what was kept for it is put in place.
        self.nodes[new2].stop()
        self.sql(new2, MIGRATION + "UPDATE Track SET Rating = 3 WHERE TrackId = 2; UPDATE Album SET Name = 'offline' WHERE AlbumId = 9;")
        self.sql(new, "UPDATE Track SET Lyrics = 'sung meanwhile' WHERE TrackId = 2; UPDATE Customer SET Points = 7 WHERE CustomerId = 1")
        self.sql(old, "UPDATE Track SET Name = 'old name' WHERE TrackId = 2; UPDATE Customer SET City = 'Oslo' WHERE CustomerId = 1")
        self.nodes[new2] = self.serve(new2)
        tracks[1] = (2, "old name", tracks[1][2], 0.99, 3, "sung meanwhile")
        albums[2] = (9, "offline")
        self.wait_for([new, new2], NEW_TRACKS, tracks)
        self.wait_for([new, new2], NEW_ALBUMS, albums)
        self.wait_for([new, new2], "SELECT City, Points FROM Customer WHERE CustomerId = 1", [("Oslo", 7)])
        self.wait_for([old, self.hub_file], OLD_ALBUMS, albums)
        # The old one was offline, too, when it wrote its last; then it and the hub are upgraded.
        self.nodes[old].stop()
        self.sql(old, "UPDATE Album SET Title = 'last old title' WHERE AlbumId = 1; DELETE FROM Track WHERE TrackId = 5001")
        self.sql(new, "UPDATE Track SET Rating = 2 WHERE TrackId = 5002")
        self.sql(self.hub_file, MIGRATION)
        self.sql(old, MIGRATION)
        self.nodes[old] = self.serve(old)
        everywhere = [*self.files, self.hub_file]
        albums[0] = (1, "last old title")
        tracks = [*tracks[:2], (5002, "Old", None, 0.5, 2, None)]
        self.wait_for(everywhere, NEW_TRACKS, tracks)
        self.wait_for(everywhere, NEW_ALBUMS, albums)
        self.wait_for(everywhere, "SELECT City, Points FROM Customer WHERE CustomerId = 1", [("Oslo", 7)])
        self.sql(old, "UPDATE Track SET Rating = 1 WHERE TrackId = 5002")
        self.wait_for(everywhere, "SELECT Rating FROM Track WHERE TrackId = 5002", [(1,)])
        self.end()
        self.assertEqual(self.rows(self.hub_file, "SELECT count(*) FROM tandem_conflicts"), [(0,)])


class NewTableTest(SchemaDriftTest):
    """The new version has a table more, and a column less; the hub is of the old one."""

    REVIEWS = "SELECT * FROM Review ORDER BY ReviewId"
    CREATE = "CREATE TABLE Review(ReviewId TEXT PRIMARY KEY, Genre INTEGER REFERENCES Genre(GenreId), Stars INTEGER CHECK (Stars < 6));"

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tandem-tables-")
        self.addCleanup(self.folder.cleanup)
        self.hub_file, *self.files = (os.path.join(self.folder.name, name + ".db") for name in ("hub", "new", "new2"))
        genres = "CREATE TABLE Genre(GenreId INTEGER PRIMARY KEY, Name TEXT, Note TEXT);"
        self.sql(self.hub_file, genres + "INSERT INTO Genre VALUES (1, 'Rock', 'loud'), (2, 'Jazz', 'late')")
        for file in self.files:
            self.sql(file, genres + self.CREATE)
        for file in (self.hub_file, *self.files):
            PROGRAM.ok("track", file, "--all")
        self.hub = Node(PROGRAM, self.hub_file, "--listen", "127.0.0.1:0").start()
        self.addCleanup(self.hub.kill)
        self.nodes = {file: self.serve(file) for file in self.files}

    def test_both_versions_stay_in_use(self):
        new, new2 = self.files
        self.wait_for(self.files, "SELECT Name FROM Genre ORDER BY 1", [("Jazz",), ("Rock",)])
        self.sql(new, "INSERT INTO Review VALUES ('a', 1, 5), ('b', 2, 1)")
        self.wait_for([new2], self.REVIEWS, [("a", 1, 5), ("b", 2, 1)])
        self.nodes[new2].stop()
        self.sql(new2, "UPDATE Review SET Stars = 4 WHERE ReviewId = 'a'; DELETE FROM Review WHERE ReviewId = 'b'; INSERT INTO Review VALUES ('c', 2, 3)")
        PROGRAM.ok("migrate", new2, "ALTER TABLE Genre DROP COLUMN Note")
        self.sql(self.hub_file, "UPDATE Genre SET Note = 'louder', Name = 'Metal' WHERE GenreId = 1")
        self.nodes[new2] = self.serve(new2)
        reviews = [("a", 1, 4), ("c", 2, 3)]
        self.wait_for(self.files, self.REVIEWS, reviews)
        self.wait_for([new2], "SELECT * FROM Genre ORDER BY 1", [(1, "Metal"), (2, "Jazz")])
        self.wait_for([new], "SELECT Note FROM Genre ORDER BY GenreId", [("louder",), ("late",)])
        kept = [{"name": "Review", "rows": 2}]
        self.assertEqual(PROGRAM.json("status", self.hub_file)["kept_tables"], kept)
        self.assertIn("tandem track", PROGRAM.ok("status", self.hub_file))
        # The hub is upgraded while it runs.
        self.sql(self.hub_file, self.CREATE)
        PROGRAM.ok("track", self.hub_file, "Review")
        self.wait_for([self.hub_file], self.REVIEWS, reviews)
        self.sql(self.hub_file, "UPDATE Review SET Stars = 2 WHERE ReviewId = 'c'")
        self.sql(new, "INSERT INTO Review VALUES ('d', 1, 1)")
        self.wait_for([*self.files, self.hub_file], self.REVIEWS, [("a", 1, 4), ("c", 2, 2), ("d", 1, 1)])
        self.sql(new2, "ALTER TABLE Genre ADD COLUMN Note TEXT")
        self.wait_for([new2], "SELECT Note FROM Genre ORDER BY GenreId", [("louder",), ("late",)])
        self.end()


PROGRAM = program_from_arguments()

if __name__ == "__main__":
    unittest.main(verbosity=2)
