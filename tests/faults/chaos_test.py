"""Three nodes under one hub, each edited by random SQL, with links cut and processes killed at random; then all must be level, and
every value that was ever committed must stand in its row, have been overwritten by somebody who had read it, or be in the audit trail.

usage: chaos_test.py PROGRAM [--seconds N] [--seed N] [--keep]
"""

import argparse
import os
import random
import re
import shutil
import sqlite3
import sys
import tempfile
import threading
import time

from node import Node, program_from_arguments
from proxy import Proxy
from waiting import eventually

HEAL_S = 120
CHINOOK = os.path.join(os.path.dirname(__file__), "..", "..", "demos", "data", "chinook.sqlite")

APP_SCHEMA = '''
CREATE TABLE tasks(id TEXT PRIMARY KEY, title TEXT NOT NULL, done INTEGER DEFAULT 0, note, slug TEXT UNIQUE COLLATE NOCASE) WITHOUT ROWID;
CREATE TABLE "odd ""name"""("the key" INTEGER, part TEXT, "select", made AS (length("select")), PRIMARY KEY("the key", part));
CREATE TABLE together(id INTEGER PRIMARY KEY, token);
INSERT INTO together VALUES (1, 'start'), (2, 'start'), (3, 'start');
'''

# Table, key columns, columns to write. Their values are never used twice, so that each can be looked for afterwards.
HOT = [
    ("Track", ["TrackId"], ["Name", "Composer"]),
    ("Customer", ["CustomerId"], ["FirstName", "Company", "City"]),
    ("Artist", ["ArtistId"], ["Name"]),
    ("tasks", ["id"], ["title", "note"]),
    ('odd "name"', ["the key", "part"], ["select"]),
]


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


class Writer(threading.Thread):
    """An app beside one node: stock sqlite3, each transaction reading what it overwrites."""

    def __init__(self, name, database, seed, ledger):
        super().__init__(daemon=True)
        self.device, self.database, self.ledger = name, database, ledger
        self.random = random.Random(seed)
        self.must_end = threading.Event()
        self.count, self.transactions, self.refused, self.error = 0, 0, 0, None

    def token(self):
        self.count += 1
        return f"w-{self.device}-{self.count}"

    def run(self):
        try:
            db = sqlite3.connect(self.database, timeout=30, isolation_level=None, check_same_thread=False)
            while not self.must_end.wait(self.random.random() * 0.03):
                self.transaction(db)
            db.close()
        except Exception as error:
            self.error = error

    def transaction(self, db):
        db.execute(f"PRAGMA foreign_keys = {self.random.choice(['ON', 'OFF'])}")
        written, overwritten = [], []
        try:
            db.execute("BEGIN IMMEDIATE")
            for _ in range(self.random.randint(1, 4)):
                self.random.choice([self.update, self.update, self.update, self.insert, self.delete, self.link, self.invoice, self.pair])(
                    db, written, overwritten)
            if self.random.random() < 0.1:
                db.execute("ROLLBACK")
                return
            # Noted ahead of the commit: what a crash leaves in doubt counts as overwritten at worst.
            db.execute("COMMIT")
            self.transactions += 1
            self.ledger.note(written, overwritten)
        except sqlite3.IntegrityError:
            self.refused += 1
            if db.in_transaction:
                db.execute("ROLLBACK")

    def key(self, table):
        if table == "tasks":
            return [f"t{self.random.randrange(6)}"]
        if table == 'odd "name"':
            return [self.random.randrange(3), self.random.choice(["a", "b"])]
        return [self.random.randrange(1, 6) if table != "Artist" or self.random.random() < 0.5 else self.random.randrange(900, 906)]

    def read(self, db, table, keys, columns, key):
        where = " AND ".join(f"{quoted(each)} = ?" for each in keys)
        row = db.execute(f"SELECT {', '.join(map(quoted, columns))} FROM {quoted(table)} WHERE {where}", key).fetchone()
        return where, row

    def update(self, db, written, overwritten):
        table, keys, columns = self.random.choice(HOT)
        key = self.key(table)
        columns = self.random.sample(columns, self.random.randint(1, len(columns)))
        where, row = self.read(db, table, keys, columns, key)
        if row is None:
            return
        tokens = [self.token() for _ in columns]
        changes = ", ".join(f"{quoted(each)} = ?" for each in columns)
        db.execute(f"UPDATE {quoted(table)} SET {changes} WHERE {where}", tokens + key)
        overwritten += row
        written += tokens

    def insert(self, db, written, overwritten):
        table, keys, columns = self.random.choice([each for each in HOT if each[0] not in ("Track", "Customer")])
        key = self.key(table)
        _, row = self.read(db, table, keys, columns, key)
        tokens = [self.token() for _ in columns]
        names, values = keys + columns, key + tokens
        if table == "tasks" and self.random.random() < 0.3:
            slug = f"slug{self.random.randrange(4)}"
            other = db.execute("SELECT title, note FROM tasks WHERE slug = ?", [slug]).fetchone()
            names, values = names + ["slug"], values + [slug]
            overwritten += other or []  # REPLACE displaces it
        marks = ", ".join("?" * len(names))
        db.execute(f"INSERT OR REPLACE INTO {quoted(table)} ({', '.join(map(quoted, names))}) VALUES ({marks})", values)
        overwritten += row or []
        written += tokens

    def delete(self, db, written, overwritten):
        table, keys, columns = self.random.choice([each for each in HOT if each[0] not in ("Track", "Customer")])
        key = self.key(table)
        if table == "Artist" and key[0] < 900:
            return
        where, row = self.read(db, table, keys, columns, key)
        if row is not None:
            db.execute(f"DELETE FROM {quoted(table)} WHERE {where}", key)
            overwritten += row

    def link(self, db, *_):
        key = [self.random.randrange(1, 4), self.random.randrange(1, 8)]
        if self.random.random() < 0.5:
            db.execute("INSERT OR IGNORE INTO PlaylistTrack (PlaylistId, TrackId) VALUES (?, ?)", key)
        else:
            db.execute("DELETE FROM PlaylistTrack WHERE PlaylistId = ? AND TrackId = ?", key)

    def invoice(self, db, *_):
        first = self.random.randrange(10**6, 10**9)
        db.execute("INSERT INTO Invoice (InvoiceId, CustomerId, InvoiceDate, Total) VALUES (?, ?, '2024-01-01', 1.98)",
                   [first, self.random.randrange(1, 6)])
        for line in range(2):
            db.execute("INSERT INTO InvoiceLine (InvoiceLineId, InvoiceId, TrackId, UnitPrice, Quantity) VALUES (?, ?, 1, 0.99, 1)",
                       [first + line, first])

    def pair(self, db, *_):
        db.execute("UPDATE together SET token = ?", [self.token()])


