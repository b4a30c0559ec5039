"""Bounded FIFO rings: each item pushed is popped exactly once, neither operation waits for room or items.

Head and tail count all pushes and pops and never wrap, so that "empty" (equal) and "full" (``capacity``
apart) cannot be confused and an old index never comes back (rows 0.1, 0.2 of the fault catalogue).

Rejected: a multi-producer ring with a sequence number per slot. Its pop reports EMPTY while a slow producer
sits on an earlier slot, though a later push has returned: that is not a FIFO queue any more. Without
a compare-and-swap instruction it would need a lock per step all the same.
"""

from __future__ import annotations

import threading
from enum import Enum
from typing import Final, Generic, Protocol, TypeVar

T = TypeVar("T")


class Empty(Enum):
    """The type of :data:`EMPTY`, apart from every value: None may be pushed."""

    EMPTY = "EMPTY"

    def __repr__(self) -> str:
        return self.value


EMPTY: Final = Empty.EMPTY


class RoleViolation(RuntimeError):
    """Raised when a second thread pushes to, or pops from, an :class:`SpscRing`; use MpmcRing there."""


class Ring(Protocol[T]):
    """What both rings do."""

    @property
    def capacity(self) -> int:
        """Return how many items fit."""

    @property
    def overflows(self) -> int:
        """Return how many pushes were refused because the ring was full."""

    def push(self, value: T) -> bool:
        """Append ``value``, or return False and count an overflow when the ring is full."""

    def pop(self) -> T | Empty:
        """Remove and return the oldest value, or EMPTY."""

    def size(self) -> int:
        """Return how many items are in the ring at one moment during the call."""

    def empty(self) -> bool:
        """Tell whether the ring held nothing at one moment during the call."""

    def full(self) -> bool:
        """Tell whether the ring was full at one moment during the call."""

    def clear(self) -> None:
        """Drop all items; only while no other thread uses the ring."""


class MpmcRing(Generic[T]):
    """A ring for any number of producers and consumers, on one lock held for a few steps."""

    def __init__(self, capacity: int = 16) -> None:
        self._capacity = _checked(capacity)
        self._lock = threading.Lock()
        self._slots: list[T | Empty] = [EMPTY] * capacity
        self._head = 0  # pushes so far
        self._tail = 0  # pops so far; 0 <= head - tail <= capacity
        self._overflows = 0

    @property
    def capacity(self) -> int:
        """Return how many items fit."""
        return self._capacity

    @property
    def overflows(self) -> int:
        """Return how many pushes were refused because the ring was full."""
        with self._lock:
            return self._overflows

    def push(self, value: T) -> bool:
        """Append ``value``, or return False and count an overflow when the ring is full."""
        with self._lock:
            if self._head - self._tail == self._capacity:
                self._overflows += 1
                return False
            self._slots[self._head % self._capacity] = value
            self._head += 1
            return True

    def pop(self) -> T | Empty:
        """Remove and return the oldest value, or EMPTY."""
        with self._lock:
            if self._head == self._tail:
                return EMPTY
            slot = self._tail % self._capacity
            value = self._slots[slot]
            self._slots[slot] = EMPTY  # do not keep the value alive
            self._tail += 1
            return value

    def size(self) -> int:
        """Return how many items are in the ring."""
        with self._lock:
            return self._head - self._tail

    def empty(self) -> bool:
        """Tell whether the ring holds nothing."""
        return self.size() == 0

    def full(self) -> bool:
        """Tell whether the ring holds ``capacity`` items."""
        return self.size() == self._capacity

    def clear(self) -> None:
        """Drop all items; the overflow count stays."""
        with self._lock:
            self._slots[:] = [EMPTY] * self._capacity
            self._tail = self._head


RingBuffer = MpmcRing  # the one to take when in doubt


class SpscRing(Generic[T]):
    """A ring for one producer thread and one consumer thread, without any lock in push and pop.

    Only the producer writes ``_head``, only the consumer writes ``_tail``, each *after* the slot: an index
    that is visible always stands for a finished slot. With ``debug`` the first thread that pushes becomes
    the producer and the first that pops the consumer; any other raises RoleViolation, until :meth:`clear`.
    """

    def __init__(self, capacity: int = 16, *, debug: bool = True) -> None:
        self._capacity = _checked(capacity)
        self._debug = debug
        self._slots: list[T | Empty] = [EMPTY] * capacity
        self._head = 0
        self._tail = 0
        self._overflows = 0
        # Threads, not their idents: the ident of a finished thread is given to the next one.
        self._roles: dict[str, threading.Thread] = {}

    @property
    def capacity(self) -> int:
        """Return how many items fit."""
        return self._capacity

    @property
    def overflows(self) -> int:
        """Return how many pushes were refused because the ring was full."""
        return self._overflows

    def push(self, value: T) -> bool:
        """Append ``value``, or return False and count an overflow when the ring is full."""
        if self._debug:
            self._claim("producer")
        head = self._head
        if head - self._tail == self._capacity:
            self._overflows += 1
            return False
        self._slots[head % self._capacity] = value
        self._head = head + 1  # publishes the slot: last
        return True

    def pop(self) -> T | Empty:
        """Remove and return the oldest value, or EMPTY."""
        if self._debug:
            self._claim("consumer")
        tail = self._tail
        if self._head == tail:
            return EMPTY
        slot = tail % self._capacity
        value = self._slots[slot]
        self._slots[slot] = EMPTY  # do not keep the value alive
        self._tail = tail + 1  # hands the slot back: last
        return value

    def size(self) -> int:
        """Return how many items are in the ring at one moment during the call, from any thread."""
        tail = self._tail
        while True:
            head = self._head
            again = self._tail
            if again == tail:  # the tail stood still around the read of the head
                return head - tail
            tail = again

    def empty(self) -> bool:
        """Tell whether the ring held nothing at one moment during the call."""
        return self.size() == 0

    def full(self) -> bool:
        """Tell whether the ring was full at one moment during the call."""
        return self.size() == self._capacity

    def clear(self) -> None:
        """Drop all items and release both roles; only while no other thread uses the ring."""
        self._slots[:] = [EMPTY] * self._capacity
        self._tail = self._head
        self._roles.clear()

    def _claim(self, role: str) -> None:
        """Make the current thread the holder of ``role``, or raise RoleViolation."""
        thread = threading.current_thread()
        holder = self._roles.setdefault(role, thread)  # one step on a dict with str keys
        if holder is not thread:
            raise RoleViolation(
                f"{thread.name} is not the {role} of this SpscRing, {holder.name} is; use MpmcRing"
            )


def _checked(capacity: int) -> int:
    if capacity < 1:
        raise ValueError(f"capacity {capacity} is too small; a ring holds at least 1 item")
    return capacity
