"""Programs for ports; rows 1.1 to 1.4. Each is the same for all variants. Sockets are real.

The functions are for threads; the classes say their roles, for threads and processes. Every process, with those it forks, has a
loopback address of its own, so that what runs beside it is not in the way.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from together import together

from mcp_reference.transport import PortManager, TransportConfig, TransportManager
from mcp_reference.transport import published as upstream

_PID = os.getpid()
# All of 127.0.0.0/8 is this machine on Linux; elsewhere only the one address is.
HOST = f"127.{64 + (_PID >> 16)}.{_PID >> 8 & 255}.{_PID & 255}" if sys.platform == "linux" else "127.0.0.1"
PORT = 4242
MEMORY = "/dev/shm"  # a disk's fsync costs milliseconds, and shows nothing here


class Project:
    """Tells at once what the project is; the real discovery asks git."""

    def __init__(self, name: str) -> None:
        self._info = {"name": name, "root": "/"}

    def get_project_info(self) -> dict[str, Any]:
        """Return name and root."""
        return self._info


class SlowProject(Project):
    """Takes some seconds to tell what the project is, as git does on a busy machine."""

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(name)
        self._seconds = seconds

    def get_project_info(self) -> dict[str, Any]:
        """Return name and root."""
        time.sleep(self._seconds)
        return super().get_project_info()


def start_together(component: Any, ledger: Any, servers: int) -> None:
    """Find a port for each of some servers, and listen there."""
    listeners: list[socket.socket] = []

    def start(number: int) -> None:
        ports = component(Path(), Project(f"project {number}"), HOST)
        port = ports.find_available_port(PORT)
        ledger.received("ports", port)
        try:
            listeners.append(ports.listen(port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:  # the collision is in the ledger
                raise

    together(*(lambda number=number: start(number) for number in range(servers)))
    for listener in listeners:
        listener.close()


def find_beside_holder(component: Any, ledger: Any) -> None:
    """Find a port, while a server that has bound one begins to listen; it shares its address, as servers do."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((HOST, PORT))
        ledger.received("ports", PORT)
        ports = component(Path(), Project("project"), HOST)

        def find() -> None:
            port = ports.find_available_port(PORT)
            ledger.received("ports", port)
            if port != PORT:
                ports.listen(port).close()

        together(holder.listen, find)


def ask_where_announced(component: Any, ledger: Any) -> None:
    """Start a server of each of two projects that want one port, and ask at each project's address who is there."""

    def serve(name: str, base: Path) -> None:
        with suppress(RuntimeError), component(name, base) as state:  # or it refuses
            ledger.sent(name, f"to {name}")
            with suppress(OSError):  # or it is lost
                ledger.received(name_at(state["port"]), f"to {name}")

    with project_folder() as first, project_folder() as second:
        ledger.expect(minimum=1)

        together(lambda: serve("first", first), lambda: serve("second", second))


