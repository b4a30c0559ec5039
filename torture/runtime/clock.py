"""Virtual time: one clock and its timers, shared by all virtual threads. Unit: nanoseconds."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

EPOCH = 1_700_000_000 * 10**9  # what time.time() starts at
START = 1_000 * 10**9  # what time.monotonic() starts at
TICK = 1_000  # how far one reading moves the clock
EARLY_BOUND = 100_000_000  # how long a thread may be held up while others could run
EARLY_LIMIT = 16  # timers that fire early between two natural advances: a polling loop ends

Stale = Callable[[int, int], bool]


class Clock:
    """Jumps when nothing can run. A timer may fire early: then the threads that could run were slow.

    Early timers are bounded twice, by :data:`EARLY_BOUND` from the last natural advance and by number, so that
    every execution ends.
    """

    __slots__ = ("_early", "_readings", "_tokens", "natural", "now", "timers", "uses", "was_late")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Go back to the start of an execution."""
        self.now = START
        self.timers: list[tuple[int, int, int]] = []  # (deadline, token, thread index)
        self.uses = 0  # how often time was read or moved, and timers were set or cancelled
        self.was_late = False  # the timer of the last natural advance might have fired early
        self._tokens = 0
        self._readings = 0
        self._early = 0
        self.natural = START  # when time went on last because nothing could run

    def read(self) -> int:
        """Return the time. Moves it by a tick that grows, so that a loop which polls the clock ends."""
        self.uses += 1
        self._readings += 1
        self.now += TICK << min(self._readings >> 6, 30)
        return self.now

    def arm(self, deadline: int, index: int) -> int:
        """Set a timer for a thread and return its token."""
        self.uses += 1
        self._tokens += 1
        heappush(self.timers, (deadline, self._tokens, index))
        return self._tokens

    def pop_due(self, stale: Stale) -> int | None:
        """Return the thread of the next timer that is due, dropping stale ones."""
        timers = self.timers
        while timers:
            deadline, token, index = timers[0]
            if stale(index, token):
                heappop(timers)
            elif deadline <= self.now:
                heappop(timers)
                return index
            else:
                return None
        return None

    def may_fire_early(self) -> bool:
        """Tell whether the earliest timer (not stale: ask ``pop_due`` first) is within the bound."""
        timers = self.timers
        return bool(timers) and self._early < EARLY_LIMIT and timers[0][0] - self.natural <= EARLY_BOUND

    def fire_early(self) -> int:
        """Move the clock to the earliest timer and return its thread."""
        self.uses += 1
        self._early += 1
        deadline, _, index = heappop(self.timers)
        self.now = max(self.now, deadline)
        return index

    def jump(self, stale: Stale) -> int | None:
        """Advance to the next timer because nothing can run; return its thread, None without a timer."""
        timers = self.timers
        while timers:
            deadline, token, index = heappop(timers)
            if not stale(index, token):
                self.was_late = self._early < EARLY_LIMIT and deadline - self.natural <= EARLY_BOUND
                self.now = self.natural = max(self.now, deadline)
                self._early = 0
                self._readings = 0
                return index
        return None
