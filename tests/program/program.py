"""Runs the program under test (TANDEM_PROGRAM) in a temporary folder of each test's own."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

PROGRAM = os.environ.get("TANDEM_PROGRAM", str(pathlib.Path(__file__).parents[2] / "build/tandem"))
CHINOOK = pathlib.Path(__file__).parents[2] / "demos/data/chinook.sqlite"
PATIENCE_S = 30


def wait_until(holds, what: str):
    """Waits for a condition; fails loudly when it does not come true in time."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        result = holds()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {PATIENCE_S} s")
        time.sleep(0.005)


class Node:
    """`tandem serve` in the background; ready when constructed."""

    def __init__(self, *arguments: str, log: pathlib.Path):
        self.log = log
        with log.open("w") as errors:
            self.process = subprocess.Popen([PROGRAM, "serve", *arguments], stdout=subprocess.PIPE, stderr=errors, text=True)
        self.ready_line = self.process.stdout.readline().strip()
        if not self.ready_line.startswith("ready"):
            self.process.kill()
            raise AssertionError(f"not ready: {self.ready_line!r} {log.read_text()}")

    @property
    def url(self) -> str:
        return self.ready_line.split()[1]

    def end(self, how: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        return status


class ProgramTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tandem-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def run_program(self, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess:
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, expect, f"{arguments}: {done.stdout}{done.stderr}")
        return done

    def fails(self, *arguments: str, expect: int = 1) -> str:
        """Runs what must fail; returns the one line on standard error."""
        done = self.run_program(*arguments, expect=expect)
        lines = [line for line in done.stderr.splitlines() if " … " not in line]  # What takes longer than a second says so.
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertTrue(lines[0].startswith("tandem: "), done.stderr)
        return lines[0] + "\n"

    def json_of(self, *arguments: str):
        return json.loads(self.run_program(*arguments).stdout)

    def sql(self, name: str, *statements: str):
        """Plain SQL by Python's own SQLite: nothing of ours is involved. Returns the last statement's rows."""
        with contextlib.closing(sqlite3.connect(self.path(name), timeout=PATIENCE_S)) as connection:
            rows = []
            for statement in statements:
                rows = connection.execute(statement).fetchall()
            connection.commit()
            return rows

    def make_tasks(self, name: str = "app.db", rows: int = 3) -> str:
        self.sql(name, "CREATE TABLE tasks(id TEXT PRIMARY KEY, title TEXT, done INTEGER)",
                 *[f"INSERT INTO tasks VALUES ('t{row}', 'title {row}', 0)" for row in range(rows)])
        return self.path(name)

    def serve(self, *arguments: str) -> Node:
        node = Node(*arguments, log=self.folder / f"{time.monotonic_ns()}.log")
        self.addCleanup(node.end, signal.SIGKILL)
        return node

    def digest(self, name: str) -> str:
        return self.run_program("digest", self.path(name)).stdout.strip()
