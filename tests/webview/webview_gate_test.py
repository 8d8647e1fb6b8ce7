"""Who in a window may use the app's data, and what is left of a page that was loaded anew or whose process died: page/gate.js says what the pages do."""

import os
import signal
import sys
import unittest
from urllib.parse import quote

from page_server import Origins
from window_case import WindowCase


class Gate(WindowCase):
    def setUp(self):
        super().setUp()
        self.origins = Origins()
        self.addCleanup(self.origins.close)
        self.app, self.other = self.origins.add(), self.origins.add()

    def open(self, part):
        self.show("--page", f"{self.app}/gate.html?part={part}&other={quote(self.other)}&app={quote(self.app)}")

    def until_told(self, name, value):
        self.until(lambda: name in self.origins.told, lambda: f"nothing was told of {name}: {self.origins.told}")
        self.assertEqual(self.origins.told[name], value, name)

    def until_told_meanwhile(self, name, value):
        """Of several, the later ones were tried when the next page was already on its way."""
        def told():  # By its name, for what the page before tried may be told late.
            return [each for who, each in list(self.origins.told_meanwhile) if who == name]

        self.until(lambda: len(told()) >= 5, lambda: f"nothing was told meanwhile: {self.origins.told}")
        self.assertEqual(set(told()), {value})

    def test_frames_are_not_served(self):
        self.open("framing")
        self.until_told("the page", "served")
        self.until_told("a foreign frame", "denied")
        self.until_told("an own frame", "denied")

    def test_what_counts_is_the_page_that_is_shown_not_the_one_that_is_asked_for(self):
        self.open("leaving")
        self.until_told_meanwhile("the page while it leaves", "served")
        self.origins.release()
        self.until_told("a foreign page", "denied")
        self.until_told_meanwhile("a foreign page while it leaves", "denied")
        self.origins.release()
        self.until_told("the page that came back", "served")

    def test_a_page_that_is_loaded_anew_leaves_nothing_open(self):
        self.open("reloading")
        self.until_sql("SELECT name FROM seen", [("kept",)])

    def test_a_page_whose_process_died_leaves_nothing_open_and_comes_back(self):
        self.open("dying")
        self.until_told("a transaction", "open")
        for process in self.processes("WebKitWebProces"):  # of this window: WebKit starts them in its session
            os.kill(process, signal.SIGKILL)
        self.until_sql("SELECT name FROM seen", [("kept",)])
        self.assertIn("the page's process ended", self.said())


if __name__ == "__main__":
    WindowCase.program, WindowCase.track = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main()
