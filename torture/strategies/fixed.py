"""Schedules that are known beforehand: a recorded one, and the one without preemptions."""

from __future__ import annotations

from random import Random

from torture.errors import ReplayMismatchError
from torture.runtime.choice import FIRE_TIMER, SchedulingPoint
from torture.trace.schedule import Anchor, Schedule


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


class Places:
    """Counts, for each thread and operation, how often it stood there when the strategy was asked."""

    def __init__(self) -> None:
        self._counts: dict[tuple[int, str, str, str, str], int] = {}

    def at(self, point: SchedulingPoint, choice: int) -> Anchor:
        """Return the anchor of the present situation."""
        place = self._place(point)
        self._counts[place] = self._counts.get(place, 0) + 1
        return Anchor(*place, self._counts[place], choice)

    @staticmethod
    def _place(point: SchedulingPoint) -> tuple[int, str, str, str, str]:
        thread = point.threads[point.current]
        pending = thread.pending if thread.enabled else None
        if pending is None:
            return (point.current, "", "", "", "")
        site = pending[3]
        return (point.current, site.function, str(site.kind), str(site.form), site.name)


class Anchoring:
    """Replays a schedule and notes the anchor of each of its changes; asks to be asked at every point."""

    exhausted = False

    def __init__(self, schedule: Schedule) -> None:
        self._replay = Replay(schedule)
        self._places = Places()
        self.anchors: list[Anchor] = []

    def begin(self, rng: Random) -> bool:
        return self._replay.begin(rng)

    def choose(self, point: SchedulingPoint) -> int:
        choice = self._replay.choose(point)
        anchor = self._places.at(point, choice)
        if choice != point.current:
            self.anchors.append(anchor)
        point.steps = 1
        return choice

    def end(self, steps: int) -> None:
        pass


class AnchoredReplay:
    """Makes the changes of a schedule where their anchors are met: survives edits elsewhere in the program."""

    exhausted = False

    def __init__(self, anchors: tuple[Anchor, ...]) -> None:
        self._anchors = anchors

    def begin(self, rng: Random) -> bool:
        self._next = 0
        self._places = Places()
        return True

    def choose(self, point: SchedulingPoint) -> int:
        anchor = self._anchors[self._next] if self._next < len(self._anchors) else None
        here = self._places.at(point, -1 if anchor is None else anchor.choice)
        if anchor is not None and here == anchor:
            fits = anchor.choice in point.runnable or (anchor.choice == FIRE_TIMER and point.timer)
            if not fits:
                raise ReplayMismatchError(f"at {anchor}: thread {anchor.choice} cannot go on there")
            self._next += 1
            return anchor.choice
        if point.current in point.runnable:
            return point.current
        if anchor is not None:
            raise ReplayMismatchError(f"expected {anchor}, found {here}")
        return point.runnable[0]

    def finish(self) -> None:
        """Raise ReplayMismatchError where an anchor was never met."""
        if self._next < len(self._anchors):
            raise ReplayMismatchError(f"the program never came to {self._anchors[self._next]}")

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
