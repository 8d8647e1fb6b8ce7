"""A page as its node sees it: says what a browser's program would say, and a few things that none would."""

import secrets
import struct

from raw_websocket import RawWebSocket, packed

SUBPROTOCOL = "tandem.page.1"
OPEN, QUERY, MORE, EXECUTE, BEGIN, FINISH, WATCH, OBSERVE, CANCEL, ASK, TAKEN = range(32, 43)
PING, PONG = 9, 10  # of WebSocket itself
# What a test does not say otherwise; the node's own 5 s are little on a machine that stands still now and then.
DEADLINE_MS = 30_000
OPENED, ROWS, DONE, TOLD, FAILED, LIVE, CHANGED, BEAT = range(48, 56)


def unpacked(data):
    """One item of msgpack, and what follows it."""
    data = memoryview(data)  # Its parts are no copies.
    first = data[0]
    fixed = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q", 0xCB: ">d"}
    sized = {0xD9: (1, str), 0xDA: (2, str), 0xDB: (4, str), 0xC4: (1, bytes), 0xC5: (2, bytes), 0xC6: (4, bytes),
             0xDC: (2, list), 0xDD: (4, list)}
    if first < 0x80:
        return first, data[1:]
    if first >= 0xE0:
        return first - 256, data[1:]
    if first in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[first], data[1:]
    if first in fixed:
        size = struct.calcsize(fixed[first])
        return struct.unpack(fixed[first], data[1:1 + size])[0], data[1 + size:]
    if first in sized:
        width, kind = sized[first]
        count, rest = int.from_bytes(data[1:1 + width], "big"), data[1 + width:]
    elif 0xA0 <= first < 0xC0:
        kind, count, rest = str, first & 31, data[1:]
    else:
        assert 0x90 <= first < 0xA0, hex(first)
        kind, count, rest = list, first & 15, data[1:]
    if kind is not list:
        taken = bytes(rest[:count])
        return (taken.decode() if kind is str else taken), rest[count:]
    items = []
    for _ in range(count):
        item, rest = unpacked(rest)
        items.append(item)
    return items, rest


class Failed(Exception):
    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")
        self.code = code


class Page:
    """Over a WebSocket; answers come in the order in which they are asked for here."""

    def __init__(self, url, token="", headers=(), session=None, **how):
        self.session = session or secrets.token_hex(16)
        self.socket = RawWebSocket(url, SUBPROTOCOL, headers, path="/page", **how)
        self.last_id = 0
        self.token = token
        self.aside = []

    def open(self, lowest=1, highest=1):
        self.say(OPEN, lowest, highest, self.session, self.token, "test")
        self.opened = self.next(0)
        return self

    def say(self, tag, *fields):
        self.socket.send(packed([tag, 1, *fields]))

    def new_id(self):
        self.last_id += 1
        return self.last_id

    def hear(self):
        message = self.socket.receive()
        while message is not None and message[0] == PING:
            self.socket.send(message[1], PONG)
            message = self.socket.receive()
        assert message is not None and message[0] == 2, f"the node hung up: {message}"
        item, rest = unpacked(message[1])
        assert rest == b""
        return item

    def next(self, request):
        """The next message about that request; others are kept for who asks for them."""
        for i, message in enumerate(self.aside):
            if message[2] == request:
                return self.checked(self.aside.pop(i))
        while True:
            message = self.hear()
            if message[0] == OPENED or message[2] == request or (message[0] == FAILED and message[2] == 0):
                return self.checked(message)
            self.aside.append(message)

    @staticmethod
    def checked(message):
        if message[0] == FAILED:
            raise Failed(*message[3:5])
        return message

    def query(self, sql, *parameters, transaction=0, page_rows=0, pages=0, deadline_ms=DEADLINE_MS):
        request = self.new_id()
        self.say(QUERY, request, deadline_ms, transaction, sql, list(parameters), page_rows, pages)
        rows, width = [], 0
        while True:
            _, _, _, number, columns, count, values, is_last = self.next(request)
            width = width or len(columns)
            assert len(values) == count * width
            rows += [tuple(values[i * width:(i + 1) * width]) for i in range(count)]
            if is_last:
                return rows
            self.say(MORE, request, 1)

    def execute(self, *statements, transaction=0, once="", deadline_ms=DEADLINE_MS, after=0):
        request = self.new_id()
        calls = [[each, []] if isinstance(each, str) else [each[0], list(each[1:])] for each in statements]
        self.say(EXECUTE, request, deadline_ms, transaction, once, calls, after)
        return self.next(request)[3:]

    def begin(self, limit_ms=DEADLINE_MS, deadline_ms=DEADLINE_MS):
        request = self.new_id()
        self.say(BEGIN, request, deadline_ms, limit_ms)
        self.next(request)
        return request

    def finish(self, transaction, is_commit=True, once=""):
        request = self.new_id()
        self.say(FINISH, request, 0, transaction, is_commit, once)
        return self.next(request)[3:]

    def ask(self, what, argument=""):
        request = self.new_id()
        self.say(ASK, request, 0, what, argument)
        return self.next(request)[3]

    def watch(self, sql, *parameters, keys=()):
        request = self.new_id()
        self.say(WATCH, request, 0, sql, list(parameters), list(keys))
        return Live(self, request)

    def close(self):
        self.socket.close()


class Live:
    """The list of rows that a page shows of a live query."""

    def __init__(self, page, request):
        self.page, self.request, self.rows, self.width = page, request, [], 0
        self.more_follows = False

    def step(self):
        """Takes the next difference."""
        _, _, _, sequence, is_whole, columns, removed, inserted, values, changed, changed_values, total, self.more_follows = self.page.next(self.request)
        if is_whole:
            self.rows, self.width = [], len(columns)
        split = lambda items: [tuple(items[i:i + self.width]) for i in range(0, len(items), self.width)]
        for index in reversed(removed):
            del self.rows[index]
        for index, row in zip(inserted, split(values), strict=True):
            self.rows.insert(index, row)
        for index, row in zip(changed, split(changed_values), strict=True):
            self.rows[index] = row
        assert len(self.rows) == total
        self.page.say(TAKEN, self.request, sequence)
        return len(removed), len(inserted), len(changed)
