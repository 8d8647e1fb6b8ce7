"""Each alert in its real situation: what raises it is done to real nodes, and the alert names the step to take."""

import contextlib
import os
import re
import resource
import shutil
import socket
import sqlite3
import subprocess
import threading
import time
import unittest
from urllib.parse import urlsplit

from monitor_case import MonitorCase
from node import program_from_arguments
from page_client import DEADLINE_MS, EXECUTE, QUERY, Page
from proxy import Proxy
from waiting import TooLate, eventually
from wrong_clock import WrongClock

ROWS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) INSERT INTO tasks(title) SELECT 'row ' || i FROM n"
# A row that no other node gives the same id.
OF_ITS_OWN = "INSERT INTO tasks SELECT min(0, coalesce(min(id), 0)) - 1, ? FROM tasks"
# What grows when a node has stamped here, and when it has merged here.
STAMPED = "SELECT max(pos) FROM tandem_log"
MERGED = "SELECT max(pos) FROM tandem_log WHERE via <> 0"


class Alerts(MonitorCase):
    def must_raise(self, node, rule, *words, within_s=90):
        alert = eventually(lambda: self.raised(node).get(rule), f"the alert {rule}", within_s)
        for each in ("evidence", "cause", "step"):
            self.assertTrue(alert[each], f"{rule} has no {each}")
        for word in words:
            self.assertIn(word, alert["step"])
        return alert

    def on_either(self, rule, *nodes):
        """The node that warns of it."""
        return eventually(lambda: next((each for each in nodes if rule in self.raised(each)), None), f"the alert {rule} on either side", 90)

    def alone(self, *statements):
        """One node that writes for itself."""
        self.make_hub(*statements)
        self.program.ok("track", self.hub_file, "tasks")
        return self.serve(self.hub_file)

    def connect(self, file, **how):
        db = sqlite3.connect(file, timeout=60, isolation_level=None, **how)
        self.addCleanup(db.close)
        return db

    def apart(self, hub_writes, device_writes, *policies):
        """Both write while they do not hear of each other, and meet then; returns both nodes."""
        self.make_hub(ROWS.format(count=100))
        self.program.ok("track", self.hub_file, "tasks", *(each for policy in policies for each in ("--policy", policy)))
        hub = self.serve(self.hub_file)
        self.program.ok("clone", hub.url, self.device_file)
        self.sql(self.device_file, *device_writes)
        self.sql(self.hub_file, *hub_writes)
        return hub, self.serve(self.device_file, "--peer", hub.url)

    def test_conflicts_that_wait_for_a_person_and_many_at_once(self):
        hub, device = self.apart(["UPDATE tasks SET title = 'hub ' || id"], ["UPDATE tasks SET title = 'device ' || id"], "tasks.title=ask")
        self.must_raise(hub, "conflicts_wait")
        self.on_either("many_conflicts", hub, device)  # Whichever merges what the other wrote.

    def test_rows_that_a_constraint_does_not_admit(self):
        unique = "CREATE UNIQUE INDEX titles ON tasks(title)"
        hub, device = self.apart(["INSERT INTO tasks VALUES(500, 'the same')", unique], ["INSERT INTO tasks VALUES(501, 'the same')", unique])
        node = self.on_either("rows_set_aside", hub, device)
        self.assertNotIn("conflicts_wait", self.raised(node))  # Nobody wrote the same cell.
        kind = frozenset({("peer", "device" if node is hub else "hub"), ("kind", "constraint")})
        self.assertGreater(self.metrics(node)["tandem_conflicts_found_total"][kind], 0)

    def test_changes_that_a_hub_refuses(self):
        self.make_hub()
        self.program.ok("track", self.hub_file, "tasks")
        self.program.ok("rules", self.hub_file, "add", "short", "--table", "tasks", "--check", "length(new.title) < 9", "--message", "too long")
        hub = self.serve(self.hub_file)
        self.program.ok("clone", hub.url, self.device_file)
        self.serve(self.device_file, "--peer", hub.url)
        self.sql(self.device_file, "INSERT INTO tasks VALUES(1, 'far too long a title')")
        self.must_raise(hub, "changes_refused")

    def test_a_token_that_is_refused_and_peers_that_are_not_reached(self):
        tokens = [os.path.join(self.folder, name) for name in ("right", "wrong")]
        for token in tokens:
            with open(token, "w", encoding="ascii") as out:
                out.write(os.path.basename(token) * 8 + "\n")
            os.chmod(token, 0o600)
        self.make_hub()
        self.program.ok("track", self.hub_file, "tasks")
        self.page_secret = "wrong" * 8  # A node's secret opens its pages, too.
        hub = self.serve(self.hub_file, "--token-file", tokens[0])
        self.program.ok("clone", hub.url, self.device_file, "--token-file", tokens[0])
        silent = socket.create_server(("127.0.0.1", 0), backlog=64)  # Connections come about, and nothing is said.
        self.addCleanup(silent.close)
        vain = {"ws://127.0.0.1:1/", f"ws://127.0.0.1:{silent.getsockname()[1]}/"}
        device = self.serve(self.device_file, "--peer", hub.url, "--token-file", tokens[1],
                            *(argument for url in vain for argument in ("--peer", url)))
        refused = self.must_raise(device, "links_refused", "--token-file")
        self.assertEqual(refused["subject"], hub.url)
        self.assertIn("token", refused["cause"])
        self.page_secret = "right" * 8
        self.must_raise(hub, "links_refused", "--token-file")
        self.page_secret = "wrong" * 8
        calling = {each["url"]: each["state"] for each in self.monitor(device)["dialing"]}
        self.assertEqual(calling, {hub.url: "refused", **dict.fromkeys(vain, "calling")})

        def called_in_vain():
            return {each["subject"]: each for each in self.monitor(device)["alerts"] if each["rule"] == "peers_not_reached"}
        eventually(lambda: set(called_in_vain()) == vain, "an alert for each of them", 100)
        for each in called_in_vain().values():
            self.assertEqual(each["severity"], "warning")
            self.assertIn("--listen", each["step"])

    def test_sync_that_somebody_has_paused(self):
        self.make_hub()
        hub, device = self.link_up()
        for node in (device, hub):
            eventually(lambda: any(each["up"] for each in self.monitor(node)["links"]), "linked")
        self.ask(device, "pause")
        self.must_raise(device, "sync_paused", "resume")
        gone = eventually(lambda: next((each for each in self.monitor(hub)["links"] if not each["up"]), None), "the hub has heard of it")
        self.assertTrue(gone["planned"])  # It said goodbye: nobody misses it.
        self.sql(self.hub_file, "INSERT INTO tasks VALUES(77, 'while it was paused')")
        eventually(lambda: self.program.json("status", self.hub_file)["pending"] == 0, "the row is stamped")
        waiting = "SELECT count(*) FROM tasks WHERE id = 77"
        self.assertEqual(self.sql(self.device_file, waiting), [(0,)])
        self.ask(device, "resume")
        eventually(lambda: self.sql(self.device_file, waiting) == [(1,)], "the row that waited")
        eventually(lambda: "sync_paused" not in self.raised(device), "the end of the alert")

    def test_a_clock_that_is_off(self):
        self.make_hub()
        clock = WrongClock(self.folder, 25)
        _, device = self.link_up(clock.environment())
        self.must_raise(device, "clock_off", "clock")

    def test_a_writer_that_keeps_the_lock(self):
        node = self.alone()
        app = self.connect(self.hub_file)
        node.freeze()
        app.execute(ROWS.format(count=80_000))
        app.execute("BEGIN IMMEDIATE")  # and nothing more
        node.thaw()
        self.must_raise(node, "writes_not_stamped")
        app.execute("ROLLBACK")

    def test_a_log_that_cannot_be_checkpointed(self):
        node = self.alone()
        reader = self.connect(self.hub_file)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM tasks").fetchone()  # What it sees may not be overwritten.
        app = self.connect(self.hub_file)
        app.execute("CREATE TABLE untracked(body)")
        for _ in range(9):
            app.execute("INSERT INTO untracked VALUES(randomblob(10000000))")
        alert = self.must_raise(node, "wal_large")
        self.assertNotIn("bundle", alert["cause"])  # It is the app's own reader.
        reader.execute("COMMIT")

    def test_a_link_that_breaks_again_and_again(self):
        self.make_hub()
        proxy = Proxy()
        self.addCleanup(proxy.stop)

        def through(hub):
            proxy.target_port = urlsplit(hub.url).port
            return proxy.url
        _, device = self.link_up(url=through)

        def lost():
            return sum(self.metrics(device).get("tandem_links_lost_total", {}).values())
        for _ in range(4):
            eventually(lambda: any(each["up"] for each in self.monitor(device)["links"]), "linked")
            before = lost()
            proxy.cut()
            eventually(lambda: lost() > before, "the link's end is counted")
        self.must_raise(device, "link_flaps")

    def test_a_peer_that_stays_behind(self):
        self.make_hub()
        hub, device = self.link_up()
        eventually(lambda: any(each["up"] for each in self.monitor(device)["links"]), "linked")
        hub.freeze()
        self.sql(self.device_file, ROWS.format(count=30_000))
        alert = self.must_raise(device, "peer_behind")
        self.assertEqual(alert["subject"], "hub")
        hub.thaw()

    def test_a_log_that_grows(self):
        node = self.alone()
        self.program.ok("clone", node.url, self.device_file)  # It was here once: the log is kept for it.
        app = self.connect(self.hub_file)
        for _ in range(6):
            app.execute(ROWS.format(count=90_000))
        self.must_raise(node, "log_large", within_s=240)

    def again_and_again(self, work):
        """Does it in a thread of its own until the test is over."""
        is_over = threading.Event()

        def run():
            while not is_over.is_set():
                work()
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(is_over.set)

    def hold_the_lock(self, file, seconds, progress):
        """What the node has done there is seen by the query; each time it gets its turn before the lock is held anew.
        SQLite's lock knows no queue: without that, luck alone would decide whether the node ever gets it."""
        def hold():
            with contextlib.closing(sqlite3.connect(file, timeout=60, isolation_level=None)) as app:
                app.execute("PRAGMA synchronous = OFF")
                app.execute(OF_ITS_OWN, ("at once",))  # What the node has to do meanwhile.
                app.execute("BEGIN IMMEDIATE")
                app.execute(OF_ITS_OWN, ("slowly",))
                before = app.execute(progress).fetchone()
                time.sleep(seconds)  # What an app does that asks somebody while it writes.
                app.execute("COMMIT")
                with contextlib.suppress(TooLate):  # The test may be over.
                    eventually(lambda: app.execute(progress).fetchone() != before, "the node's turn", 10, 0.005)
        self.again_and_again(hold)

    def test_a_writer_that_holds_the_lock_again_and_again(self):
        node = self.alone()
        self.hold_the_lock(self.hub_file, 0.4, STAMPED)
        self.must_raise(node, "lock_contention", "busy_timeout")

    def test_merges_that_wait_for_a_writer(self):
        self.make_hub()
        hub, _ = self.link_up()
        self.hold_the_lock(self.hub_file, 0.6, MERGED)
        app = self.connect(self.device_file, check_same_thread=False)
        app.execute("INSERT INTO tasks VALUES(1000000, 'edited')")

        def edit():
            app.execute("UPDATE tasks SET title = title || '.' WHERE id = 1000000")
            time.sleep(0.05)
        self.again_and_again(edit)
        self.must_raise(hub, "merge_waits_for_lock", "short")

    def test_changes_that_wait_because_a_peer_takes_no_more(self):
        self.make_hub()
        _, device = self.link_up()
        app = self.connect(self.device_file, check_same_thread=False)
        app.execute("PRAGMA synchronous = OFF")
        app.execute("INSERT INTO tasks VALUES(1000000, '')")
        self.hold_the_lock(self.hub_file, 1.5, MERGED)

        def edit():  # Each is more than may be on its way: the next one waits until the hub has merged it.
            app.execute("UPDATE tasks SET title = randomblob(2000000) WHERE id = 1000000")
            time.sleep(0.2)
        self.again_and_again(edit)
        alert = self.must_raise(device, "bundling_slow", "background", within_s=100)  # It is a minute's median.
        self.assertEqual(alert["subject"], "hub")

    def test_an_actor_that_is_kept_waiting_while_messages_come(self):
        self.make_hub()
        self.program.ok("track", self.hub_file, "tasks")
        node = self.serve(self.hub_file, env=self.slow_disk(6_000))
        page = Page(node.url).open()
        self.addCleanup(page.close)
        page.say(EXECUTE, page.new_id(), DEADLINE_MS, 0, "", [[OF_ITS_OWN, ["until it is durable"]]], 0)
        for _ in range(3_000):  # They wait behind it.
            page.say(QUERY, page.new_id(), DEADLINE_MS, 0, "SELECT 1", [], 0, 1)
        alert = self.must_raise(node, "mailbox_deep", "disk_slow")
        self.assertEqual(alert["subject"], "endpoint")
        self.assertRegex(alert["evidence"], "^3,?000 messages wait for the endpoint$")
        page.next(3_001)  # None was lost.
        eventually(lambda: "mailbox_deep" not in self.raised(node), "the alert's end", 60)

    def limit_files(self, node, more):
        """So many descriptors more than it has open now; those that it is about to close do not count."""
        def open_now():
            time.sleep(0.02)
            return len(os.listdir(f"/proc/{node.process.pid}/fd"))
        now = min(open_now() for _ in range(50))
        resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE, (now + more, resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE)[1]))

    def test_descriptors_that_run_out(self):
        node = self.alone()
        usual = resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE)
        self.limit_files(node, 5)
        self.must_raise(node, "files_run_out", "LimitNOFILE=4096", "ulimit -n 4096")
        self.limit_files(node, 0)
        with contextlib.ExitStack() as waiting:
            for _ in range(8):
                waiting.enter_context(socket.create_connection(("127.0.0.1", urlsplit(node.url).port)))
            # There are ten tries a second to accept them; nobody can be asked meanwhile.
            eventually(lambda: sum(map(int, re.findall(r"network had (\d+) errors", node.text()))) >= 10, "errors in the log")
            resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE, usual)
        alert = self.must_raise(node, "errors_swallowed", "LimitNOFILE=4096")
        self.assertEqual(alert["subject"], "network")
        self.assertIn("open files", alert["cause"])
        self.assertIn("could not be accepted", node.text())

    def test_a_part_of_the_node_that_fails(self):
        node = self.alone()
        self.program.ok("clone", node.url, self.device_file)
        usual = resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE)

        def fails():  # The connection is accepted, and the database can't be opened for its queue.
            self.limit_files(node, 1)
            return self.program.run("sync", self.device_file, node.url).returncode == 1
        eventually(fails, "a link whose queue can't be opened", 240)
        resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE, usual)
        alert = self.must_raise(node, "actor_restarted", "log")
        self.assertEqual(alert["subject"], "queue")

    def test_a_disk_that_fills(self):
        small = os.path.join(self.folder, "small")
        os.mkdir(small)
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", small], check=False).returncode != 0:
            self.skipTest("a small disk can't be mounted by this user")
        self.addCleanup(subprocess.run, ["umount", "-l", small], check=True)
        self.hub_file = os.path.join(small, "hub.db")
        node = self.alone()
        self.assertNotIn("disk_fills", self.raised(node))
        with open(os.path.join(small, "pictures"), "wb") as out:
            out.write(bytes(shutil.disk_usage(small).free - 1_000_000))
        alert = self.must_raise(node, "disk_fills", "--retain-days 7")
        self.assertIn("MB", alert["evidence"])


if __name__ == "__main__":
    MonitorCase.program = program_from_arguments()
    unittest.main()
