"""A wall clock that is off, for processes that are started with it: the program under test, and the app beside it."""

import os
import subprocess
import sys

SOURCE = os.path.join(os.path.dirname(__file__), "wrong_clock.c")
WRITE = ("import sqlite3, sys\n"
         "db = sqlite3.connect(sys.argv[1], timeout=20)\n"
         "[db.execute(each) for each in sys.argv[2:]]\n"
         "db.commit()\n")


class WrongClock:
    def __init__(self, folder, offset_s=0):
        self.library = os.path.join(folder, "wrong_clock.so")
        self.offset = os.path.join(folder, f"clock-{id(self)}")
        if not os.path.exists(self.library):
            subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.library, SOURCE], check=True)
        self.set(offset_s)

    def set(self, offset_s):
        fresh = self.offset + ".new"
        with open(fresh, "w", encoding="ascii") as out:
            out.write(str(int(offset_s * 1000)))
        os.rename(fresh, self.offset)

    def environment(self):
        asan = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        return {**os.environ, "LD_PRELOAD": self.library, "TANDEM_TEST_CLOCK": self.offset, "ASAN_OPTIONS": asan}

    def write(self, database, *statements):
        """What an app on a machine with this clock does."""
        subprocess.run([sys.executable, "-c", WRITE, database, *statements], env=self.environment(), check=True)
