"""Commands that link replicas: serve, clone, sync, and choices about conflicts."""

import json
import signal
import socket
import unittest

from program import ProgramTest, wait_until


class LinkTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.hub = self.make_tasks("hub.db")
        self.run_program("track", self.hub, "tasks")

    def titles(self, name: str):
        return self.sql(name, "SELECT id, title FROM tasks ORDER BY id")

    def test_serve_prints_ready_and_stops_cleanly(self):
        for how in (signal.SIGINT, signal.SIGTERM):
            node = self.serve(self.hub, "--listen", "127.0.0.1:0")
            self.assertRegex(node.ready_line, r"^ready ws://127\.0\.0\.1:[1-9]\d*/$")
            self.assertEqual(node.end(how), 0)
        silent = self.serve(self.hub)
        self.assertEqual(silent.ready_line, "ready")
        self.assertEqual(silent.end(), 0)

    def test_clone_then_sync_both_ways(self):
        node = self.serve(self.hub, "--listen", "127.0.0.1:0")
        self.run_program("clone", node.url, self.path("leaf.db"))
        self.assertEqual(self.titles("leaf.db"), self.titles("hub.db"))
        self.assertEqual(self.digest("leaf.db"), self.digest("hub.db"))
        self.assertEqual([peer["name"] for peer in self.json_of("status", self.hub, "--json")["peers"]], ["leaf"])
        self.sql("leaf.db", "UPDATE tasks SET title = 'from the leaf' WHERE id = 't0'")
        self.sql("hub.db", "UPDATE tasks SET title = 'from the hub' WHERE id = 't1'")
        self.run_program("sync", self.path("leaf.db"), node.url)
        for name in ("leaf.db", "hub.db"):
            self.assertEqual(self.titles(name), [("t0", "from the leaf"), ("t1", "from the hub"), ("t2", "title 2")])
        self.run_program("sync", self.path("leaf.db"), node.url)
        self.run_program("verify", self.path("leaf.db"), self.hub)
        self.assertEqual(node.end(), 0)

    def test_clone_refuses_what_exists_and_leaves_nothing_behind_when_it_fails(self):
        node = self.serve(self.hub, "--listen", "127.0.0.1:0")
        self.assertIn("exists", self.fails("clone", node.url, self.make_tasks("mine.db")))
        node.end()
        self.fails("clone", node.url, self.path("leaf.db"))
        self.assertEqual(list(self.folder.glob("leaf.db*")), [])
        self.fails("sync", self.hub, node.url)

    def test_a_peer_is_dialed_until_it_is_there(self):
        held = socket.socket()  # Nobody else is given its port meanwhile; who calls there is refused.
        self.addCleanup(held.close)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{held.getsockname()[1]}"
        leaf = self.serve(self.path("leaf.db"), "--peer", f"ws://{address}/")
        wait_until(lambda: leaf.log.read_text(), "a line about the peer that can't be reached")
        self.serve(self.hub, "--listen", address)
        wait_until(lambda: self.has_rows("leaf.db", 3), "the first copy")

    def has_rows(self, name: str, rows: int) -> bool:
        try:
            return self.sql(name, "SELECT count(*) FROM tasks") == [(rows,)]
        except Exception:  # the table may not be there yet
            return False

    def test_a_conflict_is_settled_chosen_and_taken_back(self):
        node = self.serve(self.hub, "--listen", "127.0.0.1:0")
        leaf = self.path("leaf.db")
        self.run_program("clone", node.url, leaf)
        self.sql("leaf.db", "UPDATE tasks SET title = 'one' WHERE id = 't0'")
        self.sql("hub.db", "UPDATE tasks SET title = 'two' WHERE id = 't0'")
        self.run_program("sync", leaf, node.url)
        [entry] = self.json_of("audit", leaf, "--json")["entries"]
        self.assertEqual((entry["table"], entry["key"], entry["column"], entry["kind"]), ("tasks", "t0", "title", "cell"))
        self.assertEqual({entry["current"], entry["other"]}, {"one", "two"})
        self.assertEqual([each["id"] for each in self.json_of("audit", self.hub, "--json")["entries"]], [entry["id"]])
        shown = self.run_program("conflicts", leaf, "show", entry["id"][:8]).stdout
        self.assertIn(entry["other"], shown)
        self.run_program("conflicts", leaf, "resolve", entry["id"], "--take", "other")
        self.assertEqual(self.titles("leaf.db")[0], ("t0", entry["other"]))
        self.run_program("sync", leaf, node.url)
        self.assertEqual(self.titles("hub.db")[0], ("t0", entry["other"]))
        self.assertIn("settled already", self.fails("conflicts", self.hub, "resolve", entry["id"], "--take", "other"))
        self.run_program("conflicts", self.hub, "undo", entry["id"], "--user", "Hugo")
        self.run_program("sync", leaf, node.url)
        self.assertEqual(self.titles("leaf.db")[0], ("t0", entry["current"]))
        undone = self.json_of("conflicts", leaf, "show", entry["id"], "--json")
        self.assertEqual((undone["state"], undone["settled_who"]), ("undone", "Hugo"))
        self.assertEqual([each["choice"] for each in undone["settlements"]], ["other", "undo"])
        self.sql("leaf.db", "UPDATE tasks SET title = 'since' WHERE id = 't0'")
        self.assertIn("written anew", self.fails("conflicts", leaf, "undo", entry["id"]))
        self.fails("conflicts", leaf, "resolve", entry["id"], "--fields", '{"title": "other"}')
        self.fails("conflicts", leaf, "resolve", entry["id"], "--reinsert-as", "t9")
        self.run_program("conflicts", leaf, "resolve", entry["id"], "--value", "a third way")
        self.run_program("sync", leaf, node.url)
        self.assertEqual(self.titles("hub.db")[0], ("t0", "a third way"))
        lines = [json.loads(line) for line in self.run_program("audit", self.hub, "--export").stdout.splitlines()]
        self.assertEqual([(each["by"], each["choice"], each["value"]) for each in lines],
                         [("policy", "current", entry["current"]), ("person", "other", entry["other"]),
                          ("person", "undo", entry["current"]), ("person", "value", "a third way")])
        self.assertEqual({each["conflict"] for each in lines}, {entry["id"]})
        self.assertEqual(lines[2]["user"], "Hugo")
        found = lambda *search: len(self.json_of("audit", self.hub, "--json", *search)["entries"])
        self.assertEqual((found("--table", "tasks", "--since", "1h"), found("--table", "other"), found("--since", "2100-01-01")),
                         (1, 0, 0))
        self.fails("audit", self.hub, "--since", "yesterday", expect=2)
        self.fails("audit", self.hub, "--keep-days", "-3", expect=2)
        self.run_program("audit", self.hub, "--keep-count", "1")
        self.assertEqual(found(), 1)
        self.sql("leaf.db", "UPDATE tasks SET title = 'three' WHERE id = 't1'")
        self.sql("hub.db", "UPDATE tasks SET title = 'four' WHERE id = 't1'")
        self.run_program("sync", leaf, node.url)
        self.assertEqual(found(), 2)
        self.assertEqual(self.json_of("audit", self.hub, "--keep-count", "1", "--json")["removed"], 1)
        self.run_program("sync", leaf, node.url)
        [left] = self.json_of("audit", leaf, "--json")["entries"]
        self.assertEqual(left["key"], "t1")

    def test_listening_beyond_loopback_wants_a_token(self):
        self.assertIn("token", self.fails("serve", self.hub, "--listen", "0.0.0.0:0"))

    def test_tokens(self):
        (self.folder / "token").write_text("a shared secret\n")
        (self.folder / "wrong").write_text("another secret\n")
        node = self.serve(self.hub, "--listen", "127.0.0.1:0", "--token-file", self.path("token"))
        self.fails("clone", node.url, self.path("none.db"))
        self.fails("clone", node.url, self.path("none.db"), "--token-file", self.path("wrong"))
        self.run_program("clone", node.url, self.path("leaf.db"), "--token-file", self.path("token"))
        self.assertEqual(self.titles("leaf.db"), self.titles("hub.db"))

    def test_a_port_in_use_is_told(self):
        node = self.serve(self.hub, "--listen", "127.0.0.1:0")
        other = self.make_tasks("other.db")
        self.run_program("track", other, "tasks")
        self.assertIn("uses this port", self.fails("serve", other, "--listen", node.url[len("ws://"):].rstrip("/")))


if __name__ == "__main__":
    unittest.main()
