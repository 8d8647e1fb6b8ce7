"""A real WebView over the native runtime: see page/page.js for what the page does."""

import sys
import unittest

from window_case import PAGE, WindowCase


class WebView(WindowCase):
    def test_a_page_in_a_window_works_on_the_database(self):
        self.show("--www", PAGE)
        self.until_sql("SELECT count(*) FROM seen WHERE name IN ('ready', 'trouble')", [(1,)])
        seen = dict(self.sql("SELECT * FROM seen"))
        self.assertEqual(seen, {"name": "app", "rows": "5000", "denied": "denied", "gap": "refused", "one ring for several": "true", "ready": "1"})
        self.sql("INSERT INTO tasks VALUES(1, 'from plain SQL')")
        self.until_sql("SELECT value FROM seen WHERE name = 'live'", [("from plain SQL",)])


if __name__ == "__main__":
    WindowCase.program, WindowCase.track = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main()
