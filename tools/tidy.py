"""Runs clang-tidy on the translation units of a Clang build folder; those of tests, nearly half of all, only if they are named.

A unit is looked at again only if it, a header of the project that it includes, its command line, or .clang-tidy has
changed since it was last found clean. Usage: tools/tidy.py [--jobs N] BUILD_FOLDER [FILE...]
"""

import argparse
import concurrent.futures
import hashlib
import json
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIDY = "clang-tidy-14"


def project_headers(build: pathlib.Path) -> dict[str, list[pathlib.Path]]:
    """The project's files that each object was made of, as Ninja noted them down."""
    listing = subprocess.run(["ninja", "-C", build, "-t", "deps"], check=True, capture_output=True, text=True).stdout
    headers: dict[str, list[pathlib.Path]] = {}
    current = None
    for line in listing.splitlines():
        if line and not line[0].isspace():
            current = headers.setdefault(line.split(":", 1)[0], [])
        elif line.strip() and current is not None:
            path = (build / line.strip()).resolve()
            if path.is_relative_to(ROOT):
                current.append(path)
    return headers


def fingerprint(unit: dict, headers: list[pathlib.Path]) -> str:
    digest = hashlib.sha256((ROOT / ".clang-tidy").read_bytes())
    digest.update(unit["command"].encode())
    for path in sorted({pathlib.Path(unit["file"]), *headers}):
        digest.update(str(path).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def object_of(unit: dict) -> str:
    words = shlex.split(unit["command"])
    return words[words.index("-o") + 1]


def look_at(build: pathlib.Path, source: str) -> tuple[int, str]:
    done = subprocess.run([TIDY, "--quiet", "-p", build, source], capture_output=True, text=True)
    return done.returncode, done.stdout + (done.stderr if done.returncode else "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    cache = build / "tidy"
    cache.mkdir(exist_ok=True)

    units = {unit["file"]: unit for unit in json.loads((build / "compile_commands.json").read_text())}
    if arguments.files:
        asked = {str(path.resolve()) for path in arguments.files}
        units = {name: unit for name, unit in units.items() if name in asked}
    else:
        units = {name: unit for name, unit in units.items() if not pathlib.Path(name).is_relative_to(ROOT / "tests")}
    headers = project_headers(build)
    stale = {}
    for name, unit in sorted(units.items()):
        mark = cache / fingerprint(unit, headers.get(object_of(unit), []))
        if not mark.exists():
            stale[name] = mark

    troubled = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        results = {pool.submit(look_at, build, name): name for name in stale}
        for done in concurrent.futures.as_completed(results):
            status, text = done.result()
            if status == 0:
                stale[results[done]].touch()
            else:
                troubled += 1
                print(text, flush=True)
    print(f"{len(units)} files, {len(stale)} looked at, {troubled} with findings")
    return 1 if troubled else 0


if __name__ == "__main__":
    sys.exit(main())
