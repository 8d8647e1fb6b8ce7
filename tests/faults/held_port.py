"""A port of 127.0.0.1 for a node that is started, or started again, later in a test."""

import socket


def held_port(test):
    """Nobody else is given it until the test is over, and who calls there is refused until somebody listens."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # As nodes do: so that one may listen there all the same.
    held.bind(("127.0.0.1", 0))
    test.addCleanup(held.close)
    return held.getsockname()[1]
