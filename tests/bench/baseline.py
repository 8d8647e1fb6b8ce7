"""Is `tandem validate --baseline` to be trusted on this machine? A baseline, ten runs of the same program, which must name nothing, and
one whose nodes are held up for three tenths of what they need, which must be named. Then each of these eleven runs is taken for the baseline of all others.

Usage: baseline.py build/tandem [--runs 10] [--effort 1]      a quarter of an hour; let nothing else run. Exit 1 if it can't be trusted.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

STOPPED_S, RUNNING_S = 0.003, 0.010  # 13 ms for what takes 10: 30 % slower


def measure(program, report, effort, meanwhile=None):
    """One validation, into a file."""
    command = [program, "validate", "--json", "--effort", str(effort)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        over = threading.Event()
        helper = threading.Thread(target=meanwhile, args=(process.pid, over)) if meanwhile else None
        if helper:
            helper.start()
        document, said = process.communicate()
        over.set()
        if helper:
            helper.join()
    if not document:
        sys.exit(f"`{' '.join(command)}` fails: {said.strip()}")
    for each in json.loads(document)["omissions"]:
        print(f"not measured: {each['what']}: {each['why']}", flush=True)
    report.write_text(document, encoding="utf-8")


def named(program, report, baseline):
    """What has changed for sure, and what is to be said of the comparison."""
    done = subprocess.run([program, "validate", "--json", "--report", report, "--baseline", baseline], capture_output=True, text=True, check=False)
    if not done.stdout:
        sys.exit(f"{report} can't be compared with {baseline}: {done.stderr.strip()}")
    found = json.loads(done.stdout)["baseline"]
    return [each for each in found["changes"] if each["verdict"] != "no difference"], found["doubts"]


def worse_of(changes):
    return [each for each in changes if each["verdict"] == "worse"]


def in_words(change):
    way = f" ({change['transport']})" if change["transport"] else ""
    high = "?" if change["high"] is None else f"{change['high']:.2f}"
    return f"{change['name']}{way} {change['times_worse']:.2f} times worse ({change['low']:.2f} to {high})"


def nodes_of(parent):
    """Processes `tandem serve` that this process has started."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rsplit(")", 1)[1].split()[1]) == parent and b"\0serve\0" in stat.with_name("cmdline").read_bytes():
                yield int(stat.parent.name)
        except (OSError, IndexError, ValueError):
            continue


def hold_up(parent, over):
    """Stops the nodes for three of every thirteen milliseconds."""
    held, looked = [], 0
    while not over.is_set():
        if time.monotonic() > looked + 0.1:
            held, looked = list(nodes_of(parent)), time.monotonic()
        for number, wait_s in ((signal.SIGSTOP, STOPPED_S), (signal.SIGCONT, RUNNING_S)):
            for node in held:
                try:
                    os.kill(node, number)
                except ProcessLookupError:
                    continue
            time.sleep(wait_s)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--effort", type=float, default=1, help="of each validation; less is quicker and sees less")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tandem-baseline-") as folder:
        sys.exit(judge(options, Path(folder)))


def judge(options, folder):
    same, slow = [folder / f"{run}.json" for run in range(options.runs + 1)], folder / "slow.json"
    measure(options.program, same[0], options.effort)
    alarms = 0
    for run, report in enumerate(same[1:], 1):
        measure(options.program, report, options.effort)
        changes, doubts = named(options.program, report, same[0])
        alarms += len(changes) > 0
        print(f"run {run} of the same program: {'; '.join(map(in_words, changes)) or 'nothing is named'}", *doubts, sep="\n    ", flush=True)
    measure(options.program, slow, options.effort, hold_up)
    changes, doubts = named(options.program, slow, same[0])
    worse = worse_of(changes)
    print(f"held up for 30 %: {'; '.join(map(in_words, worse)) or 'nothing is named'}", *doubts, sep="\n    ")
    print(f"{alarms} of {options.runs} runs raised a false alarm; the slowdown was {'caught' if worse else 'missed'}")
    tell_of_all_pairs(options.program, same, slow)
    return 1 if alarms or not worse else 0


def tell_of_all_pairs(program, same, slow):
    """More than one baseline can tell: as if each run had been it."""
    pairs = [(report, baseline) for baseline in same for report in same if report is not baseline]
    alarms = sum(len(named(program, *each)[0]) > 0 for each in pairs)
    caught = sum(len(worse_of(named(program, slow, each)[0])) > 0 for each in same)
    print(f"each held against each: {alarms} false alarms in {len(pairs)}; with {caught} of {len(same)} as the baseline the slowdown was caught")


if __name__ == "__main__":
    main()
