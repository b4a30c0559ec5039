"""Parking by place: finds bugs in families of like threads, whatever their number.

Samplers over threads get worse with every further thread that must not pass a window; a place in the code is the same
for all of them, so N like threads collapse into one choice. (An idea of this project, with no bound to its name.)
"""

from __future__ import annotations

from random import Random

from torture.runtime.choice import FIRE_TIMER, SchedulingPoint
from torture.strategies.locations import Locations
from torture.strategies.random_walk import TIMER_ODDS

MOST_PLACES = 3  # where threads are parked, at a time


class Parking:
    """Draws a few places where shared and written locations are accessed; a thread that arrives there waits until
    no other can run. In every other execution a thread that is not parked goes on, else threads change at random."""

    exhausted = False

    def __init__(self) -> None:
        self._locations = Locations()
        self._executions = 0

    def begin(self, rng: Random) -> bool:
        self._random = rng.random
        places = self._locations.places()
        number = min(len(places), 1 + self._executions // 2 % MOST_PLACES)
        self._places = frozenset(rng.sample(places, number))
        self._stays = self._executions % 2 == 1
        self._executions += 1
        self._at: dict[
            int, tuple[int, bool]
        ] = {}  # by runnable thread: location of its operation, is it parked
        self._locations.begin()
        return True

    def choose(self, point: SchedulingPoint) -> int:
        draw = self._random
        if point.timer and draw() < TIMER_ODDS:
            return FIRE_TIMER
        if self._locations.learns and point.watcher is None:
            self._locations.watch(point)
        at, threads, runnable, current = self._at, point.threads, point.runnable, point.current
        at.pop(current, None)
        for index in runnable:
            if index not in at:
                pending = threads[index].pending
                at[index] = (
                    self._locations.at(threads[index]),
                    pending is not None and pending[3] in self._places,
                )
        free = [index for index in runnable if not at[index][1]]
        if self._stays and current in free:
            chosen = current
        else:
            among = free or runnable
            chosen = among[int(draw() * len(among))]
        location, _ = at.pop(chosen)
        if self._locations.learns:
            self._locations.executed(threads[chosen], location)
        return chosen

    def end(self, steps: int) -> None:
        self._locations.end()
