"""What a page whose writes never rest does to others: its rate, and how long an app's own connection waits for its commits.

Beside it the same app's writes with the node alone. `--fsync-ms` slows the node's disk down, as cheap flash does.
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "faults"))

from node import Node, Program
from page_client import DONE, EXECUTE, Page

OUTSTANDING = 200
PAUSE_S = 0.02
BUSY_TIMEOUT_S = 5
SLOW_DISK = Path(__file__).resolve().parents[1] / "faults/slow_disk.c"


class Burst(threading.Thread):
    """A page that has so many writes under way all the time."""

    def __init__(self, url, is_over):
        super().__init__(daemon=True)
        self.page, self.is_over, self.done = Page(url).open(), is_over, 0

    def run(self):
        under_way = 0
        while not self.is_over.is_set():
            while under_way < OUTSTANDING:
                self.page.say(EXECUTE, self.page.new_id(), 60_000, 0, "", [["INSERT INTO notes(text) VALUES('of the page')", []]], 0)
                under_way += 1
            answer = self.page.hear()
            if answer[0] != DONE:
                sys.exit(f"the page's write failed: {answer}")
            under_way -= 1
            self.done += 1
        self.page.close()


def app_writes(file, seconds):
    """How long each commit took, in ms, and how many were refused: by a connection as any app has one."""
    times, refused = [], 0
    db = sqlite3.connect(file, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        try:
            db.execute("INSERT INTO notes(text) VALUES('of the app')")
        except sqlite3.OperationalError:
            refused += 1
        times.append(1000 * (time.monotonic() - began))
        time.sleep(PAUSE_S)
    db.close()
    return sorted(times), refused


def told(what, times, refused):
    at = lambda share: times[min(len(times) - 1, int(share * len(times)))]
    print(f"{what}: p50 {at(0.5):.1f} ms, p99 {at(0.99):.1f} ms, longest {times[-1]:.1f} ms, {refused} of {len(times)} refused")


def measure(program, folder, seconds, fsync_ms):
    file = folder / "notes.db"
    with sqlite3.connect(file) as db:
        db.executescript("PRAGMA journal_mode = WAL; CREATE TABLE notes(id INTEGER PRIMARY KEY, text TEXT)")
    db.close()
    program.ok("track", file, "notes")
    environment = None
    if fsync_ms:
        library = folder / "slow_disk.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SLOW_DISK], check=True)
        environment = {**os.environ, "LD_PRELOAD": str(library), "TANDEM_TEST_FSYNC_MS": str(fsync_ms)}
    node = Node(program, file, "--listen", "127.0.0.1:0", env=environment).start()
    try:
        told("the app's commits, node at rest", *app_writes(file, seconds / 4))
        is_over = threading.Event()
        burst = Burst(node.url, is_over)
        burst.start()
        waited = app_writes(file, seconds)
        print(f"the page: {burst.done / seconds:,.0f} durable one-row writes a second")
        told("the app's commits meanwhile", *waited)
        is_over.set()
        burst.join(30)
    finally:
        node.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=Path, help="the program tandem")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--fsync-ms", type=int, default=0, help="what each fsync of the node takes longer")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tandem-burst-") as folder:
        measure(Program(options.program), Path(folder), options.seconds, options.fsync_ms)


if __name__ == "__main__":
    main()
