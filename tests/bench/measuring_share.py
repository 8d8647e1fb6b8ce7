"""What share of its processor time a node spends on measuring itself, by a profile (`perf` of Debian's linux-perf).

Wall times can't tell: two runs of one program under full load differ by more than the share that is looked for.
"""

import argparse
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from processes import Node, Programs, result_of, wait_rows

ROWS = 60_000
SAMPLES_A_SECOND = 2_000
# Where a sample's stack passes through one of these, the node was measuring.
MEASURING = re.compile("tell_monitor|tell_stamped|tell_merged|note_handled|shell_state::now_us|monitor_actor|measure_board"
                       "|tandem::monitor::|code<tandem::messages::(measurements|handled)")


def start_recording(node, profile):
    command = ["perf", "record", "-F", str(SAMPLES_A_SECOND), "--call-graph", "dwarf,8192", "-o", profile, "-p", str(node.process.pid)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stacks(profile):
    told = subprocess.run(["perf", "script", "-i", profile, "--no-inline", "-F", "ip,sym"], capture_output=True, text=True, check=True)
    return [each for each in told.stdout.split("\n\n") if each.strip()]


def profile_nodes(programs, folder):
    """The profiles of a device that sends rows without a pause, and of the hub that they pass through."""
    near, hub, far = (folder / f"{name}.db" for name in ("near", "hub", "far"))
    programs.drive("prepare", near, 100, "tracked")
    with Node(programs, hub) as hub_node, Node(programs, near, hub_node.url) as near_node, Node(programs, far, hub_node.url):
        wait_rows(far, 100)
        profiles = {"device": folder / "device.perf", "hub": folder / "hub.perf"}
        recording = [start_recording(node, profiles[name]) for name, node in (("device", near_node), ("hub", hub_node))]
        time.sleep(1)  # perf does not say when it has begun.
        watcher = programs.start_driving("watch", far, 100 + ROWS)
        programs.drive("write", near, "insert", ROWS, 20_000_000)
        result_of(watcher)
        for each in recording:
            each.send_signal(signal.SIGINT)
            each.wait()
    return profiles


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path, help="folder with the programs tandem and tandem_bench")
    options = parser.parse_args()
    if not shutil.which("perf"):
        sys.exit("there is no perf: install Debian's linux-perf")
    with tempfile.TemporaryDirectory(prefix="tandem-share-") as folder:
        for name, profile in profile_nodes(Programs(options.build.resolve()), Path(folder)).items():
            all_of_it = stacks(profile)
            measuring = sum(bool(MEASURING.search(each)) for each in all_of_it)
            if not all_of_it:
                sys.exit(f"perf took no sample of the {name}")
            print(f"{name}: {100 * measuring / len(all_of_it):.2f} % of its processor time, {measuring} of {len(all_of_it):,} samples")


if __name__ == "__main__":
    main()
