"""Ports and state file as published. Faults are kept on purpose: do not use, do not mend.

Added, because the original leaves it to its server's library: :meth:`PortManager.listen`, and with it ``host``.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol


class Discovery(Protocol):
    """Tells what the project is."""

    def get_project_info(self) -> dict[str, Any]:
        """Return at least its name and root."""


class PortManager:
    """The document's port manager.

    Row 1.1: nothing holds a port between :meth:`find_available_port` and the server's bind; whoever probes meanwhile finds it,
    too. Row 1.5: threads of one process share the temporary file: one truncates it, another makes that the state.
    Row 1.6: or renames it away before the other's chmod and rename. Row 1.7: the temporary file can be read by all
    until its chmod. Row 1.8: nothing is synced. Row 1.10: a state that is not UTF-8 raises, one that is
    not a mapping is returned. Row 1.11: so is the one of a server that does not run any more. Row 1.13:
    :meth:`cleanup_state` removes the state of another server of the project. Row 1.14: its test and its unlink are two steps.
    """

    STATE_FILE_NAME = ".mcp_server_state.json"
    LAST_PORT = 5242

    def __init__(self, base_path: Path, project_discovery: Discovery, host: str = "127.0.0.1") -> None:
        self.base_path = base_path
        self.state_file = base_path / self.STATE_FILE_NAME
        self.project_discovery = project_discovery
        self._host = host

    def find_available_port(self, preferred_port: int = 4242) -> int:
        """Return the first port from ``preferred_port`` on that seems to be free."""
        for port in range(preferred_port, self.LAST_PORT + 1):
            if self._is_port_available(port):
                return port
        raise RuntimeError(
            f"No available ports in range {preferred_port}-{self.LAST_PORT}. Close some MCP servers and retry."
        )

    def listen(self, port: int) -> socket.socket:
        """Bind and listen, as the server does later."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self._host, port))
            listener.listen()
        except OSError:
            listener.close()
            raise
        return listener

    def write_state(
        self, transport: str, port: int | None, host: str = "127.0.0.1", path: str = "/mcp"
    ) -> None:
        """Replace the project's state file."""
        temp_path = self.state_file.with_suffix(f".tmp.{os.getpid()}")
        with open(temp_path, "w") as f:
            json.dump(self._state(transport, port, host, path), f, indent=2)
        os.chmod(temp_path, 0o600)
        temp_path.rename(self.state_file)

    @classmethod
    def read_state(cls, base_path: Path) -> dict[str, Any] | None:
        """Return the project's state, None where there is none that can be read."""
        state_file = base_path / cls.STATE_FILE_NAME
        if not state_file.exists():
            return None
        try:
            with open(state_file, encoding="utf-8") as f:
                return json.load(f)  # type: ignore[no-any-return]  # as published
        except (json.JSONDecodeError, OSError):
            return None

    def cleanup_state(self) -> None:
        """Remove the project's state file."""
        if self.state_file.exists():
            self.state_file.unlink()

    def _is_port_available(self, port: int) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            return probe.connect_ex((self._host, port)) != 0

    def _state(self, transport: str, port: int | None, host: str, path: str) -> dict[str, Any]:
        project = self.project_discovery.get_project_info()
        return {
            "version": "1.0.0",
            "transport": transport,
            "port": port,
            "host": host,
            "path": path,
            "url": None if port is None else f"http://{host}:{port}{path}",
            "pid": os.getpid(),
            "started_at": datetime.now(UTC).isoformat(),
            "project": {"name": project["name"], "root": project["root"]},
        }


class HeadPortManager(PortManager):
    """The port manager at upstream's HEAD [R].

    Row 1.2: the bind test shares the address, and does not see a holder that is bound and does not listen yet. Rows
    1.5 and 1.6 hold between processes, too: there is one name of the temporary file. Row 1.7: the chmod comes after the rename.
    """

    def write_state(
        self, transport: str, port: int | None, host: str = "127.0.0.1", path: str = "/mcp"
    ) -> None:
        """Replace the project's state file."""
        temp_path = self.state_file.with_suffix(".tmp")
        with open(temp_path, "w", encoding="utf-8") as f:
            json.dump(self._state(transport, port, host, path), f, indent=2)
        temp_path.rename(self.state_file)
        self.state_file.chmod(0o600)

    def _is_port_available(self, port: int) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self._host, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                return False
            return True


class TransportManager:
    """Upstream's start of the HTTP transport [R].

    Row 1.4: it is ready when somebody accepts a connection at its address; that the own thread died of "Address
    already in use" is not seen. ``run_http`` stands for the server's own run.
    """

    def __init__(self, run_http: Callable[[str, int], None]) -> None:
        self._run_http = run_http

    def start_http(self, host: str, port: int) -> None:
        """Start the HTTP thread, and wait until it is ready; raise RuntimeError if it is not within 5 s."""
        thread = threading.Thread(target=self._serve, args=(host, port), daemon=True, name="http-transport")
        thread.start()
        if not self._wait_for_http_ready(host, port):
            raise RuntimeError(f"HTTP server failed to start on {host}:{port} within 5 seconds")

    def _serve(self, host: str, port: int) -> None:
        try:
            self._run_http(host, port)
        except OSError:
            pass  # logged, as published: the thread dies alone

    def _wait_for_http_ready(self, host: str, port: int, timeout: float = 5.0) -> bool:
        start = time.time()
        while time.time() - start < timeout:
            try:
                with socket.create_connection((host, port), timeout=1.0):
                    return True
            except OSError:
                time.sleep(0.5)
        return False
