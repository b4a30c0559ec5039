"""Counters in memory that a worker and its parent share."""

from __future__ import annotations

import mmap
import signal
import struct
from typing import NamedTuple

SIZE = 4096
ASK = signal.SIGUSR2  # "do you make progress?"
ENDING = 2
DUMP = signal.SIGUSR1  # faulthandler writes the stack, and the worker is ended


class Seen(NamedTuple):
    """What the parent reads."""

    executions: int
    points: int
    answers: int
    ready: int  # whether the target is imported; ENDING once all that is left to run are exit handlers
    gil: int = 0  # 1 no, 2 yes, 0 not said yet


class State:
    """Executions, points, answers to ASK, and whether the target is imported."""

    def __init__(self, descriptor: int) -> None:
        self._map = mmap.mmap(descriptor, SIZE)

    def tell(self, executions: int, points: int) -> None:
        """Say how far the worker is."""
        struct.pack_into("QQ", self._map, 0, executions, points)

    def ready(self) -> None:
        """Say that the target is imported: from now on a long silence is the target's."""
        struct.pack_into("Q", self._map, 24, 1)

    def gil(self, enabled: bool) -> None:
        """Say whether a GIL is held: 1 no, 2 yes, 0 not said yet."""
        struct.pack_into("Q", self._map, 32, 1 + enabled)

    def ending(self) -> None:
        """Say that from now on the target's exit handlers run."""
        struct.pack_into("Q", self._map, 24, ENDING)

    def answer(self) -> None:
        """Say that the handler runs."""
        (answers,) = struct.unpack_from("Q", self._map, 16)
        struct.pack_into("Q", self._map, 16, answers + 1)

    def read(self) -> Seen:
        """Return all of it."""
        return Seen(*struct.unpack_from("QQQQQ", self._map, 0))
