"""Copied files, backups that are put back, and clocks that are wrong: nothing lost, nothing back from the dead, the user told."""

import os
import shutil
import sqlite3
import tempfile
import time
import unittest

from held_port import held_port
from node import Node, program_from_arguments
from waiting import eventually
from wrong_clock import WrongClock

SCHEMA = "CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT, note TEXT)"
HOUR_S = 3600
DAY_S = 24 * HOUR_S


def sql(path, *statements):
    db = sqlite3.connect(path, timeout=20)
    with db:
        for statement in statements:
            rows = db.execute(statement).fetchall()
    db.close()
    return rows


def rows_of(path):
    return sql(path, "SELECT id, title, note FROM tasks ORDER BY id")


class RecoveryTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tandem-recovery-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.hub_file = self.path("hub.db")
        sql(self.hub_file, "PRAGMA journal_mode = WAL", SCHEMA, "INSERT INTO tasks VALUES (1, 'one', 'n'), (2, 'two', 'n'), (3, 'three', 'n')")
        PROGRAM.ok("track", self.hub_file, "tasks")
        self.port = held_port(self)
        self.url = f"ws://127.0.0.1:{self.port}/"
        self.hub = self.serve_hub()

    def path(self, name):
        return os.path.join(self.folder, name)

    def serve_hub(self, **how):
        node = Node(PROGRAM, self.hub_file, "--listen", f"127.0.0.1:{self.port}", **how).start()
        self.addCleanup(node.kill)
        return node

    def serve(self, path, **how):
        node = Node(PROGRAM, path, "--peer", self.url, **how).start()
        self.addCleanup(node.kill)
        return node

    def clone(self, name):
        PROGRAM.ok("clone", self.url, self.path(name))
        return self.path(name)

    def backup(self, path):
        """As an operator takes one, while the file is in use. What it sent has come to rest: else a copy can't know how far its
        peers knew of it, and a few conflicts more than need be are noted."""
        eventually(lambda: all(peer["applied"] == PROGRAM.json("status", self.hub_file)["head"] and peer["to_send"] == 0
                               for peer in PROGRAM.json("status", path)["peers"]) or path == self.hub_file, "all is at rest")
        target = path + ".backup"
        source, copy = sqlite3.connect(path), sqlite3.connect(target)
        source.backup(copy)
        source.close()
        copy.close()
        return target

    def put_back(self, backup, path):
        """Over the old file, which keeps its inode, as `cp` does."""
        for suffix in ("-wal", "-shm"):
            if os.path.exists(path + suffix):
                os.remove(path + suffix)
        shutil.copyfile(backup, path)

    def all_equal(self, files, expected):
        for file in files:
            eventually(lambda: rows_of(file) == expected, f"{os.path.basename(file)} has all rows: {expected}", 60)
        eventually(lambda: len({PROGRAM.digest(file) for file in files}) == 1, "all digests are equal")

    def nothing_in_audit(self, *files):
        for file in files:
            self.assertEqual(PROGRAM.json("audit", file)["entries"], [], file)

    def told_of_new_identity(self, file, word):
        self.assertIn(word, PROGRAM.json("status", file)["renewed_why"])
        self.assertIn("Identity", PROGRAM.ok("status", file))

    # --- copies ---------------------------------------------------------------------------------

    def test_a_file_copied_while_it_is_used_and_both_used_on(self):
        path = self.clone("a.db")
        node = self.serve(path)
        sql(path, "INSERT INTO tasks VALUES (10, 'before the copy', 'n')")
        eventually(lambda: len(rows_of(self.hub_file)) == 4, "the hub has the row")
        copy = self.path("copy.db")
        shutil.move(self.backup(path), copy)
        shutil.copy(path + "-tandem", copy + "-tandem")
        sql(copy, "INSERT INTO tasks VALUES (20, 'by the copy, ahead of its first start', 'n')", "DELETE FROM tasks WHERE id = 2")
        sql(path, "INSERT INTO tasks VALUES (30, 'by the original', 'n')", "UPDATE tasks SET title = 'changed' WHERE id = 10")
        second = self.serve(copy)
        sql(copy, "UPDATE tasks SET note = 'by the copy' WHERE id = 10")
        self.all_equal([self.hub_file, path, copy], [
            (1, "one", "n"), (3, "three", "n"), (10, "changed", "by the copy"), (20, "by the copy, ahead of its first start", "n"),
            (30, "by the original", "n")])
        self.assertNotEqual(PROGRAM.json("status", path)["site"], PROGRAM.json("status", copy)["site"])
        self.told_of_new_identity(copy, "another file")
        self.nothing_in_audit(self.hub_file, path, copy)
        node.stop()
        second.stop()
        PROGRAM.ok("verify", path, copy)

    def test_a_hub_file_copied_to_a_device(self):
        copy = self.path("copy.db")
        shutil.move(self.backup(self.hub_file), copy)
        sql(copy, "UPDATE tasks SET title = 'by the device' WHERE id = 1", "DELETE FROM tasks WHERE id = 2")
        sql(self.hub_file, "UPDATE tasks SET note = 'by the hub' WHERE id = 1", "INSERT INTO tasks VALUES (4, 'by the hub', 'n')")
        self.serve(copy)
        self.all_equal([self.hub_file, copy], [(1, "by the device", "by the hub"), (3, "three", "n"), (4, "by the hub", "n")])
        self.nothing_in_audit(self.hub_file, copy)

    # --- backups --------------------------------------------------------------------------------

    def work_after_the_backup(self, path, other):
        """Of which nothing may be lost, nor come back from the dead, when the file at `path` is put back to what it was."""
        sql(path, "INSERT INTO tasks VALUES (11, 'after the backup', 'n')", "UPDATE tasks SET title = 'changed' WHERE id = 1")
        sql(path, "DELETE FROM tasks WHERE id = 2", "UPDATE tasks SET title = 'changed after' WHERE id = 10")
        sql(other, "INSERT INTO tasks VALUES (12, 'by another', 'n')")
        self.all_equal([path, other], [(1, "changed", "n"), (3, "three", "n"), (10, "changed after", "n"), (11, "after the backup", "n"),
                                       (12, "by another", "n")])

    AFTER_ALL = [(1, "changed", "after the restore"), (10, "changed after", "n"), (11, "after the backup", "n"), (12, "by another", "n"),
                 (13, "after the restore", "n"), (14, "elsewhere meanwhile", "n")]

    def test_yesterdays_backup_put_back_on_a_leaf(self):
        path, other = self.clone("a.db"), self.clone("b.db")
        self.serve(other)
        node = self.serve(path)
        sql(path, "INSERT INTO tasks VALUES (10, 'before the backup', 'n')")
        eventually(lambda: len(rows_of(other)) == 4, "the other one has the row")
        backup = self.backup(path)
        node.stop()
        node = self.serve(path)  # it ran more than once since
        self.work_after_the_backup(path, other)
        node.stop()
        self.put_back(backup, path)
        sql(path, "INSERT INTO tasks VALUES (13, 'after the restore', 'n')", "UPDATE tasks SET note = 'after the restore' WHERE id = 1",
            "DELETE FROM tasks WHERE id = 3")
        sql(other, "INSERT INTO tasks VALUES (14, 'elsewhere meanwhile', 'n')")
        node = self.serve(path)
        self.all_equal([self.hub_file, path, other], self.AFTER_ALL)
        self.told_of_new_identity(path, "backup")
        self.nothing_in_audit(self.hub_file, path, other)
        node.stop()
        PROGRAM.ok("verify", path)

    def test_a_backup_put_back_after_a_crash_and_written_to_beyond_what_was_lost(self):
        # The marker beside the file is of the node's start and tells nothing; the log is longer than any peer remembers.
        path, other = self.clone("a.db"), self.clone("b.db")
        self.serve(other)
        node = self.serve(path)
        sql(path, "INSERT INTO tasks VALUES (10, 'before the backup', 'n')")
        eventually(lambda: len(rows_of(other)) == 4, "the other one has the row")
        backup = self.backup(path)
        self.work_after_the_backup(path, other)
        node.kill()
        self.put_back(backup, path)
        many = [f"INSERT INTO tasks VALUES ({i}, 'many', 'n')" for i in range(100, 200)]
        sql(path, *many, "INSERT INTO tasks VALUES (13, 'after the restore', 'n')", "UPDATE tasks SET note = 'after the restore' WHERE id = 1",
            "DELETE FROM tasks WHERE id = 3")
        sql(other, "INSERT INTO tasks VALUES (14, 'elsewhere meanwhile', 'n')")
        self.serve(path)
        self.all_equal([self.hub_file, path, other], self.AFTER_ALL + [(i, "many", "n") for i in range(100, 200)])
        self.told_of_new_identity(path, "restored or copied")
        self.nothing_in_audit(self.hub_file, path, other)

    def test_yesterdays_backup_put_back_on_the_hub(self):
        path, other = self.clone("a.db"), self.clone("b.db")
        nodes = [self.serve(path), self.serve(other)]
        sql(path, "INSERT INTO tasks VALUES (10, 'before the backup', 'n')")
        eventually(lambda: len(rows_of(other)) == 4, "the other one has the row")
        backup = self.backup(self.hub_file)
        self.hub.stop()
        self.hub = self.serve_hub()
        self.work_after_the_backup(path, other)
        nodes[1].stop()
        self.hub.stop()
        self.put_back(backup, self.hub_file)
        sql(self.hub_file, "INSERT INTO tasks VALUES (13, 'after the restore', 'n')", "UPDATE tasks SET note = 'after the restore' WHERE id = 1",
            "DELETE FROM tasks WHERE id = 3")
        sql(other, "INSERT INTO tasks VALUES (14, 'elsewhere meanwhile', 'n')")
        self.hub = self.serve_hub()
        self.serve(other)
        self.all_equal([self.hub_file, path, other], self.AFTER_ALL)
        self.told_of_new_identity(self.hub_file, "backup")
        self.nothing_in_audit(self.hub_file, path, other)

    # --- peers that stay away -------------------------------------------------------------------

    def test_a_peer_that_was_away_for_too_long_gets_a_snapshot_and_loses_nothing(self):
        path, other = self.clone("a.db"), self.clone("b.db")
        self.hub.stop()
        self.hub = Node(PROGRAM, self.hub_file, "--listen", f"127.0.0.1:{self.port}", "--retain-days", "0.00002").start()
        self.addCleanup(self.hub.kill)
        node = self.serve(other)
        sql(path, "INSERT INTO tasks VALUES (20, 'unsent', 'n')", "UPDATE tasks SET note = 'unsent' WHERE id IN (1, 2)")
        sql(other, "DELETE FROM tasks WHERE id IN (2, 3)", "INSERT INTO tasks VALUES (4, 'new', 'n')")
        eventually(lambda: len(rows_of(self.hub_file)) == 2, "the hub has it")
        # The next look at the log is half a minute away.
        eventually(lambda: PROGRAM.json("status", self.hub_file)["log_entries"] == 0, "nothing is kept", 90)
        self.assertEqual(sql(self.hub_file, "SELECT count(*) FROM tandem_dead"), [(0,)])
        self.serve(path)
        self.all_equal([self.hub_file, path, other], [(1, "one", "unsent"), (2, "two", "unsent"), (4, "new", "n"), (20, "unsent", "n")])
        node.stop()

    # --- clocks ---------------------------------------------------------------------------------

    def audited(self, value, *files):
        for file in files:
            eventually(lambda: value in PROGRAM.ok("audit", file), f"{value!r} is in the audit trail of {file}")

    def trouble_of(self, file):
        return " ".join(peer["trouble"] or "" for peer in PROGRAM.json("status", file)["peers"])

    def meet_with_clock(self, offset_s):
        """Device a writes by a wrong clock and offline; later, by the right time, b writes the same cell. Then they meet."""
        path, other = self.clone("a.db"), self.clone("b.db")
        clock = WrongClock(self.folder, offset_s)
        clock.write(path, "INSERT INTO tasks VALUES (20, 'by a wrong clock', 'n')", "UPDATE tasks SET title = 'by a wrong clock' WHERE id = 1")
        sql(other, "UPDATE tasks SET title = 'later, by a right clock' WHERE id = 1")
        self.serve(other)
        eventually(lambda: "later" in str(rows_of(self.hub_file)), "b's write is at the hub")
        node = self.serve(path, env=clock.environment())
        clock.write(path, "INSERT INTO tasks VALUES (21, 'while linked', 'n')")
        files = [self.hub_file, path, other]
        self.all_equal(files, [(1, "later, by a right clock", "n"), (2, "two", "n"), (3, "three", "n"), (20, "by a wrong clock", "n"),
                               (21, "while linked", "n")])
        self.audited("by a wrong clock", *files)
        return path, node, clock

    def test_a_clock_an_hour_ahead(self):
        path, _, clock = self.meet_with_clock(HOUR_S)
        self.assertIn("ahead of", self.trouble_of(path))
        self.assertIn("Set the clock", PROGRAM.ok("status", path))
        # What others write from now on is not overruled by it either, and it writes on as if its clock were right.
        sql(self.hub_file, "UPDATE tasks SET title = 'by the hub' WHERE id = 20")
        eventually(lambda: "by the hub" in str(rows_of(path)), "the hub's write stands at the device")
        clock.write(path, "UPDATE tasks SET title = 'by the device' WHERE id = 20")
        eventually(lambda: "by the device" in str(rows_of(self.hub_file)), "the device's later write stands at the hub")

    def test_a_clock_a_day_behind(self):
        path, _, _ = self.meet_with_clock(-DAY_S)
        self.assertIn("behind", self.trouble_of(path))

    def test_a_clock_of_1970(self):
        path, _, _ = self.meet_with_clock(60 - int(time.time()))
        self.assertIn("behind", self.trouble_of(path))

    def test_a_clock_that_jumps_while_linked(self):
        path, other = self.clone("a.db"), self.clone("b.db")
        clock = WrongClock(self.folder)
        self.serve(other)
        self.serve(path, env=clock.environment())
        for number, offset_s in enumerate([0, HOUR_S, -HOUR_S, 7 * DAY_S, 0]):
            clock.set(offset_s)
            clock.write(path, f"INSERT INTO tasks VALUES ({30 + number}, 'jump {offset_s}', 'n')")
            eventually(lambda: f"jump {offset_s}" in str(rows_of(other)), f"what was written at {offset_s} s is at the other", 60)
        sql(other, "UPDATE tasks SET title = 'later' WHERE id = 33")
        eventually(lambda: "later" in str(rows_of(path)), "a later write of a right clock stands")

    def test_a_hub_whose_clock_jumps(self):
        self.hub.stop()
        clock = WrongClock(self.folder)
        self.hub = self.serve_hub(env=clock.environment())
        path = self.clone("a.db")
        self.serve(path)
        for number, offset_s in enumerate([HOUR_S, 0, -DAY_S]):
            clock.set(offset_s)
            clock.write(self.hub_file, f"INSERT INTO tasks VALUES ({40 + number}, 'hub at {offset_s}', 'n')")
            eventually(lambda: f"hub at {offset_s}" in str(rows_of(path)), f"what the hub wrote at {offset_s} s is at the device", 60)
            sql(path, f"INSERT INTO tasks VALUES ({50 + number}, 'device {number}', 'n')")
            eventually(lambda: f"device {number}" in str(rows_of(self.hub_file)), "what the device wrote is at the hub", 60)


PROGRAM = program_from_arguments()

if __name__ == "__main__":
    unittest.main(verbosity=2)
