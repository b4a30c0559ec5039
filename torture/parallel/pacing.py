"""Starts calls at fixed instants, and keeps how late each one is: the cure of coordinated omission.

A caller that waits for a slow call before it makes the next one asks less just when the answers are slow, and the slow
times are missing from its percentiles. A paced call that its predecessor has held up is therefore timed from the instant
at which it was due. What the sleep before it took too long is the scheduler's or the GIL's, not the component's, and
kept apart. Source: Gil Tene, "How NOT to Measure Latency"; as wrk2 does it.
"""

from __future__ import annotations

import threading
import time


class _Late(threading.local):
    """Of the next call of this thread: nanoseconds that it is overdue; below zero, that its thread was woken late."""

    nanoseconds = 0


LATE = _Late()


class Pace:
    """The instants at which one thread calls; ``interval`` is in seconds."""

    def __init__(self, interval: float) -> None:
        self._interval = round(interval * 1e9)
        self._due: int | None = None

    def wait(self) -> None:
        """Return when the next call is due, at once where it is overdue."""
        now = time.monotonic_ns()
        if self._due is None:
            self._due = now
            return
        self._due += self._interval
        if self._due <= now:
            LATE.nanoseconds = now - self._due
            return
        time.sleep((self._due - now) / 1e9)
        woken = max(0, time.monotonic_ns() - self._due)
        LATE.nanoseconds = -woken
        if woken > self._interval:  # calls that are due meanwhile are late, but not because of the component
            self._due += woken
