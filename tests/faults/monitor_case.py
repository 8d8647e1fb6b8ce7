"""A hub and a device whose figures and alerts a test reads."""

import http.client
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import unittest
from urllib.parse import urlsplit

from node import Node
from page_client import Page
from prometheus_text import parse
from waiting import eventually


SLOW_DISK = os.path.join(os.path.dirname(__file__), "slow_disk.c")


class MonitorCase(unittest.TestCase):
    program = None  # set by whoever runs the tests
    page_secret = ""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tandem-monitor-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.hub_file, self.device_file = (os.path.join(self.folder, name) for name in ("hub.db", "device.db"))

    def sql(self, file, *statements):
        with sqlite3.connect(file, timeout=20) as db:
            rows = [db.execute(each).fetchall() for each in statements]
        db.close()
        return rows[-1]

    def make_hub(self, *statements):
        self.sql(self.hub_file, "PRAGMA journal_mode=WAL", "CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT)",
                 *statements)

    def serve(self, file, *arguments, env=None):
        node = Node(self.program, file, "--listen", "127.0.0.1:0", *arguments, env=env)
        self.addCleanup(node.kill)
        return node.start()

    def slow_disk(self, milliseconds):
        """The environment of a node each of whose fsyncs takes so much longer."""
        library = os.path.join(self.folder, "slow_disk.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SLOW_DISK], check=True)
        asan = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        return {**os.environ, "LD_PRELOAD": library, "TANDEM_TEST_FSYNC_MS": str(milliseconds), "ASAN_OPTIONS": asan}

    def get(self, node, target, **headers):
        where = urlsplit(node.url)
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=20)
        connection.request("GET", target, headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer, text

    def metrics(self, node):
        answer, text = self.get(node, "/metrics")
        self.assertEqual(answer.status, 200)
        return parse(text)

    def ask(self, node, what):
        page = Page(node.url, token=self.page_secret).open()
        try:
            return json.loads(page.ask(what))
        finally:
            page.close()

    def monitor(self, node):
        return self.ask(node, "monitor")

    def link_up(self, device_env=None, url=None):
        """A device that writes, and the hub that it writes to."""
        self.program.ok("track", self.hub_file, "tasks")
        hub = self.serve(self.hub_file)
        self.program.ok("clone", hub.url, self.device_file)
        device = self.serve(self.device_file, "--peer", url(hub) if url else hub.url, env=device_env)
        return hub, device

    def edit(self, count):
        """One after the other, each all the way."""
        for i in range(count):
            self.sql(self.device_file, f"INSERT INTO tasks(title) VALUES('edit {i}')")
            eventually(lambda: self.sql(self.hub_file, "SELECT count(*) FROM tasks")[0][0] > i, f"edit {i} is there")
            eventually(self.is_noted, f"the device has written down that edit {i} is there")

    def is_noted(self):
        """Nothing of one edit keeps the next one waiting."""
        peers = self.program.json("status", self.device_file)["peers"]
        return peers and peers[0]["acknowledged"] >= self.sql(self.device_file, "SELECT max(pos) FROM tandem_log")[0][0]

    def raised(self, node):
        return {each["rule"]: each for each in self.monitor(node)["alerts"]}
