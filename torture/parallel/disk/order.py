"""One order for what several processes do: each takes a step under a lock on a file, and writes there what it was."""

from __future__ import annotations

import os
import pickle
import struct
from fcntl import LOCK_EX, LOCK_UN, flock
from pathlib import Path
from typing import Any

# Originals: those in ``os`` are replaced by the time they are used.
_open, _pread, _write = os.open, os.pread, os.write
_LENGTH = struct.Struct("Q")


class Order:
    """The file, as one process sees it; each has to open it itself, as the lock belongs to who opened it."""

    def __init__(self, place: Path) -> None:
        self._file = _open(place, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._known = 0  # bytes

    def begin(self) -> list[Any]:
        """Begin a step; return what was written since the last one of this process."""
        flock(self._file, LOCK_EX)
        news = []
        while head := _pread(self._file, _LENGTH.size, self._known):
            (length,) = _LENGTH.unpack(head)
            news.append(pickle.loads(_pread(self._file, length, self._known + _LENGTH.size)))
            self._known += _LENGTH.size + length
        return news

    def end(self, step: Any) -> None:
        """End a step that :meth:`begin` began."""
        data = pickle.dumps(step)
        rest = memoryview(_LENGTH.pack(len(data)) + data)
        self._known += len(rest)
        while rest:
            rest = rest[_write(self._file, rest) :]
        flock(self._file, LOCK_UN)
