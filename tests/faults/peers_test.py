"""Peers that hang, lie, are not there, have other tables, another version or no token: a clear word, and the node lives on."""

import os
import random
import socket
import sqlite3
import tempfile
import time
import unittest

from held_port import held_port
from node import Node, program_from_arguments
from proxy import Proxy
from raw_websocket import RawWebSocket, packed
from waiting import eventually

SCHEMA = "CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT)"


def sql(path, statement):
    with sqlite3.connect(path, timeout=20) as db:
        rows = db.execute(statement).fetchall()
    db.close()
    return rows


class PeersTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tandem-peers-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def replica(self, name, schema=SCHEMA):
        path = os.path.join(self.folder, name)
        sql(path, "PRAGMA journal_mode = WAL")
        sql(path, schema)
        PROGRAM.ok("track", path, "tasks")
        return path

    def serve(self, path, *arguments):
        node = Node(PROGRAM, path, *arguments).start()
        self.addCleanup(node.kill)
        return node

    def hub(self, *arguments):
        self.hub_file = self.replica("hub.db")
        return self.serve(self.hub_file, "--listen", "127.0.0.1:0", *arguments)

    def clone(self, hub, name="node.db"):
        path = os.path.join(self.folder, name)
        PROGRAM.ok("clone", hub.url, path)
        return path

    def must_work(self, hub):
        """The hub still syncs with a proper node."""
        path = self.clone(hub, "proper.db")
        node = self.serve(path, "--peer", hub.url)
        sql(self.hub_file, "INSERT INTO tasks VALUES (4711, 'still there')")
        eventually(lambda: sql(path, "SELECT 1 FROM tasks WHERE id = 4711"), "a proper node is served")
        node.stop()

    def test_a_peer_that_stops_in_its_tracks_does_not_hold_up_the_others(self):
        hub = self.hub()
        files = [self.clone(hub, name) for name in ("a.db", "b.db")]
        frozen, well = [self.serve(file, "--peer", hub.url) for file in files]
        sql(self.hub_file, "INSERT INTO tasks VALUES (1, 'before')")
        for file in files:
            eventually(lambda: sql(file, "SELECT * FROM tasks"), "the first row is everywhere")
        frozen.freeze()
        resident = hub.memory_kib("VmRSS")
        for chunk in range(20):
            first = 100 + chunk * 1000
            sql(self.hub_file, f"WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {first + 999}) "
                               "INSERT INTO tasks SELECT i, hex(randomblob(100)) FROM n")
        eventually(lambda: sql(files[1], "SELECT count(*) FROM tasks") == [(20_001,)], "the other node has all rows", 120)
        grown = hub.memory_kib("VmRSS") - resident
        frozen.thaw()
        eventually(lambda: sql(files[0], "SELECT count(*) FROM tasks") == [(20_001,)], "the thawed node has caught up", 120)
        print(f"the hub grew by {grown / 1024:.1f} MB while a peer did not read")
        if not IS_SANITIZED:
            self.assertLess(grown, 48 * 1024)

    def test_a_peer_that_cannot_be_reached_is_told_once_and_tried_for_ever(self):
        path = self.replica("lone.db")
        proxy = Proxy(None)
        self.addCleanup(proxy.stop)
        port = held_port(self)
        node = self.serve(path, "--peer", f"ws://127.0.0.1:{port}/")
        sql(path, "INSERT INTO tasks VALUES (1, 'written alone')")
        eventually(lambda: PROGRAM.json("status", path)["pending"] == 0, "the write is stamped")
        eventually(lambda: str(port) in node.text(), "the node says that the peer can't be reached")
        hub_file = self.replica("hub.db")
        self.serve(hub_file, "--listen", f"127.0.0.1:{port}")
        eventually(lambda: sql(hub_file, "SELECT * FROM tasks"), "the peer is there now, and has the row", 90)
        self.assertLessEqual(sum(str(port) in line for line in node.lines), 3, node.text())

    def test_a_port_that_is_taken(self):
        hub = self.hub()
        address = hub.url.removeprefix("ws://").rstrip("/")
        other = self.replica("other.db")
        error = PROGRAM.refuses("serve", other, "--listen", address)
        self.assertIn(address.rsplit(":", 1)[1], error)

    def test_wrong_token(self):
        files = {}
        for name, token in (("right", "s3cret-token"), ("wrong", "another-token")):
            files[name] = os.path.join(self.folder, name)
            with open(files[name], "w", encoding="ascii") as out:
                out.write(token + "\n")
        hub = self.hub("--token-file", files["right"])
        target = os.path.join(self.folder, "copy.db")
        for arguments in ([], ["--token-file", files["wrong"]]):
            error = PROGRAM.refuses("clone", hub.url, target, *arguments)
            self.assertIn("token", error)
            self.assertNotIn("s3cret", error)
        PROGRAM.ok("clone", hub.url, target, "--token-file", files["right"])
        raw = RawWebSocket(hub.url)
        self.assertFalse(raw.is_open())
        self.assertIn(b"401", raw.answer)

    def test_listening_beyond_loopback_needs_a_token(self):
        path = self.replica("open.db")
        self.assertIn("token", PROGRAM.refuses("serve", path, "--listen", "0.0.0.0:0"))

    def test_a_peer_with_one_more_column_syncs_and_nothing_is_lost(self):
        hub = self.hub()
        path = self.replica("other.db", "CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT, extra TEXT)")
        sql(path, "INSERT INTO tasks VALUES (1, 'mine', 'more')")
        node = self.serve(path, "--peer", hub.url)
        eventually(lambda: sql(self.hub_file, "SELECT title FROM tasks") == [("mine",)], "the columns that both have sync", 60)
        self.assertTrue(node.is_running() and hub.is_running())
        sql(self.hub_file, "ALTER TABLE tasks ADD COLUMN extra TEXT")
        eventually(lambda: sql(self.hub_file, "SELECT extra FROM tasks") == [("more",)], "the value that waited for its column is put in place", 60)

    def test_a_peer_of_another_protocol_version(self):
        hub = self.hub()
        other = RawWebSocket(hub.url, subprotocol="tandem.99")
        self.assertFalse(other.is_open())
        self.assertIn(b"400", other.answer)
        raw = RawWebSocket(hub.url)
        self.assertTrue(raw.is_open(), raw.answer)
        hello = [1, 1, 99, 99, os.urandom(16), 1, 0, int(time.time() * 1000), 7, False, "raw", "99.0", [1, []], [], 0]
        raw.send(packed(hello))
        said = raw.everything()
        self.assertIn(b"version", said)
        self.must_work(hub)

    def test_frames_that_are_none(self):
        hub = self.hub()
        chance = random.Random(7)
        bad = [b"", b"\xc1", b"\xdd\xff\xff\xff\xff", b"\x91" * 5000, packed([1]), packed([4, 1, 5, 5, True]), packed([200, 1]),
               b"\xc6\xff\xff\xff\xff", packed([1, 1, "one", None, []])]
        bad += [bytes(chance.randrange(256) for _ in range(chance.randrange(1, 400))) for _ in range(30)]
        for payload in bad:
            with self.subTest(payload=payload[:20]):
                raw = RawWebSocket(hub.url)
                self.assertTrue(raw.is_open())
                raw.send(payload)
                raw.everything()  # ends, so the node has hung up
                raw.close()
        raw = RawWebSocket(hub.url)
        raw.send(b"text is nothing that a node sends", opcode=1)
        raw.everything()
        self.assertTrue(hub.is_running())
        self.must_work(hub)

    def test_a_frame_that_is_too_large_is_not_taken_in(self):
        hub = self.hub()
        before = hub.memory_kib()
        raw = RawWebSocket(hub.url)
        try:
            raw.send(packed([1, 1]) + bytes(32 * 1024 * 1024))
            raw.everything()
        except (ConnectionError, socket.timeout, BrokenPipeError):
            pass
        if not IS_SANITIZED:
            self.assertLess(hub.memory_kib() - before, 16 * 1024)
        self.must_work(hub)

    def test_connections_that_say_nothing(self):
        hub = self.hub()
        host, port = hub.url.removeprefix("ws://").rstrip("/").split(":")
        silent = [socket.create_connection((host, int(port))) for _ in range(50)]
        path = os.path.join(self.folder, "proper.db")
        # Those who say nothing are given up at the same time as who waits behind them.
        eventually(lambda: PROGRAM.run("clone", hub.url, path).returncode == 0, "a proper node gets its place", 180)
        for each in silent:
            each.close()

    def test_a_node_linked_to_itself_says_so(self):
        path = self.replica("self.db")
        port = held_port(self)
        node = self.serve(path, "--listen", f"127.0.0.1:{port}", "--peer", f"ws://127.0.0.1:{port}/")
        sql(path, "INSERT INTO tasks VALUES (1, 'one')")
        eventually(lambda: PROGRAM.json("status", path)["pending"] == 0, "it goes on stamping")
        eventually(lambda: "itself" in node.text(), "it says so")
        node.stop()
        PROGRAM.ok("verify", path)

    def test_a_copied_file_takes_an_identity_of_its_own(self):
        hub = self.hub()
        path = self.clone(hub)
        first = self.serve(path, "--peer", hub.url)
        sql(path, "INSERT INTO tasks VALUES (1, 'known to the hub')")
        eventually(lambda: sql(self.hub_file, "SELECT * FROM tasks"), "the hub has the row")
        first.stop()
        copy = os.path.join(self.folder, "copy.db")
        with open(path, "rb") as source, open(copy, "wb") as target:
            target.write(source.read())
        first = self.serve(path, "--peer", hub.url)
        sql(path, "INSERT INTO tasks VALUES (2, 'by the original')")
        eventually(lambda: len(sql(self.hub_file, "SELECT * FROM tasks")) == 2, "the original syncs")
        second = self.serve(copy, "--peer", hub.url)
        sql(copy, "INSERT INTO tasks VALUES (3, 'by the copy')")
        for file in (self.hub_file, path, copy):
            eventually(lambda: len(sql(file, "SELECT * FROM tasks")) == 3, f"{file} has all three rows")
        self.assertNotEqual(PROGRAM.json("status", path)["site"], PROGRAM.json("status", copy)["site"])


PROGRAM = program_from_arguments()
IS_SANITIZED = b"__asan_init" in open(PROGRAM.path, "rb").read()

if __name__ == "__main__":
    unittest.main(verbosity=2)
