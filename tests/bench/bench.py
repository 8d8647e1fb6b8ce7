"""Measures Tandem beside plain SQLite, prints one table, and writes the numbers as JSON.

Usage: bench.py BUILD [--json FILE] [--only PART]... [--scale SHARE]
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pacing
import pages
import together
from bare_http import bare_server
from processes import CountingProxy, Node, Programs, Trouble, count_rows, result_of, wait_rows, wait_until


class Bench:
    """All measurements, and the rows of the table that they give."""

    def __init__(self, programs, folder, scale):
        self.programs = programs
        self.folder = folder
        self.scale = scale
        self.rows = []
        self.fresh = 0

    def count(self, full):
        return max(1000, int(full * self.scale))

    def file(self, name):
        """A path that no measurement has used before."""
        self.fresh += 1
        folder = self.folder / f"{self.fresh}"
        folder.mkdir()
        return folder / f"{name}.db"

    def add(self, part, name, value, unit, goal=None, beside=None):
        """goal: ("<=", 1.25) or (">=", 0.7) or None; beside: what plain SQLite took."""
        met = None
        if goal:
            met = value >= goal[1] if goal[0] == ">=" else value <= goal[1]
        row = {"part": part, "name": name, "value": value, "unit": unit, "goal": goal, "met": met, "beside": beside}
        self.rows.append(row)
        print(as_line(row), flush=True)

    # --- the parts --------------------------------------------------------------------------

    def writes(self):
        """The app's own writes: plain, with triggers alone, and with a node beside."""
        plans = [("insert", self.count(100_000), 0, 1.25), ("update", self.count(100_000), self.count(100_000), 1.25),
                 ("single", self.count(20_000), 0, 1.5)]
        for workload, count, prefilled, goal in plans:
            seconds = {"plain": [], "capture": [], "node": []}
            for _ in range(5):
                for variant in seconds:
                    seconds[variant].append(self.one_write(variant, workload, count, prefilled))
            middle = {variant: statistics.median(each) for variant, each in seconds.items()}
            rate = f"{count / middle['plain']:,.0f} rows/s plain"
            for variant, limit, label in (("capture", goal, "capture alone"), ("node", 1.6, "node beside")):
                self.add("writes", f"{workload}, {label}", middle[variant] / middle["plain"], "x time", ("<=", limit), rate)

    def one_write(self, variant, workload, count, prefilled):
        database = self.file("app")
        drive = self.programs.drive
        drive("prepare", database, prefilled, "plain" if variant == "plain" else "tracked")
        if variant != "node":
            seconds = drive("write", database, workload, count, 0)["seconds"]
        else:
            with Node(self.programs, database):
                seconds = drive("write", database, workload, count, 0)["seconds"]
        shutil.rmtree(database.parent)
        return seconds

    def core(self):
        """Stamping, extraction and merge as a share of the rate of plain UPSERTs."""
        found = self.programs.drive("core", self.file("core").parent, self.count(200_000), 3)
        for kind, rates in found.items():
            for stage, goal in (("stamp", 0.7), ("extract", 1), ("merge", 0.5)):
                beside = f"{rates[stage]:,.0f} rows/s; plain UPSERT {rates['upsert']:,.0f}"
                self.add("core", f"{stage} {kind}", rates[stage] / rates["upsert"], "x rate", (">=", goal), beside)

    def sizes(self):
        found = self.programs.drive("sizes", self.file("sizes").parent, self.count(100_000))
        plain = f"plain row {found['plain_file_per_row']:.0f}"
        self.add("sizes", "file growth per inserted row, log compacted", found["file_per_insert"], "bytes", None, plain)
        self.add("sizes", "file growth per updated row, log compacted", found["file_per_update"], "bytes")
        self.add("sizes", "wire, one-column update alone", found["wire_update_alone"], "bytes", ("<=", 120))
        self.add("sizes", "wire, one-column update in bulk", found["wire_per_update_bulk"], "bytes", ("<=", 25))
        self.add("sizes", "wire, inserted row in bulk", found["wire_per_insert_bulk"], "bytes", ("<=", 60))

    def upkeep(self):
        """What keeping a replica in order costs the app's writers and the processor."""
        entries, rows = self.count(1_000_000), self.count(100_000)
        found = self.programs.drive("upkeep", self.file("upkeep").parent, entries, rows)
        self.add("upkeep", f"compaction of {entries:,} log entries, longest lock", found["compact_hold_ms_max"], "ms", ("<=", 20),
                 f"median {found['compact_hold_ms']:.1f} ms, {found['compact_s']:.1f} s in all")
        self.add("upkeep", f"range digests of {rows:,} rows", found["ranges_s"] * 1000, "ms", None,
                 f"plain digest {found['digest_s'] * 1000:.0f} ms")

    def conflicts(self):
        """What it costs that two have written the same cell."""
        rows, listed = self.count(50_000), self.count(10_000)
        found = self.programs.drive("conflicts", self.file("conflicts").parent, rows, listed, 3)
        self.add("conflicts", f"merge of {rows:,} rows, each a conflict, lww with audit", found["lww"], "rows/s", (">=", 60_000),
                 f"plain UPSERT {found['upsert']:,.0f} rows/s")
        for policy in ("max", "counter"):
            self.add("conflicts", f"the same under {policy}", found["lww"] / found[policy], "x time", ("<=", 1.5),
                     f"{found[policy]:,.0f} rows/s")
        self.add("conflicts", f"list of {found['listed']:,} open conflicts", found["list_s"] * 1000, "ms", ("<=", 50))

    def links(self):
        """Node, hub and node as processes of their own."""
        start = 1_000
        near, hub, far = self.file("near"), self.file("hub"), self.file("far")
        self.programs.drive("prepare", near, start, "tracked")
        with Node(self.programs, hub) as hub_node:
            proxy = CountingProxy(hub_node.url)
            with Node(self.programs, near, proxy.url) as near_node, Node(self.programs, far, hub_node.url) as far_node:
                wait_rows(far, start)
                nodes = {"near": near_node, "hub": hub_node, "far": far_node}
                self.idle(nodes)
                self.bytes_alone(near, far, proxy)
        proxy.close()
        with Node(self.programs, hub) as hub_node:
            with Node(self.programs, near, hub_node.url) as near_node, Node(self.programs, far, hub_node.url) as far_node:
                nodes = {"near": near_node, "hub": hub_node, "far": far_node}
                self.latency(near, far)
                self.throughput(near, far, nodes)
                self.stopped_reader(near, far, nodes)

    def idle(self, nodes):
        wait_until(lambda: all(self.is_quiet(node) for node in nodes.values()), "quiet", 30)
        before = sum(node.cpu_s() for node in nodes.values())
        time.sleep(5)
        share = (sum(node.cpu_s() for node in nodes.values()) - before) / 5 / len(nodes) * 100
        self.add("idle", "processor time of an idle node", share, "% of a core", ("<=", 1))
        for name in ("near", "hub"):
            self.add("idle", f"memory of the {name} node", nodes[name].memory_mb(), "MB")

    @staticmethod
    def is_quiet(node):
        before = node.cpu_s()
        time.sleep(0.5)
        return node.cpu_s() - before < 0.03

    def bytes_alone(self, near, far, proxy):
        """Through a proxy that counts: with everything that a change sets in motion."""
        count = 100
        app = sqlite3.connect(near, isolation_level=None, timeout=30)
        keys = [row[0] for row in app.execute("SELECT id FROM tasks ORDER BY id LIMIT ?", (count,))]
        up, down = proxy.up, proxy.down
        for key in keys:
            app.execute("UPDATE tasks SET priority = 77 WHERE id = ?", (key,))
            time.sleep(0.03)
        reader = sqlite3.connect(far, timeout=30)
        wait_until(lambda: reader.execute("SELECT count(*) FROM tasks WHERE priority = 77").fetchone()[0] == count,
                   "the last update")
        time.sleep(0.2)
        self.add("wire", "one update alone, sent (TCP payload)", (proxy.up - up) / count, "bytes", ("<=", 120))
        self.add("wire", "one update alone, answered", (proxy.down - down) / count, "bytes")

    def latency(self, near, far):
        wait_until(lambda: count_rows(near) == count_rows(far), "level")
        time.sleep(1)
        count = self.count(1_000)
        watcher = self.programs.start_driving("watch", far, count_rows(far) + count)
        time.sleep(0.3)
        writer = self.programs.drive("paced", near, count, 10_000_000, 10)
        seen = result_of(watcher)["visible_us"]
        delays = sorted((seen[key] - at) / 1000 for key, at in writer["committed_us"].items())
        self.add("latency", "commit here to readable there, p50", quantile(delays, 0.5), "ms", ("<=", 1.5))
        self.add("latency", "commit here to readable there, p99", quantile(delays, 0.99), "ms", ("<=", 5))
        self.add("latency", "commit here to readable there, longest", delays[-1], "ms")

    def throughput(self, near, far, nodes):
        count = self.count(50_000)
        watcher = self.programs.start_driving("watch", far, count_rows(far) + count)
        time.sleep(0.3)
        written = self.programs.drive("write", near, "insert", count, 20_000_000)
        end_us = result_of(watcher)["end_us"]
        rate = count / ((end_us - written["begin_us"]) / 1e6)
        beside = f"the writer alone took {written['seconds']:.2f} s"
        self.add("throughput", f"{count:,} rows until visible at the far end", rate, "rows/s", (">=", 25_000), beside)
        for name in nodes:
            self.add("memory", f"{name} node at its peak", nodes[name].memory_mb("VmHWM"), "MB", ("<=", 64))

    def stopped_reader(self, near, far, nodes):
        before = nodes["hub"].memory_mb()
        nodes["far"].process.send_signal(signal.SIGSTOP)
        target = count_rows(near) + self.count(100_000)
        self.programs.drive("write", near, "insert", self.count(100_000), 30_000_000)
        wait_rows(nodes["hub"].database, target)
        time.sleep(1)
        self.add("memory", "hub with a peer that stopped reading, growth", nodes["hub"].memory_mb() - before, "MB", ("<=", 10))
        nodes["far"].process.send_signal(signal.SIGCONT)
        wait_rows(far, target)
        self.add("memory", "far node after it caught up, peak", nodes["far"].memory_mb("VmHWM"), "MB", ("<=", 64))

    def measuring(self):
        """What it costs to measure: with and without, one after the other, through a hub; and what it costs to ask."""
        rates, memory = {True: [], False: []}, {True: [], False: []}
        for turn in range(MEASURING_TURNS):
            for is_on in (True, False) if turn % 2 else (False, True):
                rates[is_on].append(self.measured_rate(turn, is_on, memory[is_on]))
        ratio, low, high = ratio_of_pairs(rates[False], rates[True])
        self.add("measuring", "time with it, of that without", ratio, "x time", ("<=", 1.02),
                 f"{low:.3f} to {high:.3f} with 95 %; median of {MEASURING_TURNS} pairs of {self.count(20_000):,} rows")
        self.add("measuring", "memory of the hub with it, more than without",
                 statistics.median(memory[True]) - statistics.median(memory[False]), "MB", ("<=", 1))
        asked_ms, bare_ms = map(sorted, self.asked_under_load())
        self.add("measuring", "GET /metrics of the hub under load, p99", quantile(asked_ms, 0.99), "ms", ("<=", 5),
                 f"median {quantile(asked_ms, 0.5):.1f} ms of {len(asked_ms)} requests; a bare server beside it: "
                 f"p99 {quantile(bare_ms, 0.99):.1f}, median {quantile(bare_ms, 0.5):.1f} ms")
        pages.measure_dashboard(self)

    def measured_rate(self, turn, is_on, memory):
        count = self.count(20_000)
        with self.three_nodes(f"{turn}-{is_on}", [] if is_on else ["--no-measuring"]) as (hub_node, near, far):
            watcher = self.programs.start_driving("watch", far, 100 + count)
            time.sleep(0.3)
            begin_us = self.programs.drive("write", near, "insert", count, 20_000_000)["begin_us"]
            end_us = result_of(watcher)["end_us"]
            memory.append(hub_node.memory_mb())
        return count / ((end_us - begin_us) / 1e6)

    @contextlib.contextmanager
    def three_nodes(self, name, options=()):
        """Two devices and their hub, level: the hub's node, and the files of the devices."""
        near, hub, far = (self.file(f"{each}-{name}") for each in ("near", "hub", "far"))
        self.programs.drive("prepare", near, 100, "tracked")
        with (Node(self.programs, hub, options=options) as hub_node, Node(self.programs, near, hub_node.url, options),
              Node(self.programs, far, hub_node.url, options)):
            wait_rows(far, 100)
            yield hub_node, near, far

    def asked_under_load(self):
        """Milliseconds of each request for /metrics, and to a server that has nothing to do, while rows pass through the hub without a pause."""
        asked_ms, bare_ms = [], []
        with self.three_nodes("asked") as (hub_node, near, far), contextlib.ExitStack() as beside:
            url, burst, written = hub_node.url.replace("ws:", "http:") + "metrics", self.count(20_000), 0
            bare_url = beside.enter_context(bare_server(len(fetch(url)[0])))
            end = time.monotonic() + ASKED_S
            writer = None
            while time.monotonic() < end or len(asked_ms) < ASKED_LEAST:
                if writer and writer.poll() is not None:
                    result_of(writer)
                    writer = None
                # The next burst leaves while half of the last is still on its way.
                if not writer and count_rows(far) >= 100 + written - burst // 2:
                    writer = self.programs.start_driving("write", near, "insert", burst, 20_000_000 + written)
                    written += burst
                for each, times in ((url, asked_ms), (bare_url, bare_ms)):
                    times.append(fetch(each)[1])
                    time.sleep(ASKED_EACH_S / 2)
            if writer:
                result_of(writer)
            wait_rows(far, 100 + written)
        return asked_ms, bare_ms

    def intake(self):
        """The app's own writer while its node takes in many rows."""
        rows = self.count(200_000)
        hub, busy = self.file("hub"), self.file("busy")
        self.programs.drive("prepare", hub, rows, "tracked")
        self.programs.drive("prepare", busy, 0, "tracked")
        with Node(self.programs, hub) as hub_node:
            writer = self.programs.start_driving("until", busy, rows, 40_000_000)
            time.sleep(0.5)
            start = time.monotonic()
            with Node(self.programs, busy, hub_node.url) as busy_node:
                commits = result_of(writer, 300)["commit_us"]
                seconds = time.monotonic() - start
                peak = busy_node.memory_mb("VmHWM")
        beside = f"{rows:,} rows taken in within {seconds:.1f} s"
        self.add("intake", "the app's own commits, p50", commits["p50"] / 1000, "ms", None, beside)
        self.add("intake", "the app's own commits, p99", commits["p99"] / 1000, "ms")
        self.add("intake", "the app's own commits, longest (the longest lock hold)", commits["max"] / 1000, "ms")
        self.add("intake", "memory of the node, peak", peak, "MB", ("<=", 64))

    def pages(self):
        """A browser and a WebView over a node."""
        pages.measure(self)

    def together(self):
        """A browser and a WebView over one node, and a program."""
        together.measure(self)

    def pacing(self):
        """The fitted window beside a fixed one, and tables in a hurry."""
        pacing.measure(self)

    def flatness(self):
        first = {}
        for rows in (10_000, 100_000, 1_000_000):
            count = self.count(rows)
            folder = self.file("cost").parent
            cost = self.programs.drive("cost", folder, count)
            shutil.rmtree(folder)
            for stage, value in cost.items():
                label = stage.removesuffix("_us")
                beside = f"{value / first.setdefault(stage, value):.2f}x of the smallest"
                self.add("flatness", f"{label} of a change, {count:,} rows", value, "us", None, beside)


