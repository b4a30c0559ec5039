"""A model of ``std::atomic``, for the published variants that are built on it."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Atomic(Generic[T]):
    """One value with atomic load, store and compare-exchange, sequentially consistent."""

    def __init__(self, value: T) -> None:
        self._lock = threading.Lock()
        self._value = value

    def load(self) -> T:
        """Return the value."""
        return self._value

    def store(self, value: T) -> None:
        """Replace the value; never in the middle of a compare-exchange."""
        with self._lock:
            self._value = value

    def compare_exchange(self, expected: T, desired: T) -> bool:
        """Replace the value if it equals ``expected``, as one step; tell whether it did."""
        with self._lock:
            if self._value != expected:
                return False
            self._value = desired
            return True
