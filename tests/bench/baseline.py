"""Is `tandem validate --baseline` to be trusted on this machine? A baseline, ten runs of the same program, which must name nothing, and
one whose nodes are held up for three tenths of what they need, which must be named.

Usage: baseline.py build/tandem [--runs 10] [--effort 1]      twenty minutes; let nothing else run. Exit 1 if it can't be trusted.
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


def validate(program, baseline, effort, meanwhile=None):
    """Makes the baseline, or holds a run against it: then what has changed for sure."""
    command = [program, "validate", "--json", "--effort", str(effort), "--baseline", str(baseline)]
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
    report = json.loads(document)
    for each in report["omissions"]:
        print(f"not measured: {each['what']}: {each['why']}", flush=True)
    return [each for each in report.get("baseline", {"changes": []})["changes"] if each["verdict"] != "no difference"]


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
        baseline = Path(folder) / "baseline.json"
        validate(options.program, baseline, options.effort)
        alarms = 0
        for run in range(1, options.runs + 1):
            named = validate(options.program, baseline, options.effort)
            alarms += len(named) > 0
            print(f"run {run} of the same program: {'; '.join(map(in_words, named)) or 'nothing is named'}", flush=True)
        worse = [each for each in validate(options.program, baseline, options.effort, hold_up) if each["verdict"] == "worse"]
        print(f"held up for 30 %: {'; '.join(map(in_words, worse)) or 'nothing is named'}")
    print(f"{alarms} of {options.runs} runs raised a false alarm; the slowdown was {'caught' if worse else 'missed'}")
    return 1 if alarms or not worse else 0


if __name__ == "__main__":
    sys.exit(main())
