"""An HTTP server with nothing behind it, in a process of its own: what an answer takes that is ready beforehand.

Usage: bare_http.py BYTES      prints its port and serves until its standard input ends
"""

import asyncio
import contextlib
import subprocess
import sys


async def answer(reader, writer):
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        body = b"#" * int(sys.argv[1])
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()


async def serve():
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


@contextlib.contextmanager
def bare_server(answer_bytes):
    """Its address, as long as it is needed."""
    with subprocess.Popen([sys.executable, __file__, str(answer_bytes)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/"
        process.stdin.close()


if __name__ == "__main__":
    asyncio.run(serve())
