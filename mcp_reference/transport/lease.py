"""A port that is held: whoever has found it also has it.

A port that was only probed is anybody's until the server binds it. Rejected: a probe that binds and lets go
again (the same window), and SO_REUSEADDR (then a holder that does not listen yet is not in the way). The price: a port
on which a server closed connections within the last minute (TIME_WAIT) counts as taken, and the next one is leased.
"""

from __future__ import annotations

import errno
import socket
from types import TracebackType

from mcp_reference.transport.errors import PortsExhausted

FIRST_PORT, LAST_PORT = 4242, 5242  # both included
LOWEST_PORT, HIGHEST_PORT = 1024, 65535
LOCALHOST = "127.0.0.1"


class PortLease:
    """A bound socket: nobody else gets its address until it is closed. Raise OSError if it is taken."""

    def __init__(self, host: str, port: int) -> None:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        self._socket = socket.socket(family, kind, protocol)
        try:
            self._socket.bind(address)
        except BaseException:
            self._socket.close()
            raise
        self.host = host
        self.port: int = self._socket.getsockname()[1]

    def listen(self) -> socket.socket:
        """Begin to accept connections, and return the socket: it is the server's from now on."""
        self._socket.listen()
        return self._socket

    def release(self) -> None:
        """Give the port back; may be repeated."""
        self._socket.close()

    def __enter__(self) -> PortLease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def lease_port(preferred: int = FIRST_PORT, host: str = LOCALHOST) -> PortLease:
    """Return the first port that can be had: from ``preferred`` up, then the range's others.

    Raise PortsExhausted when there is none, ValueError when ``preferred`` is no port for users.
    """
    if not LOWEST_PORT <= preferred <= HIGHEST_PORT:
        raise ValueError(f"port {preferred} is not in {LOWEST_PORT}-{HIGHEST_PORT}")
    following = range(preferred + 1, LAST_PORT + 1) if preferred >= FIRST_PORT else ()
    for port in dict.fromkeys([preferred, *following, *range(FIRST_PORT, LAST_PORT + 1)]):
        try:
            return PortLease(host, port)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
    raise PortsExhausted(
        f"No available ports in range {FIRST_PORT}-{LAST_PORT} of {host}. Close some MCP servers and retry."
    )
