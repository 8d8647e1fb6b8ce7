"""The program under test: one-shot commands, and nodes that serve until they are stopped or killed."""

import json
import os
import re
import signal
import subprocess
import sys
import threading

from waiting import eventually

READY = re.compile(r"ready(?: (ws://\S+))?")
STOP_S = 30


class Program:
    def __init__(self, path):
        self.path = os.path.abspath(path)

    def run(self, *arguments, timeout_s=120):
        """CompletedProcess of one command."""
        command = [self.path, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=timeout_s, check=False)

    def ok(self, *arguments, timeout_s=120):
        """Standard output of a command that must succeed."""
        done = self.run(*arguments, timeout_s=timeout_s)
        assert done.returncode == 0, f"{arguments} ended with {done.returncode}: {done.stderr}{done.stdout}"
        return done.stdout

    def refuses(self, *arguments, code=1, timeout_s=60):
        """The error line of a command that must fail: one line, no crash, nothing on stdout."""
        done = self.run(*arguments, timeout_s=timeout_s)
        assert done.returncode == code, f"{arguments} ended with {done.returncode}, not {code}: {done.stderr}{done.stdout}"
        assert done.stderr.strip(), f"{arguments} failed without a word"
        return done.stderr

    def json(self, *arguments):
        return json.loads(self.ok(*arguments, "--json"))

    def digest(self, database):
        return self.ok("digest", database).strip()


class Node:
    """`tandem serve` as a process of its own."""

    def __init__(self, program, database, *arguments, env=None):
        self.program = program
        self.env = env
        self.database = str(database)
        self.arguments = list(map(str, arguments))
        self.process = None
        self.url = None
        self.lines = []

    def start(self, deadline_s=60):
        command = [self.program.path, "serve", self.database, *self.arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                                        env=self.env)
        self.is_ready = threading.Event()
        self.readers = [threading.Thread(target=self._read, args=(stream,), daemon=True)
                        for stream in (self.process.stdout, self.process.stderr)]
        for reader in self.readers:
            reader.start()
        eventually(lambda: self.is_ready.is_set() or self.process.poll() is not None, f"{command} is ready", deadline_s)
        assert self.is_ready.is_set(), f"{command} ended with {self.process.returncode}: {self.text()}"
        return self

    def _read(self, stream):
        with stream:
            for line in stream:
                self.lines.append(line)
                ready = READY.match(line)
                if ready and stream is self.process.stdout:
                    self.url = ready.group(1)
                    self.is_ready.set()

    def text(self):
        return "".join(self.lines[-50:])

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """The clean way: must end with 0."""
        if not self.is_running():
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(signal.SIGTERM)
        code = self._end()
        assert code == 0, f"{self.database}: SIGTERM ended it with {code}: {self.text()}"

    def kill(self):
        if self.is_running():
            self.process.kill()
            self._end()

    def _end(self):
        code = self.process.wait(STOP_S)
        for reader in self.readers:
            reader.join(STOP_S)
        return code

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def memory_kib(self, field="VmHWM"):
        """VmHWM: the most it ever had resident; VmRSS: now."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith(field + ":"):
                    return int(line.split()[1])
        raise AssertionError(f"no {field} in /proc/{self.process.pid}/status")

    def bytes_read(self):
        """From files and sockets, so far."""
        with open(f"/proc/{self.process.pid}/io", encoding="ascii") as counts:
            return int(dict(line.split(": ") for line in counts)["rchar"])

    def processor_s(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def program_from_arguments():
    """The program's path is the first argument; what is left belongs to the test."""
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(f"usage: {sys.argv[0]} PATH/TO/tandem [options]")
    return Program(sys.argv.pop(1))
