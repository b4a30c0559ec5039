"""Schedules that are known beforehand: a recorded one, and the one without preemptions."""

from __future__ import annotations

from random import Random

from torture.errors import ReplayMismatchError
from torture.runtime.choice import FIRE_TIMER, SchedulingPoint
from torture.trace.schedule import Schedule


class Replay:
    """Makes the choices of a recorded schedule, and says where the program no longer fits it."""

    exhausted = False

    def __init__(self, schedule: Schedule) -> None:
        self._changes = schedule.changes
        self._next = 0

    def begin(self, rng: Random) -> bool:
        self._next = 0
        return True

    def choose(self, point: SchedulingPoint) -> int:
        if self._next < len(self._changes):
            step, choice = self._changes[self._next]
            if step < point.step:
                raise ReplayMismatchError(f"step {step}: the program was not at a scheduling point there")
            if step == point.step:
                self._next += 1
                if choice == FIRE_TIMER and not point.timer:
                    raise ReplayMismatchError(f"step {step}: no timer can fire there")
                if choice >= 0 and choice not in point.runnable:
                    raise ReplayMismatchError(f"step {step}: thread {choice} cannot run there")
                return choice
            point.steps = step - point.step
        else:
            point.steps = 1 << 30
        if point.current in point.runnable:
            return point.current
        if self._next < len(self._changes):
            raise ReplayMismatchError(f"step {point.step}: thread {point.current} cannot go on")
        return point.runnable[0]

    @property
    def complete(self) -> bool:
        """Tell whether every recorded choice was made."""
        return self._next == len(self._changes)

    def end(self, steps: int) -> None:
        pass


class NonPreemptive:
    """Lets every thread run until it cannot: the schedule that a reader of the program would expect."""

    exhausted = False

    def begin(self, rng: Random) -> bool:
        return True

    def choose(self, point: SchedulingPoint) -> int:
        point.steps = 1 << 30
        if point.current in point.runnable:
            return point.current
        later = [index for index in point.runnable if index > point.current]
        return (later or point.runnable)[0]  # in turn: threads that spin must not starve the others

    def end(self, steps: int) -> None:
        pass
