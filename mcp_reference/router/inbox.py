"""A queue that can be closed: what was accepted is delivered or handed back, never lost."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """A FIFO queue for any number of threads. Unbounded; after :meth:`close` it refuses, and runs dry."""

    def __init__(self) -> None:
        self._ready = threading.Condition(threading.Lock())
        self._items: deque[T] = deque()
        self._closed = False

    def put(self, item: T) -> bool:
        """Append ``item``, or return False when the inbox is closed."""
        with self._ready:
            if self._closed:
                return False
            self._items.append(item)
            self._ready.notify()
            return True

    def get(self) -> T | None:
        """Wait for the oldest item and return it; None once the inbox is closed and empty."""
        with self._ready:
            while not self._items:
                if self._closed:
                    return None
                self._ready.wait()
            return self._items.popleft()

    def close(self) -> None:
        """Refuse new items; those accepted can still be taken."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()

    def discard(self) -> list[T]:
        """Close, and return the items that nobody took."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()
            items = list(self._items)
            self._items.clear()
            return items
