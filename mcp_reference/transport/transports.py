"""The transport manager: stdio and HTTP at the same time, for one server."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from socket import socket
from typing import Any, Protocol

from mcp_reference.transport.errors import NotReady
from mcp_reference.transport.lease import FIRST_PORT, HIGHEST_PORT, LOWEST_PORT
from mcp_reference.transport.ports import PortManager

START_LIMIT = 5.0  # seconds until the HTTP transport must be ready
CONNECT_LIMIT = 1.0  # seconds


class Server(Protocol):
    """What is served by both transports; :class:`mcp_reference.transport.ToolServer` is one."""

    def serve_stdio(self) -> None:
        """Serve until the input ends."""

    def serve_http(self, listener: socket, path: str, instance: str, ready: Callable[[], None]) -> None:
        """Call ``ready``, and serve until :meth:`stop`; close ``listener`` at the end in any case.

        A GET of ``path`` is answered with the instance, as ``{"instance": ...}``.
        """

    def stop(self) -> None:
        """End :meth:`serve_http` when it has answered what it is asked; may come first, and may be repeated."""


@dataclass(frozen=True, slots=True)
class TransportConfig:
    """Where the HTTP transport is wanted, at the port manager's host. Raises ValueError, naming the value."""

    http_port: int = FIRST_PORT
    http_path: str = "/mcp"

    def __post_init__(self) -> None:
        if not LOWEST_PORT <= self.http_port <= HIGHEST_PORT:
            raise ValueError(f"http_port {self.http_port} is not in {LOWEST_PORT}-{HIGHEST_PORT}")
        if not self.http_path.startswith("/"):
            raise ValueError(f"http_path {self.http_path!r} does not start with '/'")


class TransportManager:
    """Runs a server's transports: leases the port, starts, makes sure, announces, in this order."""

    def __init__(self, server: Server, ports: PortManager, config: TransportConfig | None = None) -> None:
        self._server = server
        self._ports = ports
        self._config = config or TransportConfig()
        self._lock = threading.Lock()  # guards the two below, and what start and shutdown do to the server
        self._http: threading.Thread | None = None
        self._stopped = False
        self._started = threading.Event()  # ready, or ended
        self._error: BaseException | None = None

    def run_dual_mode(self) -> None:
        """Serve HTTP on a daemon thread and stdio on this one, until the input ends; raise as :meth:`start_http`."""
        self._run("dual")

    def run_http_mode(self) -> None:
        """Serve HTTP, until :meth:`shutdown`; raise as :meth:`start_http`."""
        self._run("http")

    def run_stdio_mode(self) -> None:
        """Serve stdio on this thread, until the input ends."""
        self._run("stdio")

    def start_http(self, transport: str = "http") -> int:
        """Serve HTTP on the daemon thread ``http-transport``, announce it, and return its port; to be called once.

        Raise NotReady if our own server does not answer within 5 s or is shut down meanwhile, and PortsExhausted.
        """
        port = self._serve_at_a_port()
        try:
            self._make_sure(port)
            self._announce(transport, port)
        except BaseException:
            self.shutdown()
            raise
        return port

    def shutdown(self, timeout: float | None = 5.0) -> bool:
        """Take the announcement back and end the HTTP transport; return whether that was within ``timeout`` seconds.

        May be repeated, also by several threads, and while it starts. There is no start after it.
        """
        with self._lock:
            self._stopped = True
            http = self._http
        self._ports.cleanup_state()
        if http is None:
            return True
        self._server.stop()
        http.join(timeout)
        return not http.is_alive()

    def _run(self, transport: str) -> None:
        try:
            if transport == "stdio":
                self._announce("stdio", None)
            else:
                self.start_http(transport)
            if transport != "http":
                self._server.serve_stdio()
            elif self._http is not None:
                self._http.join()
        finally:
            self.shutdown()

    def _serve_at_a_port(self) -> int:
        with self._lock:
            self._refuse_when_stopped()
            if self._http is not None:
                raise NotReady("the HTTP transport was started before; make another TransportManager")
            port = self._ports.find_available_port(self._config.http_port)
            listener = self._ports.listen(port)  # connections can come from here on, and wait for the server
            self._http = threading.Thread(
                target=self._serve_http, args=(listener,), daemon=True, name="http-transport"
            )
            try:
                self._http.start()
            except BaseException:
                self._http = None
                listener.close()
                raise
            return port

    def _announce(self, transport: str, port: int | None) -> None:
        self._ports.write_state(transport, port, path=self._config.http_path)
        self._refuse_when_stopped()  # looked at after the write: either we see it, or it removes what was written

    def _refuse_when_stopped(self) -> None:
        if self._stopped:
            raise NotReady("the transports were shut down")

    def _serve_http(self, listener: socket) -> None:
        try:
            self._server.serve_http(listener, self._config.http_path, self._ports.instance, self._started.set)
        except BaseException as error:  # start_http raises it, where it still waits
            self._error = error
        finally:
            listener.close()
            self._started.set()

    def _make_sure(self, port: int) -> None:
        """Wait until the server is ready, and see that it is ours that answers."""
        where = f"{self._ports.host}:{port}"
        if not self._started.wait(START_LIMIT):
            raise NotReady(f"HTTP server did not start on {where} within {START_LIMIT:g} s")
        if self._error is not None:
            raise NotReady(f"HTTP server ended on {where}: {self._error!r}") from self._error
        answer = asked_instance(self._ports.host, port, self._config.http_path)
        if answer != self._ports.instance:
            raise NotReady(f"{where} is not answered by the own HTTP server, but by {answer!r}")


def asked_instance(host: str, port: int, path: str) -> str | None:
    """Ask a server which one it is; None if there is none, or it does not say.

    A reader of a state file compares this with the state's ``instance``.
    """
    connection = http.client.HTTPConnection(host, port, timeout=CONNECT_LIMIT)
    try:
        connection.request("GET", path)
        answer: Any = json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    instance = answer.get("instance") if isinstance(answer, dict) else None
    return instance if isinstance(instance, str) else None
