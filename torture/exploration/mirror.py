"""The schedule of an execution that its process may not survive, written outside of it while it goes on.

Costs a tenth of the speed: a worker that died is run again with it, for equal seeds make equal executions.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import replace
from pathlib import Path

from torture.errors import UsageError
from torture.exploration.token import Token

_SIZE = (
    1 << 20
)  # bytes: a head, the token without its choices, then the choices, as many as there is room for
_CHOICES = 1 << 17
_HEAD = struct.Struct("QQ")  # length of the token, number of choices
_CHOICE = struct.Struct("qq")


class Mirror:
    """The worker's half."""

    def __init__(self, file: str) -> None:
        with open(file, "r+b") as opened:
            self._map = mmap.mmap(opened.fileno(), _SIZE)

    def begin(self, token: Token) -> None:
        """Note what a token says besides its choices."""
        text = token.encode().encode()
        if len(text) <= _CHOICES - _HEAD.size:
            self._map[_HEAD.size : _HEAD.size + len(text)] = text
            _HEAD.pack_into(self._map, 0, len(text), 0)

    def schedule(self) -> list[tuple[int, int]]:
        """Return the list for the choices of an execution that starts."""
        _HEAD.pack_into(self._map, 0, _HEAD.unpack_from(self._map)[0], 0)
        return _Mirrored(self._map)


class _Mirrored(list[tuple[int, int]]):
    """A list whose elements are in memory that outlives the process."""

    def __init__(self, memory: mmap.mmap) -> None:
        super().__init__()
        self._memory = memory

    def append(self, choice: tuple[int, int]) -> None:
        place = _CHOICES + len(self) * _CHOICE.size
        super().append(choice)
        if place + _CHOICE.size <= _SIZE:
            _CHOICE.pack_into(self._memory, place, *choice)
            struct.pack_into("Q", self._memory, 8, len(self))


def prepare(file: str) -> None:
    """Make a file that a worker can mirror to."""
    Path(file).write_bytes(bytes(_SIZE))


def read(file: str) -> Token | None:
    """Return the token of the execution that was going on when the process ended, None where there was none."""
    memory = Path(file).read_bytes()
    length, count = _HEAD.unpack_from(memory)
    if not length or count > (_SIZE - _CHOICES) // _CHOICE.size:
        return None
    try:
        token = Token.decode(memory[_HEAD.size : _HEAD.size + length].decode())
    except (UsageError, UnicodeDecodeError):  # it ended in the middle of that
        return None
    changes = tuple(_CHOICE.unpack_from(memory, _CHOICES + number * _CHOICE.size) for number in range(count))
    return replace(token, changes=changes)
