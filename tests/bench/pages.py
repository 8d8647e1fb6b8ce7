"""What pages cost: a browser and a WebView, each over a real node, beside what they could do barely."""

import contextlib
import functools
import http.server
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from processes import Node, Trouble, wait_until

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/faults"))

import page_client  # noqa: E402 (found there only)
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
BROWSER_FLAGS = ["--headless", "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                 "--disable-quic", "--no-first-run", "--enable-precise-memory-info", "--js-flags=--expose-gc"]
PATIENCE_S = 240
PARTS = "roundtrips,queries,large,live,render,flow"
SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE items(id INTEGER PRIMARY KEY, title TEXT NOT NULL, stars INTEGER NOT NULL DEFAULT 0);
CREATE TABLE ticks(writer TEXT NOT NULL, id INTEGER NOT NULL, at REAL NOT NULL, PRIMARY KEY(writer, id)) WITHOUT ROWID;
CREATE TABLE large(id INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE figures(name TEXT PRIMARY KEY, value REAL) WITHOUT ROWID;
CREATE TABLE troubles(what TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) INSERT INTO items(id, title) SELECT i, 'item ' || i FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10240) INSERT INTO large SELECT i, hex(randomblob(512)) FROM n;
"""


def make_database(programs, file):
    with sqlite3.connect(file) as app:
        app.executescript(SCHEMA)
    app.close()
    subprocess.run([programs.tandem, "track", str(file), "items", "ticks"], check=True, capture_output=True)


def build_page(programs):
    """The page, with the packages that the lock file names."""
    web = ROOT / "bridge/web"
    if not (web / "node_modules").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=web, check=True)
    page = programs.build / "bench-page"
    subprocess.run(["npm", "run", "--silent", "bench", "--", "--outDir", str(page)], cwd=web, check=True)
    return page


class Shown:
    """A process that shows the page, and the group of processes that it starts."""

    def __init__(self, command, environment=None):
        self.folder = tempfile.mkdtemp(prefix="tandem-bench-page-")
        inside = {"XDG_DATA_HOME": self.folder, "XDG_CACHE_HOME": self.folder, "HOME": self.folder}
        self.process = subprocess.Popen([each.replace("FOLDER", self.folder) for each in command], start_new_session=True,
                                        env={**os.environ, **inside, **(environment or {})}, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)

    def url(self):
        """Of the node that a window runs."""
        line = self.process.stdout.readline().strip()
        if not line.startswith("ready ws://"):
            raise Trouble(f"the window said '{line}'")
        return line.removeprefix("ready ")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(5)
            except (subprocess.TimeoutExpired, ProcessLookupError):
                continue
        shutil.rmtree(self.folder, ignore_errors=True)


def browser(url):
    return Shown([CHROMIUM, *BROWSER_FLAGS, "--user-data-dir=FOLDER", url])


def window(programs, database, page, query):
    return Shown(["xvfb-run", "-a", "dbus-run-session", "--", str(programs.build / "bench_window"), str(database), str(page), query],
                 {"WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1", "GDK_BACKEND": "x11", "NO_AT_BRIDGE": "1"})


class Conversation:
    """What the page writes down, and what this side does for it."""

    def __init__(self, database, way):
        self.app = sqlite3.connect(database, isolation_level=None, timeout=30)
        self.way = way

    def figure(self, name):
        row = self.app.execute("SELECT value FROM figures WHERE name = ?", (f"{self.way} {name}",)).fetchone()
        return row and row[0]

    def wait(self, name):
        def is_there():
            trouble = self.app.execute("SELECT what FROM troubles").fetchone()
            if trouble:
                raise Trouble(trouble[0])
            return self.figure(name) is not None
        wait_until(is_there, f"the page's figure '{name}'", PATIENCE_S)
        return self.figure(name)

    def write_ticks(self, count, longest_wait_s=0.035):
        """One row now and then, each with the time just before it is committed."""
        chance = random.Random(7)
        for number in range(1, count + 1):
            self.app.execute("INSERT INTO ticks VALUES('program', ?, ?)", (number, time.time() * 1000))
            time.sleep(chance.uniform(0.015, longest_wait_s))

    def write_flow(self, transactions, rows_each):
        """Transactions without a pause; returns when the first began."""
        self.wait("flow_ready")
        begin = time.time() * 1000
        for number in range(transactions):
            first = number * rows_each % 10_000
            self.app.execute("BEGIN IMMEDIATE")
            self.app.execute("UPDATE items SET stars = ? WHERE id > ? AND id <= ?", (number + 1, first, first + rows_each))
            if number == transactions - 1:
                self.app.execute("UPDATE items SET stars = -1 WHERE id = 10000")
            self.app.execute("COMMIT")
        return begin


def talk(database, way, bench, memory_mb):
    """Does what the page of this way waits for, and adds the rows of the table."""
    conversation = Conversation(database, way)
    ticks, transactions, rows_each = 300, bench.count(200), 500
    conversation.wait("render_ready")
    conversation.write_ticks(ticks)
    conversation.wait("render_longest_ms")
    before = memory_mb()
    begin = conversation.write_flow(transactions, rows_each)
    conversation.wait("done")
    figure = conversation.figure
    add_ratio(bench, way, figure)
    bench.add(way, "one-row queries, 500 at once", figure("queries_per_s"), "queries/s", (">=", 10_000) if way == "webview" else None)
    bench.add(way, "a result of 10 MB, longest pause of the page", figure("large_pause_ms"), "ms", ("<=", 50), f"{figure('large_ms'):.0f} ms in all")
    bench.add(way, "one change in a live list of 10,000 rows, page's time", figure("live_change_ms"), "ms", ("<=", 5))
    bench.add(way, "commit elsewhere to component drawn again, p50", figure("render_p50_ms"), "ms", ("<=", 8),
              f"{figure('render_seen'):.0f} of {ticks} drawn one by one")
    bench.add(way, "commit elsewhere to component drawn again, p99", figure("render_p99_ms"), "ms", ("<=", 25))
    changes = transactions * rows_each
    seconds = (figure("flow_end_epoch_ms") - begin) / 1000
    bench.add(way, f"{changes:,} row changes elsewhere until all are shown", changes / seconds, "changes/s", (">=", 10_000),
              f"{figure('flow_shown'):,.0f} shown one by one, the others overtaken")
    bench.add(way, "growth of the host over them", memory_mb() - before, "MB")
    if figure("heap_growth_mb") is not None:
        bench.add(way, "growth of the page's heap over them", figure("heap_growth_mb"), "MB")


def add_ratio(bench, way, figure):
    bare = figure("bare_ms")
    if not bare:
        return
    goal = {"webview": ("<=", 1.3), "websocket": ("<=", 1.5)}.get(way)  # HTTP stands beside a WebSocket only to be compared.
    bench.add(way, "ping there and back, of a bare echo", figure("ping_ms") / bare, "x time", goal, f"bare {bare * 1000:.0f} us")
    bench.add(way, "query of one row, of a bare echo", figure("query_ms") / bare, "x time")


def measure(bench):
    """All ways, one after the other."""
    programs = bench.programs
    page = build_page(programs)
    with subprocess.Popen(["node", str(ROOT / "tests/bench/echo.mjs")], stdout=subprocess.PIPE, text=True) as echo:
        try:
            echo_url = echo.stdout.readline().strip().removeprefix("ready ")
            for way in ("websocket", "http"):
                measure_browser(bench, page, way, echo_url)
        finally:
            echo.terminate()
    measure_stopped_page(bench)
    measure_local(bench, page)
    if (programs.build / "bench_window").exists() and shutil.which("xvfb-run"):
        measure_window(bench, page)
    else:
        print("   the WebView is left out: there is no WebKitGTK or no xvfb-run", file=sys.stderr)


class Files:
    """A plain web server: a page that the node itself serves may connect to nothing but that node, not to a bare echo."""

    def __init__(self, folder):
        handler = functools.partial(Quiet, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def measure_browser(bench, page, way, echo_url):
    database = bench.file(way)
    make_database(bench.programs, database)
    origin = Files(page).origin
    with Node(bench.programs, database, options=["--allow-origin", origin]) as node:
        with browser(f"{origin}/?way={way}&parts={PARTS}&node={node.url}&echo={echo_url}&ticks=300"):
            talk(database, way, bench, node.memory_mb)


def measure_window(bench, page):
    database = bench.file("webview")
    make_database(bench.programs, database)
    with window(bench.programs, database, page, f"way=webview&parts={PARTS}&ticks=300") as shown:
        talk(database, "webview", bench, lambda: memory_of("bench_window", shown.process.pid))


def measure_stopped_page(bench):
    """A page that watches 10,000 rows and does not read on while all of them change again and again."""
    database = bench.file("stopped")
    make_database(bench.programs, database)
    with Node(bench.programs, database) as node, contextlib.closing(sqlite3.connect(database, isolation_level=None, timeout=30)) as app:
        page = page_client.Page(node.url).open()
        page.say(page_client.WATCH, page.new_id(), 0, "SELECT id, title, stars FROM items", [], ["id"])
        page.hear()
        before = node.memory_mb()
        rounds = bench.count(1_000) // 100
        for number in range(rounds):
            app.execute("UPDATE items SET stars = ?", (number + 1,))
        wait_until(lambda: app.execute("SELECT count(*) FROM tandem_pending").fetchone()[0] == 0, "that the node has seen all changes")
        time.sleep(1)
        bench.add("websocket", f"growth of the host while a page does not read {rounds * 10_000:,} changes", node.memory_mb() - before, "MB", ("<=", 10))


def measure_dashboard(bench):
    """What /monitor takes of a core while it is open, beside an empty page, with and without 10,000 changes a second."""
    if not Path(CHROMIUM).exists():
        return
    database = bench.file("dashboard")
    make_database(bench.programs, database)
    seconds = max(2, 8 * bench.scale)
    with Node(bench.programs, database) as node:
        empty = busy_share("about:blank", seconds)
        page = node.url.replace("ws:", "http:") + "monitor"
        bench.add("measuring", "/monitor in Chromium, of a core", busy_share(page, seconds) - empty, "%", ("<=", 10), f"an empty page {empty:.1f} %")
        with changes_each_second(database, 10_000):
            under_load = busy_share(page, seconds)
        bench.add("measuring", "the same while 10,000 changes a second flow by", under_load - empty, "%", ("<=", 10))


def busy_share(url, seconds):
    with browser(url) as shown:
        time.sleep(4)  # until it has come up
        before = cpu_s_of(shown.process.pid)
        time.sleep(seconds)
        return (cpu_s_of(shown.process.pid) - before) / seconds * 100


@contextlib.contextmanager
def changes_each_second(database, count):
    is_over = threading.Event()

    def write():
        with contextlib.closing(sqlite3.connect(database, isolation_level=None, timeout=30)) as app:
            number = 0
            while not is_over.wait(0.1):
                number += 1
                app.execute("UPDATE items SET stars = ? WHERE id <= ?", (number, count // 10))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        is_over.set()
        writer.join()


def cpu_s_of(group):
    """Processor time of all processes of a group so far."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if os.getpgid(int(stat.parent.name)) == group:
                fields = stat.read_text().rsplit(")", 1)[1].split()
                ticks += int(fields[11]) + int(fields[12])
        except OSError:
            continue
    return ticks / os.sysconf("SC_CLK_TCK")


def measure_local(bench, page):
    """A replica within the page, if its node was compiled."""
    wasm = ROOT / "build-wasm"
    if not (wasm / "tandem.wasm").exists():
        print("   the page's own replica is left out: tools/build wasm makes its node", file=sys.stderr)
        return
    for name in ("tandem.mjs", "tandem.wasm"):
        shutil.copy(wasm / name, page)
    database, rows = bench.file("local"), bench.count(100_000)
    with sqlite3.connect(database) as app:
        app.executescript(SCHEMA + f"""DELETE FROM items; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
            INSERT INTO items(id, title) SELECT i, 'item ' || i FROM n;""")
    app.close()
    subprocess.run([bench.programs.tandem, "track", str(database), "items"], check=True, capture_output=True)
    origin = Files(page).origin
    with Node(bench.programs, database, options=["--allow-origin", origin]) as node:
        with browser(f"{origin}/?way=websocket&parts=local&node={node.url}&rows={rows}"):
            conversation = Conversation(database, "local")
            bench.add("local", f"{rows:,} rows of the hub taken over by the page", conversation.wait("rows_per_s"), "rows/s", (">=", 20_000))
            bench.add("local", "opened again, until the first answer", conversation.wait("open_ms"), "ms", ("<=", 1_500))


def memory_of(name, group):
    """Resident memory of the process of that name within a process group, in MB."""
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
            if text.startswith(f"Name:\t{name}") and os.getpgid(int(status.parent.name)) == group:
                return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS:")) / 1024
        except (OSError, StopIteration):
            continue
    raise Trouble(f"{name} is not running")
