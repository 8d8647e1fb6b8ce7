"""Plants one violation of each rule in a small tree of its own: a check that can't fail would check nothing."""

import pathlib
import tempfile
import unittest

import check

CLEAN = {
    "messages/README.md": "",
    "messages/limits.hpp": "constexpr std::size_t frame_bytes_max = 1;\n",
    "messages/codec.cpp": '#include <msgpack.hpp>\n#include "messages/codec.hpp"\n',
    "storage/README.md": "",
    "storage/replica.cpp": '#include <sqlite3.h>\n#include "messages/limits.hpp"\n',
    "storage/sorted.cpp": "std::ranges::sort(all); std::ranges::sort(all);\n",
    "wasm/README.md": "",
    "wasm/shim/README.md": "",
    "wasm/shim/missing_library.hpp": "template <class Range>\nauto sort(Range&& range) {}\n",
    "actors/runtime.cpp": "std::ranges::copy(one, other);\n",
    "bridge/README.md": "",
    "bridge/socket.cpp": '#include <boost/beast.hpp>\n#include "messages/frame.hpp"\n',
    "actors/README.md": "",
    "actors/observer.cpp": '#include <caf/all.hpp>\n#include "storage/replica.hpp"\n#include <tandem/runtime.hpp>\n',
    "include/tandem/README.md": "",
    "include/tandem/runtime.hpp": "struct sqlite3;\n// never a caf::actor\nnamespace tandem {}\n",
    "demos/node/README.md": "",
    "demos/node/main.cpp": '#include <CLI/x.hpp>\n',
    "tests/README.md": "",
    "tests/a.cpp": "#include <boost/test/unit_test.hpp>\n",
}
PLANTED = {
    "upward include": ("storage/x.cpp", '#include "actors/observer.hpp"\n', "must not include"),
    "tests in the program": ("demos/node/x.cpp", '#include "tests/simulation/history.hpp"\n', "must not include"),
    "sideways include": ("bridge/x.cpp", '#include "storage/replica.hpp"\n', "must not include"),
    "public header of ours": ("include/tandem/x.hpp", '#include "messages/site.hpp"\n', "must not include"),
    "CAF outside": ("bridge/x.cpp", "#include <caf/actor.hpp>\n", "CAF belongs"),
    "msgpack outside": ("messages/frame.cpp", "#include <msgpack.hpp>\n", "msgpack belongs"),
    "Beast outside": ("actors/x.cpp", "#include <boost/asio.hpp>\n", "Boost belongs"),
    "Boost.Test outside": ("bridge/x.cpp", "#include <boost/test/unit_test.hpp>\n", "Boost.Test belongs"),
    "WebKitGTK outside": ("actors/x.cpp", "#include <webkit2/webkit2.h>\n", "WebKitGTK belongs"),
    "SQLite outside": ("bridge/x.cpp", "#include <sqlite3.h>\n", "SQLite belongs"),
    "SQLite in public": ("include/tandem/x.hpp", "#include <sqlite3.h>\n", "SQLite belongs"),
    "CAF in public": ("include/tandem/x.hpp", "caf::actor x();\n", "must not show"),
    "long file": ("monitor/x.cpp", "\n" * (check.LINES_MAX + 1), "split it"),
    "stray limit": ("storage/x.hpp", "constexpr int rows_max = 3;\n", "limits.hpp"),
    "clock in storage": ("storage/x.cpp", "auto t = std::chrono::system_clock::now();\n", "time is handed in"),
    "algorithm that a page lacks": ("actors/x.cpp", "std::ranges::copy(one, other);\n", "no ranges::copy"),
    "folder without README": ("storage/deep/x.cpp", "\n", "README.md"),
}


def findings_for(files: dict[str, str]) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        (root / "monitor").mkdir(exist_ok=True)
        (root / "monitor/README.md").touch()
        return check.check(root)


class CheckTest(unittest.TestCase):
    def test_a_clean_tree_has_no_findings(self):
        self.assertEqual(findings_for(CLEAN), [])

    def test_each_planted_violation_is_found(self):
        for title, (name, text, expected) in PLANTED.items():
            with self.subTest(title):
                findings = findings_for({**CLEAN, name: text})
                self.assertEqual(len(findings), 1, findings)
                self.assertIn(expected, findings[0])


if __name__ == "__main__":
    unittest.main()
