"""How a process speaks to the one that forked it: messages through a pipe, and flags in memory that both see.

A message is sent at once and as a whole, so that what a role said before it was killed is known.
"""

from __future__ import annotations

import mmap
import os
import pickle
import struct
import threading
import time
from collections.abc import Iterator
from typing import Any

from torture.oracles.accounting import Entry, Ledger
from torture.oracles.durability import Mark

_write, _clock = (
    os.write,
    time.monotonic_ns,
)  # originals: the layer replaces those in ``os``, a jump those in ``time``
_LENGTH = struct.Struct("I")
_SLOT = struct.Struct("d")


class Sender:
    """The child's end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.RLock()
        self._sending = 0
        self._raise: BaseException | None = None

    def send(self, *message: Any) -> None:
        """Send a message of plain values."""
        try:
            data = pickle.dumps((_clock(), *message))
        except Exception:  # an item that cannot be pickled is known by its text
            data = pickle.dumps((_clock(), *(repr(each) for each in message)))
        self._sending += 1
        try:
            with self._lock:
                rest = memoryview(_LENGTH.pack(len(data)) + data)
                while rest:
                    rest = rest[_write(self._descriptor, rest) :]
        finally:
            self._sending -= 1
        if self._raise is not None and not self._sending:
            error, self._raise = self._raise, None
            raise error

    def interrupt(self, error: BaseException) -> None:
        """Raise an error in the calling thread, but after the message that is on its way."""
        if not self._sending:
            raise error
        self._raise = error


class Receiver:
    """The parent's end: takes messages out of bytes."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Any, ...]]:
        """Yield the messages that are complete now."""
        self._data += data
        while len(self._data) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._data)
            end = _LENGTH.size + length
            if len(self._data) < end:
                return
            message = pickle.loads(bytes(self._data[_LENGTH.size : end]))
            del self._data[:end]
            yield message


class SentLedger(Ledger):
    """A ledger whose entries go to the parent at once."""

    def __init__(self, sender: Sender) -> None:
        super().__init__()
        self._sender = sender

    def sent(self, channel: str, item: object) -> None:
        self._sender.send("sent", channel, item)

    def received(self, channel: str, item: object) -> None:
        self._sender.send("received", channel, item)

    def begun(self, channel: str, item: object) -> None:
        self._sender.send("begun", channel, item)

    def acknowledged(self, channel: str, item: object) -> None:
        self._sender.send("acknowledged", channel, item)

    def survived(self, channel: str, item: object) -> None:
        self._sender.send("survived", channel, item)

    def expect(self, *, minimum: int) -> None:
        self._sender.send("expect", minimum)

    def count(self, **counts: int) -> None:
        self._sender.send("count", counts)


def merged(messages: list[tuple[Any, ...]]) -> Ledger:
    """Return the ledger that several processes wrote, in the order of time: ``(time, process, method, ...)``."""
    ledger = Ledger()
    for _, process, method, *rest in sorted(messages, key=lambda message: message[0]):
        if method == "sent":
            ledger.sent_entries.append(Entry(rest[0], rest[1], process))
        elif method == "received":
            ledger.received_entries.append(Entry(rest[0], rest[1], process))
        elif method == "expect":
            ledger.expect(minimum=rest[0])
        elif method == "count":
            ledger.count(**rest[0])
        else:
            ledger.marks.append(Mark(method, rest[0], rest[1]))
    return ledger


class Flags:
    """Numbers in memory that all processes of an execution share; each is written by one of them."""

    # GO is when the first begin, THEN when the rest do. FIRST and on: whether each process has come to the start.
    GO, THEN, FIRST = range(3)

    def __init__(self, processes: int) -> None:
        self._map = mmap.mmap(-1, max(4096, _SLOT.size * (self.FIRST + 2 * processes)))
        self._count = processes

    def __getitem__(self, slot: int) -> float:
        (value,) = _SLOT.unpack_from(self._map, slot * _SLOT.size)
        return float(value)

    def __setitem__(self, slot: int, value: float) -> None:
        _SLOT.pack_into(self._map, slot * _SLOT.size, value)

    def arrived(self) -> int:
        """Return how many processes have come to the start."""
        return sum(self[self.FIRST + index] > 0 for index in range(self._count))

    def starts(self) -> list[float]:
        """Return when each process has begun its role, in monotonic seconds; 0.0 where it has not."""
        return [self[self.FIRST + self._count + index] for index in range(self._count)]

    def arrive(self, index: int, start: int) -> None:
        """Come to the start, wait until all are there, then spin until the instant that ``start`` holds (GO or THEN)."""
        self[self.FIRST + index] = 1.0
        while not self[start]:
            time.sleep(50e-6)
        while (now := time.monotonic()) < self[start]:
            pass
        self[self.FIRST + self._count + index] = now

    def close(self) -> None:
        """Give the memory back."""
        self._map.close()
