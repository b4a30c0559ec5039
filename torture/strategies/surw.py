"""SURW: selectively uniform random walk (Zhao et al., ASPLOS 2025).

Departs from the paper: the counts are the means of all executions so far, not a profile's; the intended thread may be
one that is not started yet, instead of the one that will start it; and what is interesting is drawn for every
execution: the accesses to a few locations that several threads touch and one writes.
"""

from __future__ import annotations

from random import Random

from torture.runtime.choice import FIRE_TIMER, SchedulingPoint
from torture.runtime.thread import VirtualThread
from torture.strategies.locations import Locations
from torture.strategies.random_walk import TIMER_ODDS

_NOBODY = -1
MOST_LOCATIONS = 2  # interesting at a time


class Surw:
    """Draws whose interesting operation comes next, in proportion to how many each thread has left; the others wait
    before theirs, and between them threads are chosen at random."""

    exhausted = False

    def __init__(self) -> None:
        self._locations = Locations()
        self._executions = 0

    def begin(self, rng: Random) -> bool:
        self._random = rng.random
        locations = self._locations
        shared = locations.shared()
        number = min(len(shared), 1 + self._executions % MOST_LOCATIONS)
        self._interesting = frozenset(rng.sample(shared, number))
        self._remaining = locations.expected(self._interesting)
        self._executions += 1
        self._at: dict[int, int] = {}  # by runnable thread: the location of its pending operation
        locations.begin()
        self._intended = ""  # path of the thread whose interesting operation comes next
        self._index = _NOBODY  # its index, once it runs
        self._draw = True
        return True

    def choose(self, point: SchedulingPoint) -> int:
        draw = self._random
        if point.timer and draw() < TIMER_ODDS:
            return FIRE_TIMER
        if self._locations.learns and point.watcher is None:
            self._locations.watch(point)
        at, threads, runnable = self._at, point.threads, point.runnable
        at.pop(point.current, None)
        for index in runnable:
            if index not in at:
                at[index] = self._locations.at(threads[index])
                if self._index == _NOBODY and threads[index].path == self._intended:
                    self._index = index
        if self._draw:
            self._intend(point, threads)
        intended, interesting = self._index, self._interesting
        free = [index for index in runnable if index == intended or at[index] not in interesting]
        if free:
            chosen = free[int(draw() * len(free))]
        else:
            self._intend(point, [threads[index] for index in runnable])
            chosen = self._index
        location = at.pop(chosen)
        if self._locations.learns:
            self._locations.executed(threads[chosen], location)
        if location in interesting:
            path = threads[chosen].path
            self._remaining[path] = self._remaining.get(path, 0.0) - 1.0
            self._draw = True
        return chosen

    def _intend(self, point: SchedulingPoint, among: list[VirtualThread]) -> None:
        """Draw the next thread in proportion to what each has left; ``among`` all also those not started yet."""
        self._draw = False
        left = {} if among is not point.threads else dict(self._remaining)
        for thread in among:
            count = self._remaining.get(thread.path, 0.0)
            if self._at.get(thread.index) in self._interesting:
                count = max(count, 1.0)
            left[thread.path] = 0.0 if thread.finished else count
        mark = self._random() * sum(count for count in left.values() if count > 0.0)
        self._intended, self._index = "", _NOBODY
        for path, count in left.items():
            if count > 0.0:
                self._intended = path
                mark -= count
                if mark < 0.0:
                    break
        self._index = next((thread.index for thread in among if thread.path == self._intended), _NOBODY)

    def end(self, steps: int) -> None:
        self._locations.end()