PARTS = ["writes", "core", "sizes", "upkeep", "conflicts", "links", "pages", "together", "pacing", "measuring", "intake", "flatness"]
# Pairs of runs, for two runs of one program differ by more than measuring costs.
MEASURING_TURNS = 12
# How long /metrics is asked for, how often, and how many answers its p99 is made of at least.
ASKED_S, ASKED_EACH_S, ASKED_LEAST = 20, 0.05, 200


def fetch(url):
    """An answer, and how many milliseconds it took."""
    begin = time.monotonic()
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read(), (time.monotonic() - begin) * 1000


def quantile(ordered, share):
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def ratio_of_pairs(ones, others, resamples=10_000):
    """The median of the ratios of each pair, and the bounds between which it lies with 95 % confidence: pairs are drawn anew."""
    ratios = [one / other for one, other in zip(ones, others, strict=True)]
    chance = random.Random(7)
    drawn = sorted(statistics.median(chance.choices(ratios, k=len(ratios))) for _ in range(resamples))
    return statistics.median(ratios), quantile(drawn, 0.025), quantile(drawn, 0.975)


def as_line(row):
    digits = 2 if abs(row["value"]) < 100 else 0
    value = f"{row['value']:,.{digits}f} {row['unit']}"
    goal = f"{row['goal'][0]} {row['goal'][1]:,}" if row["goal"] else ""
    verdict = {True: "met", False: "MISSED", None: ""}[row["met"]]
    return f"{row['name']:<56} {value:>22} {goal:>10} {verdict:<7} {row['beside'] or ''}".rstrip()


