"""A TCP proxy between a node and its peer that cuts, delays, stalls and repeats connections."""

import asyncio
import random
import threading

REPLAY_BYTES_MAX = 200_000


class Proxy:
    """Listens on a free port of 127.0.0.1; `target` may change at any time."""

    def __init__(self, target_port=None, seed=0):
        self.target_port = target_port
        self.is_open = True
        self.delay_s = 0.0
        self.repeat_share = 0.0
        self.random = random.Random(seed)
        self.cuts = 0
        self.replays = 0
        self._connections = set()
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        threading.Thread(target=self._run, args=(started,), daemon=True).start()
        started.wait()

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}/"

    def cut(self):
        """Every connection ends in the middle of whatever it carries."""
        self._loop.call_soon_threadsafe(self._cut)

    def close(self):
        self.is_open = False
        self.cut()

    def open(self):
        self.is_open = True

    def stop(self):
        self.close()
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _run(self, started):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self._loop.run_forever()
        server.close()
        self._loop.close()

    def _cut(self):
        self.cuts += len(self._connections)
        for writer in list(self._connections):
            writer.transport.abort()

    async def _serve(self, reader, writer):
        if not self.is_open or self.target_port is None:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        self._connections |= {writer, back}
        said = bytearray()
        try:
            await asyncio.gather(self._carry(reader, back, said), self._carry(there, writer, None))
        finally:
            self._connections -= {writer, back}
            writer.transport.abort()
            back.transport.abort()
            if said and self.random.random() < self.repeat_share:
                asyncio.ensure_future(self._replay(bytes(said)))

    async def _carry(self, reader, writer, said):
        try:
            while data := await reader.read(65536):
                if said is not None and len(said) < REPLAY_BYTES_MAX:
                    said += data
                if self.delay_s:
                    await asyncio.sleep(self.delay_s * self.random.random())
                writer.write(data)
                await writer.drain()
        except (OSError, ConnectionError):
            pass
        writer.transport.abort()

    async def _replay(self, said):
        """Says once more what the node said on a connection that has ended."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.target_port)
            self.replays += 1
            writer.write(said)
            await writer.drain()
            await asyncio.wait_for(reader.read(65536), 1)
            writer.transport.abort()
        except (OSError, ConnectionError, asyncio.TimeoutError):
            pass