class Ledger:
    """What was committed, and what somebody overwrote who had read it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.written, self.overwritten = set(), set()

    def note(self, written, overwritten):
        with self.lock:
            self.written |= set(written)
            self.overwritten |= {each for each in overwritten if isinstance(each, str)}


class Reader(threading.Thread):
    """Looks at one replica all the time: rows that are only written together must read alike."""

    def __init__(self, database):
        super().__init__(daemon=True)
        self.database, self.must_end, self.torn, self.reads = database, threading.Event(), None, 0

    def run(self):
        db = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)
        while not self.must_end.wait(0.01) and not self.torn:
            try:
                tokens = [each for (each,) in db.execute("SELECT token FROM together")]
            except sqlite3.OperationalError:
                continue  # the node is being restarted, and recovers its log
            self.reads += 1
            if tokens and (len(tokens) != 3 or len(set(tokens)) != 1):
                self.torn = tokens


class Chaos:
    def __init__(self, program, folder, seed):
        self.program, self.folder, self.seed = program, folder, seed
        self.random = random.Random(seed)
        self.ledger = Ledger()
        hub_file = os.path.join(folder, "hub.db")
        shutil.copy(CHINOOK, hub_file)
        with sqlite3.connect(hub_file) as db:
            db.executescript(APP_SCHEMA)
        program.ok("track", hub_file, "--all")
        self.hub = Node(program, hub_file, "--listen", "127.0.0.1:0").start()
        self.nodes, self.proxies, self.files = [], [], [hub_file]
        for number, name in enumerate("abc"):
            file = os.path.join(folder, name + ".db")
            program.ok("clone", self.hub.url, file)
            proxy = Proxy(self.hub_port(), seed + number)
            self.proxies.append(proxy)
            self.nodes.append(Node(program, file, "--peer", proxy.url).start())
            self.files.append(file)
        self.writers = [Writer(f"{name}{seed}", file, seed * 10 + i, self.ledger)
                        for i, (name, file) in enumerate(zip(["h", "a", "b", "c"], self.files))]
        self.readers = [Reader(file) for file in self.files]

    def hub_port(self):
        return int(self.hub.url.rstrip("/").rsplit(":", 1)[1])

    def restart_hub(self):
        self.hub.start()
        for proxy in self.proxies:
            proxy.target_port = self.hub_port()

    def one_fault(self):
        proxy, node = self.random.choice(self.proxies), self.random.choice(self.nodes)
        kind = self.random.randrange(10)
        if kind < 3:
            proxy.cut()
        elif kind == 3:
            proxy.close() if proxy.is_open else proxy.open()
        elif kind == 4:
            proxy.delay_s = self.random.choice([0, 0.01, 0.2])
        elif kind == 5:
            proxy.repeat_share = self.random.choice([0, 0.5, 1])
        elif kind < 8:
            node.kill()
            node.start()
        elif kind == 8:
            node.freeze()
            time.sleep(self.random.random())  # the fault itself, not a wait
            node.thaw()
        else:
            self.hub.kill()
            self.restart_hub()
        return ["cut", "cut", "cut", "gate", "delay", "repeat", "kill node", "kill node", "freeze", "kill hub"][kind]

    def run(self, seconds):
        for thread in self.writers + self.readers:
            thread.start()
        faults = {}
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(self.random.random())
            kind = self.one_fault()
            faults[kind] = faults.get(kind, 0) + 1
            for thread in self.writers:
                assert thread.error is None, f"the app of {thread.device} failed: {thread.error!r}"
        for writer in self.writers:
            writer.must_end.set()
        for writer in self.writers:
            writer.join(60)
        cuts = sum(each.cuts for each in self.proxies)
        print("faults:", faults, "transactions:", sum(each.transactions for each in self.writers), "refused:",
              sum(each.refused for each in self.writers), "values:", len(self.ledger.written), "connections cut:", cuts, "repeated:",
              sum(each.replays for each in self.proxies))
        assert cuts > 0 or faults.get("cut", 0) < 3, "no cut has met a connection"

    def heal(self):
        began = time.monotonic()
        for proxy in self.proxies:
            proxy.delay_s = proxy.repeat_share = 0
            proxy.open()
        eventually(self.is_level, "all four replicas are level", HEAL_S, poll_s=0.3)
        print(f"level {time.monotonic() - began:.1f} s after the last fault")
        for reader in self.readers:
            reader.must_end.set()
            reader.join(30)
            assert reader.torn is None, f"part of a transaction was visible in {reader.database}: {reader.torn}"
            assert reader.reads > 0
        for each in [*self.nodes, self.hub]:
            each.stop()

    def is_level(self):
        if any(self.program.json("status", file)["pending"] for file in self.files):
            return False
        return len({self.program.digest(file) for file in self.files}) == 1

    def check(self):
        assert self.is_level(), "not level any more after the stop"
        for file in self.files:
            self.program.ok("verify", file)
            self.program.ok("verify", self.files[0], file)
        audit = "".join(self.program.ok("audit", file, "--json") for file in self.files)
        standing = set()
        with sqlite3.connect(self.files[0]) as db:
            for table, _, columns in HOT:
                for row in db.execute(f"SELECT {', '.join(map(quoted, columns))} FROM {quoted(table)}"):
                    standing |= set(row)
        in_audit = self.ledger.written & set(re.findall(r"w-[habc]\d+-\d+", audit))
        missing = sorted(self.ledger.written - self.ledger.overwritten - standing - in_audit)
        print(f"values standing: {len(self.ledger.written & standing)}, overwritten knowingly: "
              f"{len(self.ledger.written & self.ledger.overwritten)}, in the audit trail: {len(in_audit)}, missing: {len(missing)}")
        assert not missing, f"{len(missing)} values are gone without a trace: {missing[:20]}"


def main():
    program = program_from_arguments()
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(2), "big"))
    parser.add_argument("--keep", action="store_true", help="keep the files")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="tandem-chaos-")
    print(f"seed {options.seed}, {options.seconds:g} s, files in {folder}", flush=True)
    chaos = Chaos(program, folder, options.seed)
    try:
        chaos.run(options.seconds)
        chaos.heal()
        chaos.check()
    except BaseException:
        for each in [chaos.hub, *chaos.nodes]:
            print(f"--- {each.database}:\n{each.text()}", file=sys.stderr)
        print(f"repeat with --seed {options.seed}", file=sys.stderr)
        raise
    finally:
        for each in [*chaos.nodes, chaos.hub]:
            each.kill()
        for proxy in chaos.proxies:
            proxy.stop()
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print("all level, nothing lost")


if __name__ == "__main__":
    main()
