"""Just enough WebSocket and msgpack to say things to a node that no node would say."""

import base64
import os
import socket
import struct

SUBPROTOCOL = "tandem.1"


def packed(item):
    """msgpack of None, bool, int, float, str, bytes and lists."""
    if item is None:
        return b"\xc0"
    if isinstance(item, bool):
        return b"\xc3" if item else b"\xc2"
    if isinstance(item, int):
        if item < 0:
            return b"\xd3" + struct.pack(">q", item)
        return bytes([item]) if item < 128 else b"\xcf" + struct.pack(">Q", item)
    if isinstance(item, float):
        return b"\xcb" + struct.pack(">d", item)
    if isinstance(item, str):
        data = item.encode()
        return (b"\xd9" + bytes([len(data)]) if len(data) < 256 else b"\xdb" + struct.pack(">I", len(data))) + data
    if isinstance(item, bytes):
        return (b"\xc4" + bytes([len(item)]) if len(item) < 256 else b"\xc6" + struct.pack(">I", len(item))) + item
    return b"\xdd" + struct.pack(">I", len(item)) + b"".join(map(packed, item))


class RawWebSocket:
    def __init__(self, url, subprotocol=SUBPROTOCOL, headers=(), path="/", host_header=None):
        host, port = url.removeprefix("ws://").rstrip("/").rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: {host_header or f'{host}:{port}'}", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Protocol: {subprotocol}", *headers]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer and self._more():
            pass
        self.answer, _, self.buffer = self.buffer.partition(b"\r\n\r\n")

    def is_open(self):
        return self.answer.startswith(b"HTTP/1.1 101")

    def _more(self):
        data = self.socket.recv(65536)
        self.buffer += data
        return bool(data)

    def send(self, payload, opcode=2):
        mask = os.urandom(4)
        size = len(payload)
        head = bytes([0x80 | opcode])
        head += bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + struct.pack(">H", size) if size < 65536 else (
            bytes([0x80 | 127]) + struct.pack(">Q", size))
        self.socket.sendall(head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload)))

    def _take(self, count):
        while len(self.buffer) < count:
            if not self._more():
                return None
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def receive(self):
        """(opcode, payload), or None at the end."""
        try:
            head = self._take(2)
            if head is None:
                return None
            size = head[1] & 127
            if size > 125:
                size = int.from_bytes(self._take(2 if size == 126 else 8), "big")
            return head[0] & 15, self._take(size)
        except ConnectionError:
            return None

    def everything(self):
        """All that comes until the node hangs up."""
        result = b""
        while (message := self.receive()) is not None:
            result += message[1] or b""
        return result

    def close(self):
        self.socket.close()
