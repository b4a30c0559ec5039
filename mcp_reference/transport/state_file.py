"""The state file: where a project's server can be found.

Writers take turns by a lock on a file beside it, which excludes threads and processes alike, and replace the state as a
whole. The lock file is never removed: two writers could hold two of them then. A reader takes no lock.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mcp_reference.transport.process import identity

VERSION = "1.0.0"
TRANSPORTS = ("dual", "stdio", "http")
_READ_ATTEMPTS = 3
_READ_PAUSE = 0.01  # seconds
# What a state must have. Those of other versions have more; older servers did not say instance and process.
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "version": str,
    "transport": str,
    "port": (int, type(None)),
    "host": str,
    "path": str,
    "url": (str, type(None)),
    "pid": int,
    "started_at": str,
    "project": dict,
}

State = dict[str, Any]


class StateFile:
    """A project's state file, for any number of writers and readers in threads and processes.

    The last writer wins. After a crash at any moment it holds the old state or the new one. It is private to
    its owner from the first moment, and so are all files beside it. Not for signal handlers: one that interrupts
    a writer would wait for it for ever. Raise there, and remove the state when the stack unwinds.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, state: State) -> None:
        """Replace the state; on return it is on the disk. Waits for other writers."""
        content = json.dumps(state, indent=2).encode()
        with self._locked():
            self._remove_leftovers()
            descriptor, temporary = tempfile.mkstemp(prefix=self._temporary, dir=self.path.parent)  # 0600
            try:
                try:
                    _write_all(descriptor, content)
                    os.fsync(descriptor)  # before the rename, or a crash may leave the name of an empty file
                finally:
                    os.close(descriptor)
                os.replace(temporary, self.path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
            self._sync_folder()

    def read(self) -> State | None:
        """Return the state, None where there is none, or no valid one.

        Tries again for 20 ms where it is not valid: another program may write it in place.
        """
        for attempt in range(_READ_ATTEMPTS):
            if attempt:
                time.sleep(_READ_PAUSE)
            try:
                with open(self.path, "rb") as stream:
                    state = json.loads(stream.read())
            except FileNotFoundError:
                return None
            except (OSError, ValueError, RecursionError):  # ValueError: not JSON or not UTF-8
                continue
            if is_state(state):
                return state  # type: ignore[no-any-return]
        return None

    def remove(self, instance: str) -> bool:
        """Remove the state if it is the one of ``instance``; return whether it was."""
        if not self.path.exists():  # nothing to wait for; a state that comes now is somebody else's
            return False
        with self._locked():
            state = self.read()
            if state is None or state.get("instance") != instance:
                return False
            self.path.unlink(missing_ok=True)  # something that knows no lock may have been here
            self._sync_folder()
            return True

    @property
    def _temporary(self) -> str:
        return f"{self.path.name}.tmp."

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # Opened anew each time: the lock belongs to the open file, so that threads exclude each other, too.
        descriptor = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)
        finally:
            os.close(descriptor)

    def _remove_leftovers(self) -> None:
        """Remove the temporary files of writers that were killed; the lock is held, so nobody needs them."""
        for name in os.listdir(self.path.parent):
            if name.startswith(self._temporary):
                (self.path.parent / name).unlink(missing_ok=True)

    def _sync_folder(self) -> None:
        descriptor = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def is_state(state: object) -> bool:
    """Tell whether a decoded document is a state."""
    return (
        isinstance(state, dict)
        and all(isinstance(state.get(key, ...), types) for key, types in _TYPES.items())
        and state["transport"] in TRANSPORTS
        and 0 < state["pid"] < 1 << 31
    )


def is_alive(state: State) -> bool:
    """Tell whether the server that wrote a state still runs; of an older server's state only the number is known."""
    running = identity(state["pid"])
    return running is not None and state.get("process", running) == running


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
