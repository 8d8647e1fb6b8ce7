"""An origin of its own: the files of page/ and what their scripts tell, without the strict policy of a node's server."""

import functools
import http.server
import os
import threading
import urllib.parse

from window_case import DEADLINE_S, PAGE


class Origins:
    """Several of them, which tell into one book."""

    def __init__(self):
        self.told = {}
        self.told_meanwhile = []  # while a slow page is loaded
        self.visits = 0
        self.is_loading = False
        self.released = threading.Event()
        self.servers = []

    def add(self):
        """The address of a new one."""
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, self))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    def release(self):
        """Lets the page come that is being loaded; the next one waits again."""
        self.is_loading = False
        self.told_meanwhile.clear()
        self.released.set()

    def close(self):
        self.released.set()
        for server in self.servers:
            server.shutdown()
            server.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def __init__(self, origins, *rest):
        self.origins = origins
        super().__init__(*rest)

    def do_GET(self):
        address = urllib.parse.urlsplit(self.path)
        fields = dict(urllib.parse.parse_qsl(address.query))
        if address.path == "/told":
            self.origins.told[fields["name"]] = fields["value"]
            self.answer(b"")
        elif address.path == "/visit":
            self.origins.visits += 1
            self.answer(str(self.origins.visits).encode())
        elif address.path == "/told_meanwhile":
            if self.origins.is_loading:
                self.origins.told_meanwhile.append((fields["name"], fields["value"]))
            self.answer(b"")
        else:
            if address.path.startswith("/slow/"):
                self.origins.is_loading = True
                self.origins.released.wait(DEADLINE_S)
                self.origins.released.clear()
            self.answer_file(os.path.basename(address.path))

    do_POST = do_GET  # As beacons go out.

    def answer_file(self, name):
        path = os.path.join(PAGE, name)
        if not os.path.isfile(path):
            self.send_error(404)
            return
        with open(path, "rb") as file:
            self.answer(file.read(), "text/javascript" if name.endswith(".js") else "text/html; charset=utf-8")

    def answer(self, body, kind="text/plain"):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        try:
            self.wfile.write(body)
        except BrokenPipeError:
            pass  # The page that asked for it has gone.

    def log_message(self, *_):
        pass
