"""What a node tells of itself: metrics that Prometheus takes, a dashboard for whoever may see it, and which station of a change is slow."""

import json
import os
import sqlite3
import subprocess
import time
import unittest
from urllib.parse import urlsplit

from monitor_case import MonitorCase
from node import program_from_arguments
from page_client import Page
from proxy import Proxy
from waiting import eventually

# More than a busy disk does by itself.
DISK_MS = 500
LINK_S = 1.5  # At most, each way.
MERGE_STEPS = 6_000_000
PAGE_S = 1.0
NASTY = '<script>alert("x")</script>\\'


class Metrics(MonitorCase):
    def test_prometheus_takes_them_whatever_tables_and_peers_are_called(self):
        name = NASTY.replace('"', '""')
        self.make_hub(f'CREATE TABLE "{name}"(id INTEGER PRIMARY KEY, v TEXT)')
        self.program.ok("track", self.hub_file, "--all", "--policy", f"{NASTY}=ask")
        hub = self.serve(self.hub_file, "--name", NASTY)
        self.program.ok("clone", hub.url, self.device_file)
        for file, text in ((self.hub_file, "hub"), (self.device_file, "device")):
            self.sql(file, f'INSERT INTO "{name}" VALUES(1, \'{text}\')')
        device = self.serve(self.device_file, "--peer", hub.url, "--name", 'de"vice')
        eventually(lambda: self.metrics(hub).get("tandem_link_up", {}).get(frozenset({("peer", 'de"vice')})) == 1, "linked")
        eventually(lambda: any(dict(labels).get("table") == NASTY for labels in self.metrics(hub).get("tandem_open_conflicts", {})),
                   "the conflict is counted")
        found = self.metrics(device)
        self.assertTrue(self.monitor(device)["measures"])
        self.assertEqual(found["tandem_link_up"][frozenset({("peer", NASTY)})], 1)
        self.assertGreater(found["process_resident_memory_bytes"][frozenset()], 1e6)
        eventually(lambda: "conflicts_wait" in self.raised(hub), "the alert")

    def test_they_and_the_dashboard_want_the_token(self):
        self.make_hub()
        self.program.ok("track", self.hub_file, "tasks")
        token = os.path.join(self.folder, "token")
        with open(token, "w", encoding="ascii") as out:
            out.write("secret\n")
        hub = self.serve(self.hub_file, "--token-file", token)
        for target in ("/metrics", "/monitor/", "/monitor/?token=wrong", "/metrics?token=wrong"):
            self.assertEqual(self.get(hub, target)[0].status, 401, target)
        self.assertEqual(self.get(hub, "/metrics", Authorization="Bearer secret")[0].status, 200)
        for target in ("/metrics?token=secret", "/monitor/?token=secret", "/monitor/app.js", "/monitor/app.css"):
            self.assertEqual(self.get(hub, target)[0].status, 200, target)
        answer, _ = self.get(hub, "/monitor?token=secret")
        self.assertEqual((answer.status, answer.headers["Location"]), (307, "/monitor/?token=secret"))
        self.assertEqual(self.get(hub, "/monitor/../../etc/passwd?token=secret")[0].status, 404)
        self.assertEqual(self.get(hub, "/metrics", Host="attacker.example")[0].status, 403)

    def test_nothing_is_measured_where_nobody_wants_it(self):
        self.make_hub()
        self.program.ok("track", self.hub_file, "tasks")
        hub = self.serve(self.hub_file, "--no-measuring")
        answer, text = self.get(hub, "/metrics")
        self.assertEqual((answer.status, "measures nothing" in text), (404, True))
        report = self.monitor(hub)
        self.assertEqual((report["measures"], report["times"], report["counts"]), (False, [], []))

    def test_who_uses_the_processor_is_told_apart(self):
        self.make_hub()
        self.program.ok("track", self.hub_file, "tasks")
        node = self.serve(self.hub_file)

        def names():
            return {each["name"] for each in self.monitor(node)["process"]["threads"]}
        eventually(lambda: {"tandem.arbiter", "tandem.observer", "tandem.io", "tandem.watch"} <= names(), "threads are called by what they do")

    def test_peers_are_listed_after_a_restart(self):
        self.make_hub()
        hub, device = self.link_up()
        eventually(lambda: any(each["up"] for each in self.monitor(hub)["links"]), "linked")
        device.stop()
        hub.stop()
        hub.start()
        away = eventually(lambda: self.monitor(hub)["links"], "the hub lists whom it knows")[0]
        self.assertEqual((away["peer"], away["up"], away["planned"]), ("device", False, True))

    def test_every_row_is_counted_once(self):
        self.make_hub()
        hub, device = self.link_up()
        with sqlite3.connect(self.device_file, timeout=20) as db:
            db.executemany("INSERT INTO tasks(title) VALUES(?)", [(f"row {i}",) for i in range(3_000)])
        db.close()
        name = frozenset({("peer", "device")})
        eventually(lambda: self.metrics(hub)["tandem_rows_applied_total"][name] == 3_000, "all are counted at the hub")
        eventually(lambda: self.metrics(device)["tandem_rows_stamped_total"][frozenset()] == 3_000, "all are counted where they were written")
        eventually(lambda: self.metrics(device)["tandem_link_lag_changes"][frozenset({("peer", "hub")})] == 0, "all are acknowledged")


