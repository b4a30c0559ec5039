"""Random walk: every runnable thread is equally likely at every step."""

from __future__ import annotations

from random import Random

from torture.runtime.choice import FIRE_TIMER, SchedulingPoint

TIMER_ODDS = 0.1  # of firing a timer early, at each step where one may


class RandomWalk:
    """Chooses uniformly. How long the chosen thread keeps being chosen is drawn at once: the same distribution,
    and most points are not asked about."""

    exhausted = False

    def begin(self, rng: Random) -> bool:
        self._random = rng.random
        return True

    def choose(self, point: SchedulingPoint) -> int:
        draw = self._random
        if point.timer and draw() < TIMER_ODDS:
            return FIRE_TIMER
        runnable = point.runnable
        count = len(runnable)
        chosen = runnable[int(draw() * count)]
        if count > 1 and not point.timer:
            steps = 1
            while draw() * count < 1.0:
                steps += 1
            point.steps = steps
        return chosen

    def end(self, steps: int) -> None:
        pass