def as_markdown(report):
    """The table as a page of the docs."""
    lines = ["# Figures", "", "Made by `tests/bench/run --markdown docs/performance.md`: everything below was measured in one run, beside plain SQLite (WAL,",
             f"synchronous=NORMAL; Tandem's own commits synchronous=FULL), on {report['cores']} cores, SQLite {report['sqlite']}. Compare ratios, not times:",
             "they depend on the machine. Why the goals that are missed are missed stands in [why](#why).", ""]
    part = None
    for row in report["rows"]:
        if row["part"] != part:
            part = row["part"]
            lines += ["", f"## {part}", "", "| what | measured | goal | | beside |", "| --- | ---: | ---: | --- | --- |"]
        digits = 2 if abs(row["value"]) < 100 else 0
        goal = f"{row['goal'][0]} {row['goal'][1]:,}" if row["goal"] else ""
        verdict = {True: "met", False: "missed", None: ""}[row["met"]]
        lines.append(f"| {row['name']} | {row['value']:,.{digits}f} {row['unit']} | {goal} | {verdict} | {row['beside'] or ''} |")
    return "\n".join(lines) + "\n\n"


def write_markdown(file, report):
    """Replaces the figures, and keeps what people wrote below them."""
    why = "## Why"
    kept = file.read_text().partition(why)[2] if file.exists() else "\n"
    file.write_text(as_markdown(report) + why + kept)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path, help="folder with the programs tandem and tandem_bench")
    parser.add_argument("--json", type=Path, help="where the numbers go")
    parser.add_argument("--markdown", type=Path, help="the page of the docs to write the table to")
    parser.add_argument("--only", action="append", choices=PARTS, help="measure this part (may be repeated)")
    parser.add_argument("--scale", type=float, default=1, help="share of the full number of rows")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tandem-bench-"))
    bench = Bench(Programs(options.build.resolve()), folder, options.scale)
    failed = []
    try:
        for part in options.only or PARTS:
            print(f"-- {part}", flush=True)
            try:
                getattr(bench, part)()
            except (Trouble, OSError, sqlite3.Error, KeyError, subprocess.CalledProcessError) as trouble:
                print(f"   {part} could not be measured to its end: {trouble}", flush=True)
                failed.append(part)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report = {"cores": os.cpu_count(), "sqlite": sqlite3.sqlite_version, "scale": options.scale, "rows": bench.rows,
              "failed": failed}
    print("\nAll of it, beside plain SQLite in the same run (WAL, synchronous=NORMAL; ours synchronous=FULL):\n")
    for row in bench.rows:
        print(as_line(row))
    missed = sum(row["met"] is False for row in bench.rows)
    print(f"\n{sum(row['met'] is True for row in bench.rows)} goals met, {missed} missed")
    if options.markdown:
        write_markdown(options.markdown, report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
        print(f"written to {options.json}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