class Diagnosis(MonitorCase):
    def test_a_slow_disk_is_named(self):
        self.make_hub()
        hub, device = self.link_up(self.slow_disk(DISK_MS))
        self.edit(5)
        alert = eventually(lambda: self.raised(device).get("disk_slow"), "the device says that its disk is slow")
        self.assertIn("faster disk", alert["step"])
        self.assertEqual(self.monitor(hub)["slowest"]["station"], "stamped")

    def test_a_slow_link_is_named(self):
        self.make_hub()
        proxy = Proxy()
        self.addCleanup(proxy.stop)

        def through(hub):
            proxy.target_port = urlsplit(hub.url).port
            proxy.delay_s = LINK_S
            return proxy.url
        hub, device = self.link_up(url=through)
        self.edit(8)
        alert = eventually(lambda: self.raised(device).get("link_slow"), "the device says that its link is slow")
        self.assertIn("network", alert["cause"])
        self.assertEqual(self.monitor(hub)["slowest"]["station"], "received")

    def test_a_slow_merge_is_named(self):
        self.make_hub("CREATE TABLE words(n INTEGER)")
        self.program.ok("track", self.hub_file, "tasks")
        hub = self.serve(self.hub_file)
        self.program.ok("clone", hub.url, self.device_file)
        self.sql(self.hub_file, "CREATE TRIGGER index_words AFTER INSERT ON tasks BEGIN INSERT INTO words WITH RECURSIVE n(i) AS "
                 f"(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MERGE_STEPS}) SELECT count(*) FROM n; END")
        device = self.serve(self.device_file, "--peer", hub.url)
        self.edit(5)
        eventually(lambda: self.raised(hub).get("merge_slow"), "the hub says that it merges slowly")
        alert = eventually(lambda: self.raised(device).get("peer_merge_slow"), "the device says so of the hub")
        self.assertEqual(alert["subject"], "hub")
        self.assertEqual(self.monitor(hub)["slowest"]["station"], "merged")

    def test_a_slow_page_is_named(self):
        self.make_hub()
        self.program.ok("track", self.hub_file, "tasks")
        hub = self.serve(self.hub_file)
        page = Page(hub.url).open()
        self.addCleanup(page.close)
        live = page.watch("SELECT id, title FROM tasks", keys=["id"])
        live.step()
        for i in range(5):
            self.sql(self.hub_file, f"INSERT INTO tasks(title) VALUES('edit {i}')")
            message = page.next(live.request)
            time.sleep(PAGE_S)  # The page draws.
            page.aside.insert(0, message)
            live.step()
        alert = eventually(lambda: self.raised(hub).get("page_slow"), "the hub says that a page is slow")
        self.assertIn("LIMIT", alert["step"])
        told = self.monitor(hub)
        self.assertEqual(told["slowest"]["station"], "shown")
        self.assertEqual(told["waterfall"][-1]["stations"][-1]["station"], "shown")

    def test_who_says_goodbye_is_not_missed(self):
        self.make_hub()
        self.program.ok("track", self.hub_file, "tasks")
        hub = self.serve(self.hub_file)

        def end_of_link():
            return eventually(lambda: next((each for each in self.monitor(hub)["links"] if not each["up"]), None), "the link's end")
        self.program.ok("clone", hub.url, self.device_file)
        self.assertTrue(end_of_link()["planned"], "the clone")
        for i in range(20):  # The connection's end must not overtake what was said before.
            self.program.ok("sync", self.device_file, hub.url)
            self.assertTrue(end_of_link()["planned"], f"sync {i}")
        self.assertNotIn("tandem_links_lost_total", self.metrics(hub))

    def test_a_cut_link_is_told_and_forgotten_when_it_is_back(self):
        self.make_hub()
        hub, device = self.link_up()
        device.stop()  # Says goodbye: nobody misses it.
        device.arguments += ["--name", "desk"]
        device.start()
        eventually(lambda: any(each["up"] and each["peer"] == "desk" for each in self.monitor(hub)["links"]), "linked")
        device.kill()
        alert = eventually(lambda: self.raised(hub).get("link_down"), "the hub misses the device")
        self.assertEqual(alert["subject"], "desk")
        device.start()
        eventually(lambda: "link_down" not in self.raised(hub), "the hub has it again")


if __name__ == "__main__":
    MonitorCase.program = program_from_arguments()
    unittest.main()
