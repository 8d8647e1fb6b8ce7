"""A browser and a desktop window on one database, and a program: all three write at once, and each page shows what the others wrote."""

import shutil
import sys

import pages

TICKS = 300
PAGES = {"browser": "Chromium", "window": "the window"}
WRITERS = {**PAGES, "program": "sqlite3"}


def measure(bench):
    if not ((bench.programs.build / "bench_window").exists() and shutil.which("xvfb-run")):
        print("   left out: there is no WebKitGTK or no xvfb-run", file=sys.stderr)
        return
    page, database = pages.build_page(bench.programs), bench.file("together")
    pages.make_database(bench.programs, database)
    asked = f"parts=together&ticks={TICKS}"
    with pages.window(bench.programs, database, page, f"way=webview&me=window&{asked}") as shown:
        with pages.browser(f"{shown.url().replace('ws:', 'http:')}?way=websocket&me=browser&{asked}"):
            write_and_wait(database)
    for shower, place in PAGES.items():
        figure = pages.Conversation(database, shower).figure
        for writer, by in WRITERS.items():
            if writer == shower:
                continue
            for quantile, goal in (("p50", 8), ("p99", 25)):
                bench.add("together", f"written by {by}, drawn again in {place}, {quantile}", figure(f"of {writer} {quantile}_ms"), "ms", ("<=", goal),
                          f"{figure(f'of {writer} seen'):.0f} of {TICKS} drawn one by one")


def write_and_wait(database):
    conversations = [pages.Conversation(database, shower) for shower in PAGES]
    for each in conversations:
        each.wait("together_ready")
    program = conversations[0]
    program.app.execute("INSERT INTO figures VALUES('together begun', 1)")
    program.write_ticks(TICKS, longest_wait_s=0.060)
    for each in conversations:
        each.wait("together_done")
