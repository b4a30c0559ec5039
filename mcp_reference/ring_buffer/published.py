"""The rings and value channels as published. Faults are kept on purpose: do not use, do not mend.

Indices wrap at one slot more than the capacity: ``head == tail`` is empty, one slot always stays free. Slots are not
wiped, as in C++. Atomics are sequentially consistent here; nothing fails because of memory order.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar, cast

from mcp_reference.ring_buffer.atomic import Atomic
from mcp_reference.ring_buffer.ring import EMPTY, Empty

T = TypeVar("T")


class CasRing(Generic[T]):
    """The document's ring: lock-free by compare-exchange, meant for any number of threads.

    Row 0.1: push claims the slot by moving the head, and stores the value after that: a consumer
    that comes in between takes the slot's previous content, and the new value is lost. Row 0.2: pop reads the
    slot, then moves the tail if it is what it was; after a full lap by others it is so again (ABA).
    """

    def __init__(self, capacity: int = 16) -> None:
        self._size = capacity + 1
        self._slots: list[T | None] = [None] * self._size
        self._head = Atomic(0)
        self._tail = Atomic(0)

    def push(self, value: T) -> bool:
        """Append ``value``, or return False when the ring is full."""
        while True:
            head = self._head.load()
            following = (head + 1) % self._size
            if following == self._tail.load():
                return False
            if self._head.compare_exchange(head, following):
                self._slots[head] = value
                return True

    def pop(self) -> T | Empty:
        """Remove and return the oldest value, or EMPTY."""
        while True:
            tail = self._tail.load()
            if tail == self._head.load():
                return EMPTY
            value = self._slots[tail]
            if self._tail.compare_exchange(tail, (tail + 1) % self._size):
                return cast(T, value)

    def clear(self) -> None:
        """Forget all items."""
        self._head.store(0)
        self._tail.store(0)


class HeadSpscRing(Generic[T]):
    """The ring at upstream's HEAD: plain loads and stores, right for one producer and one consumer.

    Nothing checks that there is only one. Row 0.3: two producers load the same head, write the same
    slot, and one value is lost. Row 0.4: two consumers load the same tail and both take its value.
    """

    def __init__(self, capacity: int = 16) -> None:
        self._size = capacity + 1
        self._slots: list[T | None] = [None] * self._size
        self._head = Atomic(0)
        self._tail = Atomic(0)

    def push(self, value: T) -> bool:
        """Append ``value``, or return False when the ring is full."""
        head = self._head.load()
        following = (head + 1) % self._size
        if following == self._tail.load():
            return False
        self._slots[head] = value
        self._head.store(following)
        return True

    def pop(self) -> T | Empty:
        """Remove and return the oldest value, or EMPTY."""
        tail = self._tail.load()
        if tail == self._head.load():
            return EMPTY
        value = self._slots[tail]
        self._tail.store((tail + 1) % self._size)
        return cast(T, value)

    def clear(self) -> None:
        """Forget all items."""
        self._head.store(0)
        self._tail.store(0)


class FlagConsumer(Generic[T]):
    """The document's first example: ``onMCPMessage`` on a worker thread, ``process`` on the audio thread.

    Row 0.5: ``process`` lowers the flag after the drain, and with it the flag of a value that came in between:
    that value stays until the next one comes. Row 0.6: the result of ``push`` is ignored, a full ring
    drops the value silently. On HeadSpscRing, which is right here, so that only these two show.
    """

    def __init__(self, handle: Callable[[T], None], capacity: int = 128) -> None:
        self._handle = handle
        self._value_buffer: HeadSpscRing[T] = HeadSpscRing(capacity)
        self._has_new_value = Atomic(False)

    def on_mcp_message(self, value: T) -> None:
        """Queue the message's extracted data."""
        self._value_buffer.push(value)
        self._has_new_value.store(True)

    def process(self) -> None:
        """Handle what is queued."""
        if self._has_new_value.load():
            while (value := self._value_buffer.pop()) is not EMPTY:
                self._handle(value)
            self._has_new_value.store(False)


class FlagPublisher(Generic[T]):
    """The document's second example: ``process`` queues, a worker thread publishes.

    Row 0.5: the worker lowers the flag after the drain, as FlagConsumer does.
    """

    def __init__(self, publish: Callable[[T], None], capacity: int = 128) -> None:
        self.running = True
        self._publish = publish
        self._publish_queue: HeadSpscRing[T] = HeadSpscRing(capacity)
        self._has_data_to_publish = Atomic(False)

    def process(self, value: T) -> None:
        """Queue ``value`` for publishing."""
        if self._publish_queue.push(value):
            self._has_data_to_publish.store(True)

    def worker_thread_function(self) -> None:
        """Publish what is queued, every 5 ms while ``running``."""
        while self.running:
            self.worker_step()
            time.sleep(0.005)

    def worker_step(self) -> None:
        """Do what the worker does each time."""
        if self._has_data_to_publish.load():
            while (value := self._publish_queue.pop()) is not EMPTY:
                self._publish(value)
            self._has_data_to_publish.store(False)
