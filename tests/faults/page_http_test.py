"""Pages over HTTP: requests that are repeated, lost or foreign, streams that break, and the files of --www."""

import base64
import http.client
import json
import os
import secrets
import socket
import struct
import time
import unittest

from node import program_from_arguments
from page_case import COUNTING, PageCase
from page_client import BEGIN, DONE, EXECUTE, FAILED, MORE, OPEN, OPENED, QUERY, ROWS, unpacked
from raw_websocket import packed
from waiting import eventually

WAIT_S = 60


class Client:
    """One session; each request by a connection of its own."""

    def __init__(self, url, token="", headers=None):
        self.authority = url.removeprefix("ws://").rstrip("/")
        self.session, self.token = secrets.token_hex(16), token
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.headers.update(headers or {})
        self.number = self.received = 0

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.authority, timeout=WAIT_S)
        try:
            connection.request(method, path, body, {**self.headers, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read(), answer
        finally:
            connection.close()

    def post(self, *frames, number=None, received=None):
        if number is None:
            self.number += 1
        body = b"".join(struct.pack(">I", len(frame)) + frame for frame in map(packed, frames))
        return self.request("POST", f"/page/{self.session}", body, {
            "tandem-number": str(number or self.number), "tandem-received": str(self.received if received is None else received)})[:2]

    def open(self):
        status, body = self.post([OPEN, 1, 1, 1, self.session, self.token, "test"])
        assert status == 204, (status, body)
        return self

    def pull(self, wait_ms=15_000, after=None):
        status, body, _ = self.request("GET", f"/page/{self.session}/pull?after={self.received if after is None else after}&wait_ms={wait_ms}")
        assert status == 200, (status, body)
        if after is None:
            self.received = int.from_bytes(body[:8], "big")
        return split(body[8:])

    def pull_until(self, tag, request=None):
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            for message in self.pull():
                if message[0] == tag and request in (None, message[2]):
                    return message
                assert message[0] != FAILED, message
        raise AssertionError(f"no message {tag} within {WAIT_S} s")


class Stream:
    """Server-sent events, as they come."""

    def __init__(self, client, after=0, headers=()):
        host, port = client.authority.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=WAIT_S)
        lines = [f"GET /page/{client.session}/events?after={after}&token={client.token} HTTP/1.1", f"Host: {client.authority}", *headers]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.lines = self.socket.makefile("rb")
        self.status = int(self.lines.readline().split()[1])
        self.headers = {}
        while (line := self.lines.readline().strip()) != b"":
            name, _, value = line.decode().partition(": ")
            self.headers[name.lower()] = value
        self.last = after

    def next(self):
        """The messages of the next event; None at the end."""
        data = None
        while (line := self.lines.readline()) != b"":
            if line.startswith(b"id: "):
                self.last = int(line[4:])
            elif line.startswith(b"data: "):
                data = base64.b64decode(line[6:].strip(), validate=True)
            elif line == b"\n" and data is not None:
                return split(data)
        return None

    def close(self):
        self.lines.close()
        self.socket.close()


def split(data):
    result = []
    while data:
        size = int.from_bytes(data[:4], "big")
        item, rest = unpacked(data[4:4 + size])
        assert rest == b""
        result.append(item)
        data = data[4 + size:]
    return result


def insert(request, value, once=""):
    return [EXECUTE, 1, request, 30_000, 0, once, [["INSERT INTO plain VALUES(?)", [value]]], 0]


class HttpPages(PageCase):
    def client(self, **how):
        return Client(self.node.url, **how)

    def test_a_session_is_pulled(self):
        self.serve()
        client = self.client().open()
        self.assertEqual(client.pull()[0][0], OPENED)
        client.post(insert(1, "a"))
        self.assertEqual(client.pull_until(DONE, 1)[3:], [1, 1, False])
        client.post([QUERY, 1, 2, 30_000, 0, "SELECT x FROM plain", [], 0, 0])
        self.assertEqual(client.pull_until(ROWS, 2)[6], ["a"])
        self.assertEqual(client.pull(wait_ms=1), [])

    def test_a_repeated_request_does_nothing_twice_and_a_gap_is_told(self):
        self.serve()
        client = self.client().open()
        for _ in range(3):
            self.assertEqual(client.post(insert(1, "a"), number=2)[0], 204)
        self.assertEqual(client.post(insert(3, "c"), number=4)[0], 409)
        self.assertEqual(client.post(insert(2, "b"), number=3)[0], 204)
        self.assertEqual(client.post(insert(3, "c"), number=4)[0], 204)
        eventually(lambda: self.sql("SELECT x FROM plain") == [("a",), ("b",), ("c",)], "each was done once")

    def test_what_was_not_acknowledged_comes_again(self):
        self.serve()
        client = self.client().open()
        client.post(insert(1, "a"))
        eventually(lambda: [each[0] for each in client.pull(after=0)] == [OPENED, DONE], "both are kept")
        self.assertEqual([each[0] for each in client.pull(after=1)], [DONE])
        client.post(received=2)
        self.assertEqual(client.pull(after=0, wait_ms=1), [])

    def test_a_stream_goes_on_where_it_broke(self):
        self.serve()
        client = self.client().open()
        stream = Stream(client)
        self.assertEqual((stream.status, stream.headers["content-type"]), (200, "text/event-stream"))
        self.assertEqual(stream.next()[0][0], OPENED)
        stream.close()
        client.post(insert(1, "a"))
        again = Stream(client, headers=["Last-Event-ID: 1"])
        self.assertEqual(again.next()[0][:3], [DONE, 1, 1])
        newer = Stream(client, after=2)
        self.assertIsNone(again.next())  # One stream at a time.
        client.post(insert(2, "b"))
        self.assertEqual(newer.next()[0][:3], [DONE, 1, 2])
        for stream in (again, newer):
            stream.close()

    def test_a_live_query_comes_by_the_stream(self):
        self.serve()
        client = self.client().open()
        stream = Stream(client)
        stream.next()
        client.post([38, 1, 1, 0, "SELECT title FROM tasks", [], []])
        self.assertEqual(stream.next()[0][11], 0)
        client.post([42, 1, 1, 1])
        self.sql("INSERT INTO tasks VALUES(1, 'a', 0)")
        live = stream.next()[0]
        self.assertEqual((live[3], live[8], live[11], live[12]), (2, ["a"], 1, False))
        stream.close()

    def test_a_page_that_does_not_fetch_costs_no_memory(self):
        self.serve()
        client = self.client().open()
        resident = self.node.memory_kib("VmRSS")
        for request in range(1, 5):
            client.post([QUERY, 1, request, 60_000, 0, COUNTING, [2_000_000], 10_000, 100_000])
        self.assertEqual(len(self.opened().query(COUNTING, 1_000)), 1_000)
        self.assertLess(self.node.memory_kib("VmRSS") - resident, 60_000)
        rows = 0
        end = time.monotonic() + WAIT_S
        while rows < 100_000:  # And goes on when it does.
            self.assertLess(time.monotonic(), end, f"{rows} rows have come")
            for message in client.pull():
                rows += message[5] if message[0] == ROWS else 0
            client.post()

    def test_a_session_that_ended_is_gone(self):
        self.serve()
        client = self.client().open()
        client.post([OPEN, 1, 1, 1, client.session, "", "again"])
        self.assertEqual(client.pull_until(52)[2:4], [0, "protocol"])
        eventually(lambda: client.post(number=3)[0] == 410, "the session is over")
        for path in ("pull?after=0", "events?after=0"):
            eventually(lambda: client.request("GET", f"/page/{client.session}/{path}")[0] == 410, "nothing is left of it")
        self.assertEqual(self.client().post(number=5)[0], 410)

    def test_a_page_that_says_goodbye_holds_nothing(self):
        self.serve()
        for _ in range(70):  # More than there are places.
            client = self.client().open()
            self.assertEqual(client.request("DELETE", f"/page/{client.session}")[0], 204)
        client, other = self.client().open(), self.client().open()
        client.post([BEGIN, 1, 1, 0, 30_000])
        client.pull_until(DONE, 1)
        stream = Stream(client)
        other.post([EXECUTE, 1, 1, 20_000, 0, "", [["INSERT INTO plain VALUES(1)", []]], 0])
        self.assertEqual(client.request("DELETE", f"/page/{client.session}")[0], 204)
        self.assertEqual(other.pull_until(DONE, 1)[3], 1)  # The transaction is over.
        while stream.next() is not None:
            pass
        stream.close()
        self.assertEqual(client.post()[0], 410)
        self.assertEqual(client.request("DELETE", f"/page/{client.session}")[0], 204)

    def test_bad_requests_get_a_word(self):
        self.serve()
        client = self.client().open()
        post = lambda body, **headers: client.request("POST", f"/page/{client.session}", body, {"tandem-number": "2", **headers})
        for body in (b"\0\0\0", b"\0\0\0\5abc", struct.pack(">I", 5_000_000)):
            status, answer, _ = post(body)
            self.assertEqual((status, json.loads(answer)["code"]), (400, "protocol"))
        self.assertEqual(client.request("POST", f"/page/{client.session}", b"")[0], 400)
        status, answer, _ = post(b"x" * 5_000_000)
        self.assertEqual((status, json.loads(answer)["code"]), (413, "limit"))
        for path in ("/page/short", f"/page/{client.session}/else", f"/page/{'X' * 32}"):
            self.assertEqual(client.request("POST", path, b"")[0], 404)
        client.post(insert(1, "still there"))
        self.assertEqual(client.pull_until(DONE, 1)[3], 1)

    def test_foreign_pages_and_names_are_refused_and_others_get_cors(self):
        self.serve("--allow-origin", "https://app.example")
        client = self.client()
        path = f"/page/{client.session}"
        for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
            for method in ("POST", "GET", "OPTIONS", "DELETE"):
                status, _, answer = client.request(method, path, None, headers)
                self.assertEqual((status, answer.getheader("Access-Control-Allow-Origin")), (403, None), (method, headers))
        status, _, answer = client.request("OPTIONS", path, None, {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"})
        self.assertEqual((status, answer.getheader("Access-Control-Allow-Origin")), (204, "https://app.example"))
        self.assertIn("tandem-number", answer.getheader("Access-Control-Allow-Headers"))
        client.headers["Origin"] = "https://app.example"
        client.open()
        stream = Stream(client, headers=["Origin: https://app.example"])
        self.assertEqual(stream.headers["access-control-allow-origin"], "https://app.example")
        stream.close()

    def test_tokens_are_asked_for_each_time(self):
        self.serve("--page-token-file", self.secret("page"))
        client = self.client(token="page-secret").open()
        stranger = self.client(token="wrong")
        stranger.session = client.session
        self.assertEqual(stranger.post(number=2)[0], 401)
        self.assertEqual(stranger.request("GET", f"/page/{client.session}/pull?after=0")[0], 401)
        self.assertEqual(stranger.request("DELETE", f"/page/{client.session}")[0], 401)
        stream = Stream(stranger)
        self.assertEqual(stream.status, 401)
        stream.close()
        self.assertEqual(client.pull()[0][0], OPENED)

    def test_a_node_stops_while_pages_wait(self):
        self.serve()
        client = self.client().open()
        stream = Stream(client)
        stream.next()
        self.node.stop()
        while stream.next() is not None:
            pass
        stream.close()


class Files(PageCase):
    def setUp(self):
        super().setUp()
        self.www = os.path.join(self.folder, "www")
        os.makedirs(os.path.join(self.www, "sub"))
        for name, text in (("index.html", "<h1>app</h1>"), ("app.js", "1"), ("sub/index.html", "sub"), (".hidden", "x"), ("a b.txt", "blank")):
            with open(os.path.join(self.www, name), "w", encoding="ascii") as file:
                file.write(text)
        os.symlink(self.file, os.path.join(self.www, "link.db"))
        os.symlink(os.path.join(self.www, "app.js"), os.path.join(self.www, "inner.js"))
        self.serve("--www", self.www)
        self.client = Client(self.node.url)

    def get(self, path, method="GET", **headers):
        return self.client.request(method, path, None, headers)

    def test_files_with_their_types_and_tags(self):
        status, body, answer = self.get("/")
        self.assertEqual((status, body, answer.getheader("Content-Type")), (200, b"<h1>app</h1>", "text/html; charset=utf-8"))
        self.assertIn("default-src 'none'", answer.getheader("Content-Security-Policy"))
        self.assertEqual(answer.getheader("X-Content-Type-Options"), "nosniff")
        self.assertEqual(self.get("/", **{"If-None-Match": answer.getheader("ETag")})[:2], (304, b""))
        for path, text in (("/app.js?v=1", b"1"), ("/sub/", b"sub"), ("/a%20b.txt", b"blank"), ("/inner.js", b"1")):
            self.assertEqual(self.get(path)[:2], (200, text))
        status, body, answer = self.get("/app.js", "HEAD")
        self.assertEqual((status, body, answer.getheader("Content-Length")), (200, b"", "1"))

    def test_a_file_is_read_when_it_is_sent_only(self):
        size = 30_000_000
        with open(os.path.join(self.www, "large.bin"), "wb") as file:
            file.truncate(size)
        tag = self.get("/app.js", "HEAD")[2].getheader("ETag")
        before = self.node.bytes_read()
        status, body, answer = self.get("/large.bin", "HEAD")
        self.assertEqual((status, body, answer.getheader("Content-Length")), (200, b"", str(size)))
        self.assertNotEqual(answer.getheader("ETag"), tag)
        self.assertEqual(self.get("/large.bin", **{"If-None-Match": answer.getheader("ETag")})[:2], (304, b""))
        self.assertLess(self.node.bytes_read() - before, size // 2)
        self.assertEqual(len(self.get("/large.bin")[1]), size)

    def test_nothing_else_is_shown(self):
        for path in ("/missing", "/.hidden", "/../app.db", "/%2e%2e/app.db", "/sub/../../app.db", "/link.db", "/app.js%00", "/%zz", "//etc/passwd",
                     "/..%5capp.db", "/%2fetc%2fpasswd"):
            self.assertEqual(self.get(path)[0], 404, path)
        self.assertEqual(self.get("/", "POST")[0], 405)
        self.assertEqual(self.get("/", Host="evil.example")[0], 403)

    def test_one_connection_takes_many_requests(self):
        connection = http.client.HTTPConnection(self.client.authority, timeout=WAIT_S)
        for _ in range(3):
            connection.request("GET", "/app.js")
            self.assertEqual(connection.getresponse().read(), b"1")
        connection.close()


if __name__ == "__main__":
    PageCase.program = program_from_arguments()
    unittest.main()
