"""The port manager: a server's port, and the state file that says where it is."""

from __future__ import annotations

import os
import secrets
import socket
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from mcp_reference.transport.lease import FIRST_PORT, LOCALHOST, PortLease, lease_port
from mcp_reference.transport.process import identity
from mcp_reference.transport.state_file import TRANSPORTS, VERSION, State, StateFile, is_alive


class Discovery(Protocol):
    """Tells what the project is; :class:`mcp_reference.transport.ProjectInfoDiscovery` does."""

    def get_project_info(self) -> dict[str, Any]:
        """Return at least its name and root."""


class PortManager:
    """One server's port and state; all methods may be called from any thread.

    ``instance`` is a number that no other server has: it tells whose state, and whose answer, something is. ``host`` is
    where the ports are, and must be this machine's own (ValueError).
    """

    STATE_FILE_NAME = ".mcp_server_state.json"

    def __init__(self, base_path: Path, project_discovery: Discovery, host: str = LOCALHOST) -> None:
        if host not in ("localhost", "::1") and not host.startswith("127."):
            raise ValueError(f"host {host!r} can be reached from elsewhere; write {LOCALHOST}")
        self.instance = secrets.token_hex(16)
        self.host = host
        self._base = base_path
        self._discovery = project_discovery
        self._lock = threading.Lock()  # guards the leases
        self._leases: dict[int, PortLease] = {}

    def find_available_port(self, preferred_port: int = FIRST_PORT) -> int:
        """Return a port that is ours until :meth:`listen` or :meth:`release`; raise as :func:`lease_port`."""
        lease = lease_port(preferred_port, self.host)
        with self._lock:
            self._leases[lease.port] = lease
        return lease.port

    def claim(self, port: int) -> PortLease:
        """Return the lease of a port found before; the caller's from now on. Raise LookupError if it is not ours."""
        with self._lock:
            if port not in self._leases:
                raise LookupError(f"port {port} is not held; find_available_port comes first")
            return self._leases.pop(port)

    def listen(self, port: int) -> socket.socket:
        """Accept connections at a port found before, and return the socket, as :meth:`claim`."""
        lease = self.claim(port)
        try:
            return lease.listen()
        except BaseException:
            lease.release()
            raise

    def release(self) -> None:
        """Give all ports back that no server took."""
        with self._lock:
            leases = list(self._leases.values())
            self._leases.clear()
        for lease in leases:
            lease.release()

    def write_state(
        self, transport: str, port: int | None, host: str | None = None, path: str = "/mcp"
    ) -> None:
        """Announce the server, at its own host where none is given; call it when the server is ready.

        The project's last announcement counts.
        """
        host = host or self.host
        if transport not in TRANSPORTS:
            raise ValueError(f"transport {transport!r} is unknown; there are {', '.join(TRANSPORTS)}")
        project = self._discovery.get_project_info()
        pid = os.getpid()
        self._file(self._base).write(
            {
                "version": VERSION,
                "transport": transport,
                "port": port,
                "host": host,
                "path": path,
                "url": None
                if port is None
                else f"http://{f'[{host}]' if ':' in host else host}:{port}{path}",
                "pid": pid,
                "process": identity(pid),
                "instance": self.instance,
                "started_at": datetime.now(UTC).isoformat(),
                "project": {"name": project["name"], "root": project["root"]},
            }
        )

    @classmethod
    def read_state(cls, base_path: Path) -> State | None:
        """Return the project's state, None where there is none, no valid one, or its server does not run any more."""
        state = cls._file(base_path).read()
        return state if state is not None and is_alive(state) else None

    def cleanup_state(self) -> None:
        """Remove the state if it is this server's; may be repeated, also by several threads."""
        self._file(self._base).remove(self.instance)

    @classmethod
    def _file(cls, base_path: Path) -> StateFile:
        return StateFile(base_path / cls.STATE_FILE_NAME)
