"""Pages over WebSocket, against a node of its own process: what they may do, what they may not, and what happens when one of the two goes away."""

import json
import os
import sqlite3
import unittest

from node import program_from_arguments
from page_case import COUNTING, PageCase
from page_client import CANCEL, EXECUTE, MORE, OBSERVE, QUERY, ROWS, TAKEN
from raw_websocket import packed
from waiting import eventually

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


class WhatPagesDo(PageCase):
    def setUp(self):
        super().setUp()
        self.serve()

    def test_values_of_all_types_pass_both_ways(self):
        page = self.opened()
        values = (None, -(2**63), 2**53 + 1, 2.0, "a\0é", b"\x00\xff")
        self.assertEqual(page.query("SELECT ?, ?, ?, ?, ?, ?", *values), [values])
        self.assertEqual(type(page.query("SELECT ?", 2.0)[0][0]), float)

    def test_a_large_result_comes_in_parts_as_the_page_asks_for_them(self):
        page = self.opened()
        self.assertEqual(len(page.query(COUNTING, 20_000, page_rows=1000, pages=1)), 20_000)
        request = page.new_id()
        page.say(QUERY, request, 0, 0, COUNTING, [10_000], 10, 2)
        self.assertEqual([page.next(request)[3] for _ in range(2)], [0, 1])
        self.assertEqual(page.query("SELECT 1"), [(1,)])  # Nothing more came meanwhile.
        self.assertEqual(page.aside, [])
        page.say(MORE, request, 1)
        self.assertEqual(page.next(request)[3], 2)
        page.say(CANCEL, request)
        self.fails("cancelled", page.next, request)

    def test_writes_are_whole_and_sync(self):
        page = self.opened()
        self.assertEqual(page.execute(("INSERT INTO tasks VALUES(?, ?, 0)", 1, "a"), ("INSERT INTO tasks VALUES(?, ?, 0)", 2, "b")),
                         [2, 2, False])
        self.fails("constraint", page.execute, "INSERT INTO tasks VALUES(3, 'c', 0)", "INSERT INTO tasks VALUES(4, 'a', 0)")
        self.assertEqual(self.sql("SELECT id FROM tasks"), [(1,), (2,)])
        leaf = os.path.join(self.folder, "leaf.db")
        self.program.ok("clone", self.node.url, leaf)
        self.assertEqual(self.program.digest(leaf), self.program.digest(self.file))

    def test_a_named_write_is_done_once_whatever_happens(self):
        first = self.opened()
        insert = ("INSERT INTO plain VALUES(?)", 1)
        self.assertEqual(first.execute(insert, once="w1"), [1, 1, False])
        self.assertEqual(first.execute(insert, once="w1"), [1, 1, True])
        self.assertEqual(self.opened().execute(insert, once="w1"), [1, 1, True])
        self.node.kill()
        self.serve()
        page = self.opened()
        self.assertEqual(page.execute(insert, once="w1"), [1, 1, True])
        transaction = page.begin()
        page.execute(insert, transaction=transaction)
        self.assertEqual(page.finish(transaction, once="w2"), [1, 2, False])
        self.assertEqual(page.finish(transaction, once="w2"), [1, 2, True])
        self.assertEqual(self.sql("SELECT count(*) FROM plain"), [(2,)])

    def test_a_refused_named_write_can_be_done_later(self):
        page = self.opened()
        page.execute("INSERT INTO tasks VALUES(1, 'a', 0)")
        self.fails("constraint", page.execute, "INSERT INTO tasks VALUES(2, 'a', 0)", once="w")
        page.execute("DELETE FROM tasks")
        self.assertEqual(page.execute("INSERT INTO tasks VALUES(2, 'a', 0)", once="w"), [1, 2, False])

    def test_an_interactive_transaction_is_seen_from_its_end_on(self):
        page, other = self.opened(), self.opened()
        transaction = page.begin()
        page.execute("INSERT INTO tasks VALUES(1, 'a', 0)", transaction=transaction)
        self.fails("constraint", page.execute, "INSERT INTO tasks VALUES(1, 'b', 0)", transaction=transaction)
        self.assertEqual(page.query("SELECT id FROM tasks", transaction=transaction), [(1,)])
        self.assertEqual(page.query("SELECT id FROM tasks"), [])
        self.assertEqual(other.query("SELECT id FROM tasks"), [])
        page.finish(transaction)
        self.assertEqual(other.query("SELECT id FROM tasks"), [(1,)])
        second = page.begin()
        page.execute("DELETE FROM tasks", transaction=second)
        page.finish(second, is_commit=False)
        self.assertEqual(self.sql("SELECT id FROM tasks"), [(1,)])
        self.fails("transaction_lost", page.finish, second)

    def test_a_transaction_ends_by_its_limit_and_with_its_page(self):
        page, other = self.opened(), self.opened()
        transaction = page.begin(limit_ms=5_000)
        page.execute("INSERT INTO tasks VALUES(1, 'a', 0)", transaction=transaction)
        other.execute("INSERT INTO tasks VALUES(2, 'b', 0)")
        self.fails("deadline", page.execute, "INSERT INTO tasks VALUES(3, 'c', 0)", transaction=transaction)
        self.assertEqual(self.sql("SELECT id FROM tasks"), [(2,)])
        page.begin(limit_ms=30_000)
        page.close()
        self.assertEqual(other.execute("INSERT INTO tasks VALUES(4, 'd', 0)", deadline_ms=20_000), [1, 4, False])  # before the other one's limit

    def test_a_write_waits_for_others_until_its_deadline(self):
        page, other = self.opened(), self.opened()
        transaction = other.begin()
        self.fails("deadline", page.execute, "DELETE FROM tasks", deadline_ms=60)
        request = page.new_id()
        page.say(EXECUTE, request, 30_000, 0, "", [["INSERT INTO plain VALUES(1)", []]], 0)
        self.assertEqual(page.query("SELECT 1"), [(1,)])  # Reads do not wait behind it.
        other.finish(transaction)
        self.assertEqual(page.next(request)[3], 1)

    def test_a_live_query_follows_the_page_other_pages_and_plain_sql(self):
        page = self.opened()
        live = page.watch("SELECT id, title FROM tasks ORDER BY title", keys=["id"])
        self.assertEqual(live.step(), (0, 0, 0))
        page.execute("INSERT INTO tasks VALUES(1, 'b', 0), (2, 'c', 0)")
        self.assertEqual(live.step(), (0, 2, 0))
        self.sql("INSERT INTO tasks VALUES(3, 'a', 0)")
        self.assertEqual(live.step(), (0, 1, 0))
        self.assertEqual(live.rows, [(3, "a"), (1, "b"), (2, "c")])
        self.opened().execute("UPDATE tasks SET title = 'bb' WHERE id = 1")
        self.assertEqual(live.step(), (0, 0, 1))
        self.sql("UPDATE tasks SET title = 'z' WHERE id = 3")
        self.assertEqual(live.step(), (1, 1, 0))
        self.assertEqual(live.rows, [(1, "bb"), (2, "c"), (3, "z")])

    def test_a_live_query_of_a_table_that_does_not_sync_follows_too(self):
        live = self.opened().watch("SELECT x FROM plain")
        live.step()
        self.sql("INSERT INTO plain VALUES(7)")
        live.step()
        self.assertEqual(live.rows, [(7,)])

    def test_changes_come_as_one_while_the_page_is_busy(self):
        page = self.opened()
        live = page.watch("SELECT id FROM tasks", keys=["id"])
        first = page.next(live.request)
        for i in range(30):
            self.sql(f"INSERT INTO tasks VALUES({i}, 't{i}', 0)")
        self.assertEqual(page.query("SELECT count(*) FROM tasks"), [(30,)])
        self.assertEqual(page.aside, [])  # Nothing before it is taken.
        live.rows, live.width = [], 1
        page.say(TAKEN, live.request, first[3])
        seen = 0
        while len(live.rows) < 30:
            live.step()
            seen += 1
        self.assertLessEqual(seen, 2)

    def test_a_large_live_result_comes_in_several_messages(self):
        page = self.opened()
        live = page.watch(COUNTING, 40_000, keys=["i"])
        parts = []
        while not parts or live.more_follows:
            live.step()
            parts.append(len(live.rows))
        self.assertGreater(len(parts), 1)
        self.assertEqual(parts[-1], 40_000)
        self.assertEqual(live.rows[-1][0], 40_000)

    def test_changed_tables_are_told(self):
        page = self.opened()
        request = page.new_id()
        page.say(OBSERVE, request, ["tasks"])
        page.query("SELECT 1")
        self.sql("INSERT INTO tasks VALUES(1, 'a', 0)")
        self.assertEqual(page.next(request)[3:], [1, ["tasks"], False])

    def test_a_slow_query_is_stopped_by_deadline_cancel_and_end(self):
        page, other = self.opened(), self.opened()
        self.fails("deadline", page.query, ENDLESS, deadline_ms=50)
        request = page.new_id()
        page.say(QUERY, request, 60_000, 0, ENDLESS, [], 0, 0)
        self.assertEqual(other.query("SELECT 1"), [(1,)])
        page.say(CANCEL, request)
        self.fails("cancelled", page.next, request)
        page.say(QUERY, page.new_id(), 60_000, 0, ENDLESS, [], 0, 0)
        page.close()
        self.node.stop()  # It does not wait for a minute.

    def test_a_page_asks_about_sync(self):
        page = self.opened()
        self.assertEqual(json.loads(page.ask("ping")), {})
        self.assertEqual(len(json.loads(page.ask("echo", '{"bytes":1000}'))["data"]), 1000)
        status = json.loads(page.ask("status"))
        self.assertEqual((status["tables"], status["links"]), ([{"name": "tasks", "rows": 0}], []))
        self.assertEqual(json.loads(page.ask("conflicts", '{"open":true}')), [])
        tables = {each["name"]: each for each in json.loads(page.ask("tables"))}
        self.assertEqual(tables["tasks"], {"name": "tasks", "key": ["id"], "columns": ["id", "title", "done"], "is_tracked": True})
        self.assertEqual((tables["plain"]["key"], tables["plain"]["is_tracked"]), ([], False))
        self.fails("usage", page.ask, "nonsense")
        self.fails("usage", page.ask, "why", "[]")
        self.fails("not_found", page.ask, "resolve", '{"id":"0000","take":"other"}')

    def test_a_conflict_is_listed_and_settled(self):
        self.program.ok("track", self.file, "tasks", "--policy", "tasks.title=ask")
        page = self.opened()
        page.execute("INSERT INTO tasks VALUES(1, 'base', 0)")
        leaf = os.path.join(self.folder, "leaf.db")
        self.program.ok("clone", self.node.url, leaf)
        with sqlite3.connect(leaf) as db:
            db.execute("UPDATE tasks SET title = 'leaf'")
        db.close()
        page.execute("UPDATE tasks SET title = 'hub'")
        live = page.watch("SELECT title FROM tasks")
        live.step()
        self.program.ok("sync", leaf, self.node.url)
        (conflict,) = json.loads(page.ask("conflicts", '{"open":true}'))
        self.assertEqual((conflict["kind"], conflict["waits_for"]), ("cell", ""))
        self.assertEqual(json.loads(page.ask("find_conflicts", '{"open":true,"set_aside":false,"text":"LEAF","limit":1}')), {"total": 1, "entries": [conflict]})
        other = json.loads(conflict["other"])
        page.ask("resolve", json.dumps({"id": conflict["id"], "take": "other"}))
        eventually(lambda: page.query("SELECT title FROM tasks") == [(other,)], "the other value stands")
        while live.rows != [(other,)]:
            live.step()
        self.assertEqual(json.loads(page.ask("conflicts", '{"open":true}')), [])

    def test_the_newest_of_the_audit_trail_come_first_and_as_many_as_one_answer_holds(self):
        page = self.opened()
        for row in range(1, 6):
            page.execute(("INSERT INTO tasks VALUES(?, ?, 0)", row, f"base {row}"))
        leaf = os.path.join(self.folder, "leaf.db")
        self.program.ok("clone", self.node.url, leaf)
        for row in range(1, 6):
            with sqlite3.connect(leaf) as db:
                db.execute("UPDATE tasks SET title = ? WHERE id = ?", (f"leaf {row}" + "x" * 500_000, row))
            db.close()
            page.execute(("UPDATE tasks SET title = ? WHERE id = ?", f"hub {row}" + "y" * 500_000, row))
            self.program.ok("sync", leaf, self.node.url)
        self.assertEqual([each["key"] for each in json.loads(page.ask("audit", '{"limit":2}'))], ["5", "4"])
        self.assertEqual([each["key"] for each in json.loads(page.ask("audit", '{"text":"leaf 1"}'))], ["1"])
        self.assertEqual([each["key"] for each in json.loads(page.ask("conflicts", '{"limit":2}'))], ["1", "2"])
        self.fails("limit", page.ask, "audit")
        found = json.loads(page.ask("find_conflicts", '{"newest":true}'))
        self.assertEqual((found["total"], [each["key"] for each in found["entries"]]), (5, ["5", "4", "3", "2"]))
        self.fails("limit", page.ask, "audit", json.dumps({"text": "x" * 300}))

    def test_a_page_that_does_not_read_costs_no_memory_and_holds_up_nobody(self):
        page, other = self.opened(), self.opened()
        resident = self.node.memory_kib("VmRSS")
        for _ in range(8):
            page.say(QUERY, page.new_id(), 60_000, 0, COUNTING, [2_000_000], 10_000, 100_000)
        self.assertEqual(page.hear()[0], ROWS)  # They have begun.
        self.assertEqual(len(other.query(COUNTING, 5_000)), 5_000)
        self.assertLess(self.node.memory_kib("VmRSS") - resident, 100_000)
        page.close()
        self.node.stop()


