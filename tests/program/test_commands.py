"""Commands that work on files: what they do, print and return."""

import json
import unittest

from program import CHINOOK, ProgramTest

COMMANDS = ["demo", "track", "untrack", "serve", "clone", "sync", "status", "conflicts", "audit", "verify", "digest", "why"]


class UsageTest(ProgramTest):
    def test_help_of_each_command_has_an_example(self):
        self.assertIn("Example", self.run_program("--help").stdout)
        for command in COMMANDS:
            with self.subTest(command):
                self.assertIn("tandem " + command, self.run_program(command, "--help").stdout)

    def test_wrong_usage_is_one_line_and_exit_2(self):
        database = self.make_tasks()
        for arguments in ([], ["nonsense"], ["track"], ["track", database], ["track", database, "tasks", "--all"],
                          ["status", database, "--nonsense"], ["conflicts", database, "resolve", "x"],
                          ["conflicts", database, "resolve", "x", "--take", "both"], ["serve"],
                          ["serve", database, "--listen", "127.0.0.1:port"], ["sync", database], ["clone", "ws://127.0.0.1:1/"],
                          ["track", database, "tasks", "--policy", "tasks"], ["serve", database, "--peer", "http://127.0.0.1:1/"],
                          ["serve", database, "--token-file", self.path("absent")]):
            with self.subTest(arguments):
                self.fails(*arguments, expect=2)

    def test_version(self):
        self.assertRegex(self.run_program("--version").stdout, r"^tandem \d+\.\d+\.\d+\n$")


class TrackTest(ProgramTest):
    def test_track_status_untrack(self):
        database = self.make_tasks()
        self.assertIn("tasks", self.run_program("track", database, "tasks").stdout)
        status = self.json_of("status", database, "--json")
        self.assertEqual(status["tables"], [{"name": "tasks", "rows": 3}])
        self.assertEqual(status["peers"], [])
        self.assertRegex(status["site"], "^[0-9a-f]{32}$")
        text = self.run_program("status", database).stdout
        self.assertIn("tasks 3", text)
        self.run_program("untrack", database, "tasks")
        self.assertEqual(self.sql("app.db", "SELECT name FROM sqlite_schema WHERE name LIKE 'tandem%'"), [])
        self.assertEqual(self.sql("app.db", "SELECT count(*) FROM tasks"), [(3,)])

    def test_all_of_a_real_database(self):
        database = self.path("shop.db")
        (self.folder / "shop.db").write_bytes(CHINOOK.read_bytes())
        self.run_program("track", database, "--all")
        status = self.json_of("status", database, "--json")
        self.assertEqual(len(status["tables"]), 11)
        self.assertEqual(sum(table["rows"] for table in status["tables"]), 15607)
        self.assertIn("as it must be", self.run_program("verify", database).stdout)

    def test_track_again_changes_nothing(self):
        database = self.make_tasks()
        self.run_program("track", database, "tasks", "--policy", "tasks.title=lww")
        head = self.json_of("status", database, "--json")["head"]
        self.run_program("track", database, "--all")
        self.run_program("track", database, "tasks", "--policy", "tasks.title=lww")
        self.assertEqual(self.json_of("status", database, "--json")["head"], head)

    def test_what_cannot_be_tracked_is_refused_with_the_reason(self):
        database = self.make_tasks()
        self.sql("app.db", "CREATE TABLE keyless(a, b)", "CREATE VIEW seen AS SELECT * FROM tasks",
                 "CREATE VIRTUAL TABLE found USING fts5(text)")
        self.assertIn("primary key", self.fails("track", database, "keyless").lower())
        self.assertIn("view", self.fails("track", database, "seen").lower())
        self.assertIn("virtual", self.fails("track", database, "found").lower())
        self.fails("track", database, "absent")
        self.fails("track", database, "tasks", "keyless")
        self.assertEqual(self.sql("app.db", "SELECT name FROM sqlite_schema WHERE name LIKE 'tandem%'"), [])
        self.run_program("track", database, "--all")
        self.assertEqual([table["name"] for table in self.json_of("status", database, "--json")["tables"]], ["tasks"])

    def test_files_that_are_none(self):
        self.fails("status", self.path("absent.db"))
        self.fails("track", self.path("absent.db"), "tasks")
        (self.folder / "text.db").write_text("this is no database, however long it may be" * 100)
        for command in (["status"], ["digest"], ["verify"], ["audit"], ["conflicts"]):
            self.fails(*command, self.path("text.db"))
        plain = self.make_tasks("plain.db")
        self.assertIn("track", self.fails("status", plain))


class LookTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.database = self.make_tasks()
        self.run_program("track", self.database, "tasks")

    def test_digest_is_one_line_that_follows_the_rows(self):
        before = self.run_program("digest", self.database).stdout
        self.assertRegex(before, "^[0-9a-f]{32}\n$")
        self.sql("app.db", "UPDATE tasks SET done = 1 WHERE id = 't1'")
        self.assertNotEqual(self.run_program("digest", self.database).stdout, before)
        self.sql("app.db", "UPDATE tasks SET done = 0 WHERE id = 't1'")
        self.assertEqual(self.run_program("digest", self.database).stdout, before)

    def test_verify_two(self):
        other = self.make_tasks("other.db", rows=2)
        self.run_program("track", other, "tasks")
        done = self.run_program("verify", self.database, other, expect=1)
        self.assertIn("t2", done.stdout)
        self.sql("other.db", "INSERT INTO tasks VALUES ('t2', 'title 2', 0)")
        self.assertIn("equal", self.run_program("verify", self.database, other).stdout)

    def test_why(self):
        self.assertIn("t1", self.run_program("why", self.database, "tasks", "t1").stdout)
        report = self.json_of("why", self.database, "tasks", '"t1"', "--json")
        self.assertIn(report["state"], ("live", "pending"))
        self.assertEqual(report["key"], "t1")
        self.fails("why", self.database, "absent", "1")
        unknown = self.json_of("why", self.database, "tasks", "nobody", "--json")
        self.assertEqual(unknown["state"], "unknown")

    def test_why_of_negative_and_composite_keys(self):
        self.sql("app.db", "CREATE TABLE numbers(a INTEGER, b TEXT, v, PRIMARY KEY(a, b))", "CREATE TABLE one(a INTEGER PRIMARY KEY)",
                 "INSERT INTO numbers VALUES (-1, 'x', 0)", "INSERT INTO one VALUES (-5)")
        self.run_program("track", self.database, "--all")
        self.assertEqual(self.json_of("why", self.database, "numbers", '[-1, "x"]', "--json")["key"], [-1, "x"])
        self.assertIn("-5", self.run_program("why", self.database, "one", "-5").stdout)

    def test_conflicts_and_audit_of_a_peaceful_replica(self):
        self.assertIn("No conflict", self.run_program("conflicts", self.database).stdout)
        self.assertIn("empty", self.run_program("audit", self.database).stdout)
        self.assertEqual(self.json_of("conflicts", self.database, "--json"), {"conflicts": [], "quarantine": []})
        self.assertEqual(self.json_of("conflicts", self.database, "list", "--json"), {"conflicts": [], "quarantine": []})
        self.assertEqual(self.json_of("audit", self.database, "--json"), {"entries": []})
        self.fails("conflicts", self.database, "show", "abcdef")
        self.fails("conflicts", self.database, "undo", "abcdef")
        self.fails("conflicts", self.database, "resolve", "abcdef", "--take", "other")

    def test_looking_writes_nothing(self):
        def state():
            return self.sql("app.db", "SELECT * FROM tandem_meta ORDER BY name"), self.sql("app.db", "SELECT * FROM tandem_log")

        before = state()
        for command in (["status"], ["digest"], ["verify"], ["audit"], ["conflicts"], ["why"]):
            extra = ["tasks", "t1"] if command == ["why"] else []
            self.run_program(*command, self.database, *extra)
        self.assertEqual(state(), before)

    def test_json_is_one_document(self):
        for command in (["status"], ["audit"], ["conflicts"]):
            json.loads(self.run_program(*command, self.database, "--json").stdout)


if __name__ == "__main__":
    unittest.main()