class NamedServer:
    """Answers every HTTP request with its name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._address: Any = None
        self._stopped = False

    def run_http(self, host: str, port: int) -> None:
        """Bind and serve."""
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen()
            self.serve_http(listener, "/mcp", "", lambda: None)

    def serve_http(
        self, listener: socket.socket, path: str, instance: str, ready: Callable[[], None]
    ) -> None:
        """Serve one connection after the other, until :meth:`stop`."""
        self._address = listener.getsockname()
        body = json.dumps({"name": self._name, "instance": instance}).encode()
        ready()
        while not self._stopped:
            connection, _ = listener.accept()
            with connection:
                if connection.recv(4096):
                    head = f"HTTP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
                    connection.sendall(head.encode() + body)
                    connection.recv(1)  # who closes first keeps the port for a minute: not the server
        listener.close()

    def stop(self) -> None:
        """Let the server see that it is over."""
        self._stopped = True
        if self._address is not None:
            with suppress(OSError):
                socket.create_connection(self._address).close()


class StartTogether:
    """Find a port for each of some servers, listen there, and hold it until all have found one."""

    def __init__(self, component: Any, folder: Path, servers: int) -> None:
        self._component, self._folder, self._servers = component, folder, servers

    def roles(self) -> Mapping[str, int]:
        """Return the servers."""
        return {"serve": self._servers}

    def serve(self, ledger: Any, number: int) -> Any:
        """Start one."""
        ports = self._component(self._folder, Project(f"project {number}"), HOST)
        port = ports.find_available_port(PORT)
        ledger.received("ports", port)
        ledger.count(ports_found=1)
        try:
            return ports.listen(port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:  # the collision is in the ledger
                raise
            return None


class StartSlowly:
    """Find a port, announce it, which asks git (five calls, each up to ``timeout`` seconds), and listen there.

    Meanwhile a stranger, which is no server of ours, begins to listen at the first port, if it can.
    """

    def __init__(self, component: Any, folder: Path, timeout: float) -> None:
        self._component, self._folder, self._timeout = component, folder, timeout

    def roles(self) -> Mapping[str, int]:
        """Return the server and the stranger."""
        return {"serve": 1, "stranger": 1}

    def serve(self, ledger: Any, number: int) -> Any:
        """Start the server."""
        ports = self._component(self._folder, SlowProject("project", 5 * self._timeout), HOST)
        port = ports.find_available_port(PORT)
        ledger.received("ports", port)
        ports.write_state("http", port, HOST)
        try:
            return ports.listen(port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:  # the collision is in the ledger
                raise
            return None

    def stranger(self, ledger: Any, number: int) -> Any:
        """Come when the first of git's calls has ended."""
        time.sleep(self._timeout)
        listener = socket.socket()
        try:
            listener.bind((HOST, PORT))
            listener.listen()
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE:
                raise
            return None
        ledger.received("ports", PORT)
        return listener


class AskWhereAnnounced:
    """Start a server of each of two projects that want one port, and ask at each project's address who is there."""

    def __init__(self, component: Any, folder: Path) -> None:
        self._component, self._folder = component, folder

    def roles(self) -> Mapping[str, int]:
        """Return the servers."""
        return {"serve": 2}

    def prepare(self, ledger: Any) -> None:
        """Demand that one server at least is reached."""
        ledger.expect(minimum=1)

    def serve(self, ledger: Any, number: int) -> ExitStack:
        """Start one, ask at its address, and let it run until both have asked."""
        name = f"project {number}"
        base = self._folder / name
        base.mkdir()
        running = ExitStack()
        with suppress(RuntimeError):  # or it refuses
            state = running.enter_context(self._component(name, base))
            ledger.sent(name, f"to {name}")
            with suppress(OSError):  # or it is lost
                ledger.received(name_at(state["port"]), f"to {name}")
        return running


@contextmanager
def published_server(name: str, base: Path) -> Iterator[Any]:
    """Start a server as published, and give the state that its agents read."""
    server = NamedServer(name)
    ports = upstream.HeadPortManager(base, Project(name), HOST)
    upstream.TransportManager(server.run_http).start_http(HOST, PORT)  # the port is found, row 1.1
    ports.write_state("http", PORT, HOST)
    try:
        yield ports.read_state(base)
    finally:
        server.stop()


@contextmanager
def hardened_server(name: str, base: Path) -> Iterator[Any]:
    """Start a hardened server, and give the state that its agents read."""
    ports = PortManager(base, Project(name), HOST)
    transport = TransportManager(NamedServer(name), ports, TransportConfig(PORT))
    transport.start_http()
    try:
        yield ports.read_state(base)
    finally:
        assert transport.shutdown()


def name_at(port: int) -> str:
    """Ask a server for its name."""
    with socket.create_connection((HOST, port)) as connection:
        connection.sendall(b"GET /mcp HTTP/1.0\r\n\r\n")
        return str(json.loads(connection.recv(4096).partition(b"\r\n\r\n")[2])["name"])


@contextmanager
def project_folder() -> Iterator[Path]:
    """Make the folder of a project, for the time of an execution."""
    place = MEMORY if os.path.isdir(MEMORY) else None
    with tempfile.TemporaryDirectory(prefix="ports.", dir=place, ignore_cleanup_errors=True) as folder:
        yield Path(folder)
