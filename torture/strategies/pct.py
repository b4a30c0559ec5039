"""PCT: priorities and a few random change points (Burckhardt et al., ASPLOS 2010).

Departs from the paper: priorities are drawn when a thread is first seen; a thread that spins gets the lowest
priority; the depth rotates from 2 to ``depth``, for nobody knows how deep a bug is.
"""

from __future__ import annotations

from random import Random

from torture.runtime.choice import FIRE_TIMER, SchedulingPoint
from torture.strategies.random_walk import TIMER_ODDS


class Pct:
    """Runs the runnable thread of highest priority; at the i-th change point the running thread's drops to i."""

    exhausted = False

    def __init__(self, depth: int = 4) -> None:
        self._depth = depth
        self._longest = 32  # steps of the longest execution seen
        self._executions = 0

    def begin(self, rng: Random) -> bool:
        self._rng = rng
        self._priority: dict[int, float] = {}
        self._lowest = 0.0
        depth = 2 + self._executions % (self._depth - 1)
        self._executions += 1
        self._changes = sorted(rng.randrange(1, self._longest + 1) for _ in range(depth - 1))
        self._changes.reverse()
        return True

    def choose(self, point: SchedulingPoint) -> int:
        rng = self._rng
        if point.timer and rng.random() < TIMER_ODDS:
            return FIRE_TIMER
        priority = self._priority
        for index in point.runnable:
            if index not in priority:
                priority[index] = 1.0 + rng.random()
        changes = self._changes
        while changes and changes[-1] <= point.step:
            priority[point.current] = len(changes) / 16.0
            changes.pop()
        if point.spinning:
            self._lowest -= 1.0
            priority[point.current] = self._lowest
        chosen = max(point.runnable, key=priority.__getitem__)
        point.steps = 4 if point.timer else (changes[-1] - point.step if changes else 1 << 30)
        return chosen

    def end(self, steps: int) -> None:
        self._longest = max(self._longest, steps)
