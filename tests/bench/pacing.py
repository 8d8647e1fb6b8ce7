"""What pacing is good for: the window that fits itself to a link beside a fixed one, and tables in a hurry beside tables that are not."""

import contextlib
import sqlite3
import statistics
import threading
import time
import urllib.request

from processes import DelayingProxy, Node, Trouble, result_of, wait_rows

# Pairs of runs, one beside the other.
TURNS = 3
FIXED_WINDOW_MS = 10
ROUND_TRIPS_MS = (0, 40, 200)


def measure(bench):
    for round_trip_ms in ROUND_TRIPS_MS:
        fitted, fixed = paired(lambda turn, is_fitted, ms=round_trip_ms: stream(bench, turn, ms, is_fitted))
        link = f"round trip {round_trip_ms} ms"
        for quantile, name in ((0, "p50"), (1, "p99")):
            bench.add("pacing", f"commit here to readable there, {name}, {link}", fitted[quantile], "ms", None,
                      f"{fixed[quantile]:.1f} ms with a window of {FIXED_WINDOW_MS} ms")
        bench.add("pacing", f"bundles for 1,000 rows, {link}", fitted[2], "", None,
                  f"{fixed[2]:.0f} with a window of {FIXED_WINDOW_MS} ms")
    first, last = paired(lambda turn, has_priorities: hurry(bench, turn, has_priorities))
    for quantile, name in ((0, "p50"), (1, "p99")):
        bench.add("pacing", f"a critical row beside a background stream, {name}", first[quantile], "ms", None,
                  f"{last[quantile]:.1f} ms without priorities")
    bench.add("pacing", "bundles for 1,000 rows of the stream", first[2], "", None, f"{last[2]:.0f} without priorities")


def paired(run):
    """Medians of each figure of both."""
    runs = {True: [], False: []}
    for turn in range(TURNS):
        for which in (True, False) if turn % 2 else (False, True):
            runs[which].append(run(turn, which))
    return tuple([statistics.median(figure) for figure in zip(*runs[which], strict=True)] for which in (True, False))


def stream(bench, turn, round_trip_ms, is_fitted):
    """A row each 2 ms over a link that takes so long; p50, p99, bundles per 1,000 rows."""
    near, hub = (bench.file(f"{name}-{turn}-{round_trip_ms}-{is_fitted}") for name in ("near", "hub"))
    bench.programs.drive("prepare", hub, 100, "tracked")
    options = [] if is_fitted else ["--batch-window-ms", str(FIXED_WINDOW_MS)]
    count = bench.count(1_500)
    with Node(bench.programs, hub) as hub_node, DelayingProxy(hub_node.url, round_trip_ms / 2000) as proxy, \
            Node(bench.programs, near, proxy.url, options) as node:
        wait_rows(near, 100)
        before = bundles_of(node)
        watcher = bench.programs.start_driving("watch", hub, 100 + count)
        time.sleep(0.3)
        writer = bench.programs.drive("paced", near, count, 10_000_000, 2)
        seen = result_of(watcher)["visible_us"]
        delays = sorted((seen[key] - at) / 1000 for key, at in writer["committed_us"].items())
        return at_share(delays, 0.5), at_share(delays, 0.99), (bundles_of(node) - before) * 1000 / count


def hurry(bench, turn, has_priorities):
    """A row each 25 ms in one table, while another table gets one each millisecond; p50, p99, bundles per 1,000 rows."""
    near, hub = (bench.file(f"{name}-hurry-{turn}-{has_priorities}") for name in ("near", "hub"))
    bench.programs.drive("prepare", hub, 100, "tracked")
    with contextlib.closing(sqlite3.connect(hub, timeout=30)) as app:
        app.execute("CREATE TABLE calls(id INTEGER PRIMARY KEY, x)")
    bench.programs.run_tandem("track", hub, "calls")
    with Node(bench.programs, hub) as hub_node, DelayingProxy(hub_node.url, 0.02) as proxy:
        with Node(bench.programs, near, proxy.url):
            wait_rows(near, 100)
        if has_priorities:
            bench.programs.run_tandem("track", near, "--priority", "calls=critical", "--priority", "tasks=background")
        with Node(bench.programs, near, proxy.url) as node:
            rows = bench.count(3_000)
            load = bench.programs.start_driving("paced", near, rows, 10_000_000, 1)
            before = bundles_of(node)
            delays = calls(near, hub, load)
            wait_rows(hub, 100 + rows)
            return at_share(delays, 0.5), at_share(delays, 0.99), (bundles_of(node) - before) * 1000 / rows


def calls(near, hub, load):
    """While the load goes on: when each call was committed, and when it could be read at the other end."""
    written, seen = {}, {}
    is_over = threading.Event()

    def read():
        with contextlib.closing(sqlite3.connect(hub, timeout=30, isolation_level=None)) as reader:
            last = 0
            while not is_over.is_set() or len(seen) < len(written):
                for (key,) in reader.execute("SELECT id FROM calls WHERE id > ? ORDER BY id", (last,)).fetchall():
                    seen[key] = time.monotonic()
                    last = key
                time.sleep(0.0005)

    watcher = threading.Thread(target=read)
    watcher.start()
    driving = threading.Thread(target=result_of, args=(load,))  # It tells much, and waits until somebody reads it.
    driving.start()
    try:
        with contextlib.closing(sqlite3.connect(near, timeout=30, isolation_level=None)) as app:
            key = 0
            while driving.is_alive():
                key += 1
                app.execute("INSERT INTO calls VALUES (?, 1)", (key,))
                written[key] = time.monotonic()
                time.sleep(0.025)
    finally:
        is_over.set()
        watcher.join(60)
    if watcher.is_alive():
        raise Trouble("not every call has come through")
    return sorted((seen[key] - at) * 1000 for key, at in written.items())


def bundles_of(node):
    with urllib.request.urlopen(node.url.replace("ws:", "http:") + "metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("tandem_bundles_sent_total"))


def at_share(values, share):
    return values[min(int(share * len(values)), len(values) - 1)]
