"""Two versions of one app (a Chinook shop) sync both ways while both are in use, through a hub of the old version."""

import os
import sqlite3
import tempfile
import unittest

from node import Node, program_from_arguments
from waiting import eventually

OLD = """
CREATE TABLE Artist(ArtistId INTEGER PRIMARY KEY, Name NVARCHAR(120));
CREATE TABLE Album(AlbumId INTEGER PRIMARY KEY, Title NVARCHAR(160) NOT NULL,
                   ArtistId INTEGER NOT NULL REFERENCES Artist(ArtistId));
CREATE TABLE Track(TrackId INTEGER PRIMARY KEY, Name NVARCHAR(200) NOT NULL, AlbumId INTEGER REFERENCES Album(AlbumId),
                   Composer NVARCHAR(220), UnitPrice NUMERIC(10,2) NOT NULL DEFAULT 0.99);
"""
FIRST = """
INSERT INTO Artist VALUES (1, 'AC/DC'), (2, 'Accept');
INSERT INTO Album VALUES (1, 'For Those About To Rock', 1), (2, 'Balls to the Wall', 2);
INSERT INTO Track VALUES (1, 'For Those About To Rock', 1, 'Young', 0.99), (2, 'Balls to the Wall', 2, NULL, 0.99);
"""
MIGRATION = """
ALTER TABLE Track ADD COLUMN Rating INTEGER NOT NULL DEFAULT 0;
ALTER TABLE Track ADD COLUMN Lyrics TEXT;
ALTER TABLE Album RENAME COLUMN Title TO Name;
"""
NEW_TRACKS = "SELECT TrackId, Name, AlbumId, Composer, UnitPrice, Rating, Lyrics FROM Track ORDER BY TrackId"
OLD_TRACKS = "SELECT TrackId, Name, AlbumId, Composer, UnitPrice FROM Track ORDER BY TrackId"


class SchemaDriftTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tandem-drift-")
        self.addCleanup(self.folder.cleanup)
        self.hub_file, *self.files = (os.path.join(self.folder.name, name + ".db") for name in ("hub", "new", "new2", "old"))
        self.sql(self.hub_file, "PRAGMA journal_mode = WAL;" + OLD + FIRST)
        PROGRAM.ok("track", self.hub_file, "--all")
        self.hub = Node(PROGRAM, self.hub_file, "--listen", "127.0.0.1:0").start()
        self.addCleanup(self.hub.kill)
        for file in self.files:
            PROGRAM.ok("clone", self.hub.url, file)

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

    def wait_for(self, file, question, expected):
        eventually(lambda: self.rows(file, question) == expected, f"{file} has {expected}")

    def test_both_versions_stay_in_use(self):
        new, new2, old = self.files
        nodes = [self.serve(file) for file in self.files]
        self.sql(new, MIGRATION)  # while everything runs
        self.sql(new, "UPDATE Track SET Rating = 5, Lyrics = 'stand up' WHERE TrackId = 1; UPDATE Album SET Name = 'Renamed' WHERE AlbumId = 1;"
                      "INSERT INTO Track VALUES (3, 'New', 1, NULL, 1.29, 4, 'la')")
        self.sql(old, "UPDATE Track SET Composer = 'the old app' WHERE TrackId = 1; INSERT INTO Track VALUES (4, 'Old', 2, NULL, 0.5);"
                      "UPDATE Album SET Title = 'by the old one' WHERE AlbumId = 2")
        tracks = [(1, "For Those About To Rock", 1, "the old app", 0.99, 5, "stand up"), (2, "Balls to the Wall", 2, None, 0.99, 0, None),
                  (3, "New", 1, None, 1.29, 4, "la"), (4, "Old", 2, None, 0.5, 0, None)]
        albums = [(1, "Renamed"), (2, "by the old one")]
        self.wait_for(new, NEW_TRACKS, tracks)
        self.wait_for(new, "SELECT AlbumId, Name FROM Album ORDER BY 1", albums)
        for file in (old, self.hub_file):
            self.wait_for(file, OLD_TRACKS, [row[:5] for row in tracks])
            self.wait_for(file, "SELECT AlbumId, Title FROM Album ORDER BY 1", albums)
        # A second device is upgraded while offline, and edits offline on both sides; the hub is of the old version still.
        nodes[1].stop()
        self.sql(new2, MIGRATION + "UPDATE Track SET Rating = 3 WHERE TrackId = 2")
        self.sql(new, "UPDATE Track SET Lyrics = 'sung meanwhile' WHERE TrackId = 2")
        nodes[1] = self.serve(new2)
        tracks[1] = tracks[1][:5] + (3, "sung meanwhile")
        for file in (new, new2):
            self.wait_for(file, NEW_TRACKS, tracks)
            self.wait_for(file, "SELECT AlbumId, Name FROM Album ORDER BY 1", albums)
        # In the end the others are upgraded too: what was kept for them is put in place.
        for file in (self.hub_file, old):
            self.sql(file, MIGRATION)
            self.wait_for(file, NEW_TRACKS, tracks)
        self.sql(old, "UPDATE Track SET Rating = 1 WHERE TrackId = 4")
        tracks[3] = tracks[3][:5] + (1, None)
        for file in (*self.files, self.hub_file):
            self.wait_for(file, NEW_TRACKS, tracks)
        for node in nodes:
            node.stop()
        self.hub.stop()
        for file in self.files:
            PROGRAM.ok("verify", self.hub_file, file)
        self.assertEqual(self.rows(self.hub_file, "SELECT count(*) FROM tandem_conflicts"), [(0,)])


PROGRAM = program_from_arguments()

if __name__ == "__main__":
    unittest.main(verbosity=2)
