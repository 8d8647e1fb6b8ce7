"""Checks the house's rules that a compiler does not: which folder may include what, and how big a file may grow.

Usage: check.py [ROOT]      prints one line for each broken rule; exit 1 if there is one
"""

import pathlib
import re
import sys

SOURCES = {".cpp", ".hpp", ".h", ".c"}
LINES_MAX = 500

# Includes point one way: demos -> actors -> {storage, bridge, monitor} -> messages -> nothing of ours.
MAY_INCLUDE = {
    "messages": {"messages"},
    "storage": {"storage", "messages"},
    "bridge": {"bridge", "messages"},
    "monitor": {"monitor", "messages"},
    "include": {"tandem"},
    "actors": {"actors", "storage", "bridge", "monitor", "messages", "tandem"},
    "wasm": {"wasm", "actors", "storage", "bridge", "monitor", "messages"},
    "demos": {"demos", "actors", "storage", "bridge", "monitor", "messages", "tandem"},
    "tests": {"tests", "demos", "actors", "storage", "bridge", "monitor", "messages", "tandem"},
}
# One command of the program runs what the tests run: the simulator is too large to have twice.
MAY_ALSO_INCLUDE = {"demos/node/commands/sim.cpp": ("tests/simulation/history.hpp",)}
OURS = set().union(*MAY_INCLUDE.values())

# Libraries that stay behind one folder or file, so that they could be replaced there.
KEPT_TO = {
    "caf": ("CAF", ["actors/", "tests/unit/actors/", "tests/simulation/"]),
    "msgpack": ("msgpack", ["messages/codec.cpp"]),
    "sqlite3": ("SQLite", ["storage/", "actors/runtime.cpp", "wasm/page_node.cpp", "demos/", "tests/"]),
    "boost/test": ("Boost.Test", ["tests/"]),
    "boost": ("Boost", ["bridge/"]),
    "webkit2": ("WebKitGTK", ["bridge/webview", "demos/webview/", "tests/bench/"]),
    "rapidcheck": ("RapidCheck", ["tests/"]),
    "CLI": ("CLI11", ["demos/node/", "demos/webview/"]),
}
LIMIT_FILES = {"messages/limits.hpp", "messages/page_limits.hpp"}
PUBLIC_NEVER = re.compile(r"\b(caf|boost|msgpack|nlohmann|spdlog)::|\bsqlite3_\w+\s*\(")
WALL_CLOCK = re.compile(r"\bsystem_clock::now\s*\(")
ASKS_THE_TIME = "storage/replica.cpp"  # the default clock that a caller may hand in
# What a page runs is compiled by Emscripten too, whose library lacks the algorithms over ranges: the shim has those in use.
SHIM = "wasm/shim/missing_library.hpp"
IN_A_PAGE = ("messages/", "storage/", "monitor/", "actors/", "wasm/")
NATIVE_ONLY = ("c_face", "commit_watch", "crew", "host_callback", "node", "runtime", "shell")  # of actors/, as in wasm/CMakeLists.txt
RANGES_USED = re.compile(r"\bstd::ranges::(\w+)\s*\(")
RANGES_IN_SHIM = re.compile(r"^(?:auto|bool) (\w+)\(", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
LIMIT = re.compile(r"^[ \t]*[^\n;(]*\bconstexpr\s[^;=\n{(]*?\b(?!protocol_)(\w+_(?:max|min))\s*[={]", re.MULTILINE)


def is_generated(path: pathlib.Path) -> bool:
    return any(part.startswith("build") or part in ("node_modules", "__pycache__") for part in path.parts)


def sources(root: pathlib.Path):
    for folder in MAY_INCLUDE:
        for path in sorted((root / folder).rglob("*")):
            relative = path.relative_to(root)
            if path.suffix in SOURCES and path.is_file() and not is_generated(relative):
                yield relative, path.read_text(encoding="utf-8", errors="replace")


def library_rule(header: str):
    for prefix in sorted(KEPT_TO, key=len, reverse=True):
        if header == prefix or header.startswith((prefix + "/", prefix + ".")):
            return KEPT_TO[prefix]
    return None


def include_findings(relative: pathlib.Path, text: str):
    name = relative.as_posix()
    folder = relative.parts[0]
    for match in INCLUDE.finditer(text):
        header = match.group(2)
        line = text.count("\n", 0, match.start()) + 1
        target = header.split("/", 1)[0]
        is_ours = target in OURS and "/" in header and (match.group(1) == '"' or target == "tandem")
        is_allowed = target in MAY_INCLUDE[folder] or header in MAY_ALSO_INCLUDE.get(name, ())
        if is_ours and not is_allowed:
            yield f"{name}:{line}: {folder}/ must not include {header}: includes point from demos down to messages"
        rule = library_rule(header)
        if rule and not is_ours and not name.startswith(tuple(rule[1])):
            yield f"{name}:{line}: {rule[0]} belongs in {', '.join(rule[1])} only"


def text_findings(relative: pathlib.Path, text: str):
    name = relative.as_posix()
    lines = text.count("\n")
    if lines > LINES_MAX:
        yield f"{name}: {lines} lines; more than {LINES_MAX} is more than one idea: split it"
    if name.startswith("include/"):
        code = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
        for match in PUBLIC_NEVER.finditer(code):
            yield f"{name}: a public header must not show {match.group(0).strip()}"
    if name.startswith(("messages/", "storage/", "bridge/", "monitor/", "actors/")) and name not in LIMIT_FILES:
        for match in LIMIT.finditer(text):
            yield f"{name}: the limit {match.group(1)} belongs into messages/limits.hpp"
    if name.startswith(("storage/", "messages/")) and name != ASKS_THE_TIME:
        for match in WALL_CLOCK.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{name}:{line}: time is handed in, never asked for here"


def range_findings(relative: pathlib.Path, text: str, known: set[str]):
    name = relative.as_posix()
    if not name.startswith(IN_A_PAGE) or (name.startswith("actors/") and relative.stem in NATIVE_ONLY):
        return
    for match in RANGES_USED.finditer(text):
        if match.group(1) not in known:
            line = text.count("\n", 0, match.start()) + 1
            yield f"{name}:{line}: Emscripten's library has no ranges::{match.group(1)}, and {SHIM} neither: add it there"


def folder_findings(root: pathlib.Path):
    for folder in [*MAY_INCLUDE, "tools", "docs", "cmake"]:
        for path in [root / folder, *sorted((root / folder).rglob("*"))]:
            relative = path.relative_to(root)
            mirrors_a_folder = relative.parts[0] == "tests" and len(relative.parts) > 2
            if not path.is_dir() or is_generated(relative) or mirrors_a_folder:
                continue
            holds_code = any(child.suffix in SOURCES | {".py", ".md", ".cmake"} or child.name == "run" for child in path.iterdir())
            if holds_code and not (path / "README.md").exists():
                yield f"{relative.as_posix()}/: has no README.md that says what the folder is for"


def check(root: pathlib.Path) -> list[str]:
    findings = []
    shim = root / SHIM
    known = set(RANGES_IN_SHIM.findall(shim.read_text(encoding="utf-8"))) if shim.exists() else set()
    for relative, text in sources(root):
        findings.extend(range_findings(relative, text, known))
        findings.extend(include_findings(relative, text))
        findings.extend(text_findings(relative, text))
    findings.extend(folder_findings(root))
    return findings


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]).resolve()
    findings = check(root)
    for finding in findings:
        print(finding)
    print(f"{len(findings)} broken rules")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