class WhatPagesMayNot(PageCase):
    def test_statements_that_are_none_of_a_page_s_business(self):
        self.serve()
        page = self.opened()
        for statement in ("ATTACH 'x.db' AS x", "PRAGMA journal_mode = DELETE", "PRAGMA writable_schema = 1", "BEGIN", "COMMIT",
                          "SAVEPOINT x", "DELETE FROM tandem_log", "UPDATE tandem_meta SET value = 0",
                          "CREATE TABLE tandem_x(a)", "CREATE TEMP TRIGGER x AFTER INSERT ON tasks BEGIN SELECT 1; END",
                          "CREATE TEMP TABLE x(a)", "DROP TABLE 'tandem_log'", "INSERT INTO \"tandem_pending\" DEFAULT VALUES",
                          "CREATE TRIGGER tandem_x AFTER INSERT ON tasks BEGIN DELETE FROM tandem_log; END"):
            with self.subTest(statement):
                self.fails("denied", page.execute, statement)
        for query in ("SELECT * FROM tandem_meta", "SELECT load_extension('x')", "SELECT * FROM 'tandem_meta'", "PRAGMA user_version = 3",
                      "WITH tandem_x AS (SELECT * FROM tandem_meta) SELECT * FROM tandem_x",
                      "WITH 'tandem_x' AS (SELECT * FROM [tandem_meta]) SELECT * FROM tandem_x",
                      "SELECT (SELECT count(*) FROM Tandem_Log)", "SELECT * FROM main/**/.tandem_meta"):
            with self.subTest(query):
                self.fails("denied", page.query, query)
        self.fails("sql", page.execute, "VACUUM")
        self.fails("usage", page.query, "VACUUM")
        page.execute("CREATE VIEW mine AS SELECT title FROM tasks", ("INSERT INTO plain VALUES(?)", "tandem_log is a name"))
        self.assertEqual(page.query("SELECT x FROM plain"), [("tandem_log is a name",)])
        self.assertEqual(page.query("PRAGMA user_version"), [(0,)])
        self.assertEqual(len(page.query("PRAGMA table_info(tasks)")), 3)
        self.assertEqual(self.sql("SELECT name FROM sqlite_schema WHERE name = 'tandem_x'"), [])

    def test_statements_that_make_no_sense(self):
        self.serve()
        page = self.opened()
        self.fails("sql", page.query, "SELEKT 1")
        self.fails("sql", page.query, "")
        self.fails("sql", page.query, "SELECT 1; SELECT 2")
        self.fails("sql", page.query, "SELECT ?", 1, 2)
        self.fails("usage", page.query, "INSERT INTO plain VALUES(1) RETURNING x")
        self.fails("sql", page.execute, "INSERT INTO missing VALUES(1)")
        self.fails("usage", page.watch("SELECT 1 AS a", keys=["b"]).step)
        self.assertEqual(page.query("SELECT 1;"), [(1,)])

    def test_too_much_at_once(self):
        self.serve()
        page = self.opened()
        self.fails("limit", page.query, "SELECT 1" + " " * 1_000_000)
        self.fails("limit", page.query, "SELECT zeroblob(4000000), zeroblob(400000)")
        self.fails("limit", page.execute, ("INSERT INTO plain VALUES(zeroblob(?))", 10_000_000))
        for _ in range(64):
            page.say(QUERY, page.new_id(), 60_000, 0, COUNTING, [100], 10, 1)
        self.fails("busy", page.query, "SELECT 1")

    def test_what_is_no_protocol_ends_the_connection_with_a_word(self):
        self.serve()
        for words in (packed([33, 1, 1]), packed([50, 1, 1, 0, 0, False]), packed([64, 1]), b"\xc1", b"", packed([32, 1, 1, 1, "short", "", ""])):
            page = self.page()
            page.socket.send(words)
            self.fails("protocol", page.next, 0)
            self.assertIn(page.socket.receive()[0], (8,))
        self.fails("protocol", self.page().open, 2, 3)
        page = self.opened()
        page.say(QUERY, 0, 0, 0, "SELECT 1", [], 0, 0)
        self.fails("protocol", page.next, 0)
        page = self.opened()
        page.say(QUERY, 1, 0, 0, "SELECT ?", [True], 0, 0)
        self.fails("protocol", page.next, 0)
        self.assertEqual(self.opened().query("SELECT 1"), [(1,)])

    def test_tokens_say_what_a_page_may_do(self):
        self.serve("--token-file", self.secret("node"), "--page-token-file", self.secret("page"),
                   "--page-read-only-token-file", self.secret("reader"))
        self.fails("denied", self.page().open)
        self.fails("denied", self.page(token="wrong").open)
        self.assertFalse(self.page(headers=["Authorization: Bearer wrong"]).socket.is_open())
        for token in ("node-secret", "page-secret"):
            self.opened(token=token).execute("INSERT INTO plain VALUES(1)")
        self.opened(headers=["Authorization: Bearer page-secret"]).execute("INSERT INTO plain VALUES(1)")
        reader = self.opened(token="reader-secret")
        self.assertTrue(reader.opened[6])
        self.assertEqual(reader.query("SELECT count(*) FROM plain"), [(3,)])
        self.fails("denied", reader.execute, "INSERT INTO plain VALUES(1)")
        self.fails("denied", reader.begin)
        for question, argument in (("resolve", '{"id":"1","take":"other"}'), ("pause", ""), ("resume", ""),
                                   ("prioritize", '{"table":"plain","priority":"critical"}')):
            self.fails("denied", reader.ask, question, argument)
        self.assertTrue(self.page(headers=["Origin: http://127.0.0.1:1"]).socket.answer.startswith(b"HTTP/1.1 403"))

    def test_pages_of_other_sites_and_names_are_refused(self):
        self.serve("--allow-origin", "https://app.example")
        for headers, host, is_let_in in (([], None, True), (["Origin: http://localhost:5173"], None, True),
                                         (["Origin: https://app.example"], None, True), ([], "app.example:443", True),
                                         (["Origin: https://evil.example"], None, False), (["Origin: null"], None, False),
                                         ([], "evil.example:80", False), (["Sec-Fetch-Site: cross-site"], None, False),
                                         (["Origin: http://evil.example:80"], "evil.example:80", False)):
            with self.subTest(headers=headers, host=host):
                self.assertEqual(self.page(headers=headers, host_header=host).socket.is_open(), is_let_in)


if __name__ == "__main__":
    PageCase.program = program_from_arguments()
    unittest.main()
