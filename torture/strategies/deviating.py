"""A schedule as its deviations from the one that a reader expects: what shrinking cuts down.

Expected is that a thread runs until it cannot, and that one which was interrupted then goes on.

A deviation stands at a place that does not move when others are dropped: how many operations its thread had executed.
Where it does not fit any more, it is passed over. Under a recorder the kernel asks at every operation and the
recorder counts them, also those that a thread executes while it is alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from torture.runtime.choice import FIRE_TIMER, SchedulingPoint
from torture.strategies.fixed import Replay
from torture.trace.schedule import Schedule

Place = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Deviation:
    """When ``thread`` was current after ``done`` operations, for the ``visit``-th time, go on with ``choice``.

    Threads are paths; ``choice`` is "" for a timer that fires early. ``preempts`` tells that the thread could go on.
    """

    thread: str
    done: int
    visit: int
    choice: str
    preempts: bool = False


class Deviating:
    """Lets threads run as expected but for the given deviations; notes those that it made.

    Following a ``schedule`` instead, it notes the deviations of that one. ``lists`` asks for those that could be
    added: there are as many as there are steps and threads.
    """

    exhausted = False

    def __init__(
        self,
        done: dict[str, int],
        plan: Sequence[Deviation] = (),
        schedule: Schedule | None = None,
        *,
        lists: bool = False,
    ) -> None:
        self._done = done  # operations by thread, counted by the recorder of the same execution
        self._plan = {(d.thread, d.done, d.visit): d.choice for d in plan}
        self._replay = None if schedule is None else Replay(schedule)
        self._lists = lists
        self.made: list[Deviation] = []
        self.changes: list[Deviation] = []  # the same and those that were as usual
        self.possible: list[Deviation] = []  # that could have been made where it went on as usual

    def begin(self, rng: Random) -> bool:
        self._visits: dict[tuple[str, int], int] = {}
        self._interrupted: list[int] = []  # threads, the last one first in turn
        return self._replay is None or self._replay.begin(rng)

    def choose(self, point: SchedulingPoint) -> int:
        place = self._place(point)
        usual = self._usual(point)
        choice = self._planned(place, point, usual) if self._replay is None else self._replay.choose(point)
        point.steps = 1
        goes_on = point.current in point.runnable
        name = "" if choice == FIRE_TIMER else point.threads[choice].path
        made = Deviation(*place, name, goes_on)
        if choice != usual:
            self.made.append(made)
        elif self._lists:
            others = [point.threads[index].path for index in point.runnable if index != usual]
            self.possible += [Deviation(*place, other, goes_on) for other in others + [""] * point.timer]
        if choice != point.current:
            self.changes.append(made)
            if choice in self._interrupted:
                self._interrupted.remove(choice)
            if goes_on and choice >= 0:
                self._interrupted.append(point.current)
        return choice

    def end(self, steps: int) -> None:
        pass

    def _place(self, point: SchedulingPoint) -> Place:
        path = point.threads[point.current].path
        here = (path, self._done.get(path, 0))
        visit = self._visits[here] = self._visits.get(here, 0) + 1
        return (*here, visit)

    def _planned(self, place: Place, point: SchedulingPoint, usual: int) -> int:
        choice = self._plan.get(place)
        if choice is None:
            return usual
        if not choice:
            return FIRE_TIMER if point.timer else usual
        return next((i for i in point.runnable if point.threads[i].path == choice), usual)

    def _usual(self, point: SchedulingPoint) -> int:
        """Return the current thread if it can go on, else the last interrupted one, else the next in turn."""
        runnable = point.runnable
        if point.current in runnable:
            return point.current
        last = next((index for index in reversed(self._interrupted) if index in runnable), None)
        if last is not None:
            return last
        return next((index for index in runnable if index > point.current), runnable[0])
