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
_FREE = -2  # not parked


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
        # By runnable thread: the location of its operation, and the place where it is parked.
        self._at: dict[int, tuple[int, int]] = {}
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
                location = self._locations.at(threads[index])
                place = self._locations.place(point, threads[index], location)
                at[index] = (location, place if place in self._places else _FREE)
        among = [index for index in runnable if at[index][1] == _FREE]
        if self._stays and current in among:
            chosen = current
        else:
            if not among:  # whatever the number of threads that wait at a place, it counts once
                places = sorted({at[index][1] for index in runnable})
                place = places[int(draw() * len(places))]
                among = [index for index in runnable if at[index][1] == place]
            chosen = among[int(draw() * len(among))]
        location, _ = at.pop(chosen)
        if self._locations.learns:
            self._locations.executed(threads[chosen], location)
        return chosen

    def end(self, steps: int) -> None:
        self._locations.end()
