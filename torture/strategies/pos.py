"""POS: partial-order sampling (Yuan, Yang, Gu, CAV 2018)."""

from __future__ import annotations

from random import Random

from torture.runtime.choice import FIRE_TIMER, SchedulingPoint, dependent
from torture.strategies.random_walk import TIMER_ODDS


class Pos:
    """Gives every pending operation a random priority and runs the highest; the executed thread and those whose
    pending operation depends on what is executed draw anew."""

    exhausted = False

    def begin(self, rng: Random) -> bool:
        self._random = rng.random
        self._priority: dict[int, float] = {}
        return True

    def choose(self, point: SchedulingPoint) -> int:
        draw = self._random
        if point.timer and draw() < TIMER_ODDS:
            return FIRE_TIMER
        priority = self._priority
        runnable = point.runnable
        for index in runnable:
            if index not in priority:
                priority[index] = draw()
        chosen = max(runnable, key=priority.__getitem__)
        executed = point.threads[chosen].pending
        priority.pop(chosen)
        if executed is not None:
            for index in runnable:
                if index != chosen and dependent(point.threads[index].pending, executed):
                    priority[index] = draw()
        return chosen

    def end(self, steps: int) -> None:
        pass
