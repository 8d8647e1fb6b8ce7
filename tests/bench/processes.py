"""Nodes as processes, and what they cost."""

import json
import os
import queue
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

PATIENCE_S = 120


class Trouble(Exception):
    """A measurement that could not be made, and why."""


class Programs:
    """The programs under measurement."""

    def __init__(self, build):
        self.build = build
        self.tandem = str(build / "tandem")
        self.driver = str(build / "tandem_bench")

    def run_tandem(self, *arguments):
        done = subprocess.run([self.tandem, *map(str, arguments)], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise Trouble(done.stderr.strip())

    def drive(self, *arguments):
        """Runs one command of the driver to its end; returns what it measured."""
        done = subprocess.run([self.driver, *map(str, arguments)], capture_output=True, text=True, timeout=1800)
        if done.returncode != 0:
            raise Trouble(done.stderr.strip())
        return json.loads(done.stdout)

    def start_driving(self, *arguments):
        return subprocess.Popen([self.driver, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


def result_of(process, timeout_s=PATIENCE_S):
    try:
        out, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Trouble(f"{process.args} did not end within {timeout_s} s") from None
    if process.returncode != 0:
        raise Trouble(f"{process.args} ended with {process.returncode}")
    return json.loads(out)


class Node:
    """One `tandem serve`."""

    def __init__(self, programs, database, peer=None, options=()):
        self.database = Path(database)
        command = [programs.tandem, "serve", str(database), "--listen", "127.0.0.1:0", *options]
        if peer:
            command += ["--peer", peer]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline().strip()
        if not line.startswith("ready ws://"):
            self.process.kill()
            raise Trouble(f"serve {database} said '{line}': {self.process.stderr.read().strip()}")
        self.url = line.removeprefix("ready ")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()

    def memory_mb(self, field="VmRSS"):
        """VmRSS: now; VmHWM: the most so far."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
        raise Trouble(f"{self.database} is not running")

    def cpu_s(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_until(condition, what, timeout_s=PATIENCE_S):
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise Trouble(f"{what} did not come about within {timeout_s} s")
        time.sleep(0.02)


def count_rows(database):
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30) as app:
            return app.execute("SELECT count(*) FROM tasks").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def wait_rows(database, rows, timeout_s=PATIENCE_S):
    wait_until(lambda: count_rows(database) >= rows, f"{rows} rows in {database}", timeout_s)


class CountingProxy:
    """Hands TCP on, and counts the bytes of each direction."""

    def __init__(self, url):
        host, port = url.removeprefix("ws://").rstrip("/").rsplit(":", 1)
        self.target = (host, int(port))
        self.up = 0
        self.down = 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self.server.getsockname()[1]}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:
                return
            far = socket.create_connection(self.target)
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._hand_on, args=(near, far, "up"), daemon=True).start()
            threading.Thread(target=self._hand_on, args=(far, near, "down"), daemon=True).start()

    def _hand_on(self, source, sink, direction):
        try:
            while chunk := source.recv(1 << 16):
                setattr(self, direction, getattr(self, direction) + len(chunk))
                sink.sendall(chunk)
        except OSError:
            pass
        for one in (source, sink):
            one.close()

    def close(self):
        self.server.close()


class DelayingProxy(CountingProxy):
    """A link as wide as can be, but long: what comes in goes on after `delay_s`."""

    def __init__(self, url, delay_s):
        self.delay_s = delay_s
        super().__init__(url)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _hand_on(self, source, sink, direction):
        under_way = queue.SimpleQueue()
        threading.Thread(target=self._deliver, args=(under_way, sink), daemon=True).start()
        try:
            while chunk := source.recv(1 << 16):
                under_way.put((time.monotonic() + self.delay_s, chunk))
        except OSError:
            pass
        under_way.put((time.monotonic() + self.delay_s, None))

    @staticmethod
    def _deliver(under_way, sink):
        while True:
            due, chunk = under_way.get()
            time.sleep(max(0, due - time.monotonic()))
            if chunk is None:
                break
            try:
                sink.sendall(chunk)
            except OSError:
                break
        sink.close()
