"""The point of no return: the first step of a failing schedule from which everything fails.

Each prefix of the schedule is gone on with in many ways, drawn with a fixed seed. Once nothing passes, nothing passes
later either: hence the step is found by halving. It is a sample, and the report says so.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from torture.errors import ReplayMismatchError
from torture.exploration.recorder import EventRecorder
from torture.findings import NoReturn
from torture.runtime.choice import FIRE_TIMER, SchedulingPoint
from torture.runtime.kernel import KERNEL
from torture.runtime.thread import VirtualThread
from torture.strategies.fixed import Replay
from torture.trace.schedule import Schedule
from torture.trace.site import Site

if TYPE_CHECKING:
    from torture.exploration.execution import Execution
    from torture.exploration.session import Session
    from torture.trace.event import Event

SAMPLED = 32  # continuations of a prefix
POINTS = 60_000  # scheduling points of all together: where they do not suffice, nothing is said
# How often a continuation switches where it need not: bugs have few switches, and so have their ways out.
ODDS = (0.0, 0.05, 0.2, 0.5)
TIMER_ODDS = 0.02  # of an early timer, where the failing schedule has one, too


def point_of_no_return(session: Session, failing: Execution) -> NoReturn | None:
    """Return the first step from which all continuations fail; None where the bounds do not allow to tell."""
    if failing.points * SAMPLED > POINTS:
        return None
    try:
        steps = _steps(session, failing.schedule)
        return _halved(_Sample(session, failing), steps)
    except (ReplayMismatchError, _SpentError):
        return None


class _SpentError(Exception):
    """The bounds are used up."""


class Continuing:
    """Follows a schedule up to a step; goes on at random from there.

    Each thread is let go on first in turn, by the ``number`` of the continuation, at first without another switch.
    """

    exhausted = False

    def __init__(self, schedule: Schedule, until: int, number: int, *, timers: bool) -> None:
        self._until = until
        self._number = number
        self._timers = timers
        self._replay = Replay(schedule)

    def begin(self, rng: Random) -> bool:
        self._random = rng.random
        self._odds = -1.0  # not drawn yet
        return self._replay.begin(rng)

    def choose(self, point: SchedulingPoint) -> int:
        if point.step < self._until:
            choice = self._replay.choose(point)
            point.steps = min(point.steps, self._until - point.step)
            return choice
        if self._timers and point.timer and self._random() < TIMER_ODDS:
            return FIRE_TIMER
        runnable, current = point.runnable, point.current
        if self._odds < 0:
            row, first = divmod(self._number, len(runnable))
            self._odds = ODDS[row % len(ODDS)]
            return runnable[first]
        if current in runnable and self._random() >= self._odds:
            return current
        return runnable[int(self._random() * len(runnable))]

    def end(self, steps: int) -> None:
        pass


class _Sample:
    """Executes continuations."""

    def __init__(self, session: Session, failing: Execution) -> None:
        self._session = session
        self._failing = failing
        self._points = 0

    def passing(self, until: int) -> int:
        """Return how many continuations from a step pass."""
        return sum(self._passes(until, number) for number in range(SAMPLED))

    def all_fail(self, until: int) -> bool:
        """Tell whether no continuation passes; stops at the first that does."""
        return not any(self._passes(until, number) for number in range(SAMPLED))

    def _passes(self, until: int, number: int) -> bool:
        if self._points > POINTS:
            raise _SpentError
        strategy = Continuing(self._failing.schedule, until, number, timers=self._failing.timing)
        execution = self._session.run(strategy, Random(number))
        assert execution is not None
        self._points += execution.points
        return execution.failure is None and not execution.stalled


def _halved(sample: _Sample, steps: list[tuple[int, Event]]) -> NoReturn | None:
    if sample.all_fail(0):
        return NoReturn(SAMPLED)
    low, high = (
        0,
        max((step for step, _ in steps), default=0) + 1,
    )  # at low some pass; at high nothing is left to choose
    while high - low > 1:
        middle = (low + high) // 2
        if sample.all_fail(middle):
            high = middle
        else:
            low = middle
    event = next((event for step, event in reversed(steps) if step < high), None)
    return None if event is None else NoReturn(SAMPLED, sample.passing(low), event)


def _steps(session: Session, schedule: Schedule) -> list[tuple[int, Event]]:
    """Return every operation of a schedule, with the number of steps taken before it."""
    recorder = _StepRecorder()
    session.run(Replay(schedule), Random(0), recorder)
    return list(zip(recorder.steps, recorder.events, strict=True))


class _StepRecorder(EventRecorder):
    """Notes the kernel's count of steps, too: it counts only those where there was a choice."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[int] = []

    def record(
        self, thread: VirtualThread, site: Site, obj: object, key: object, writes: bool, value: object
    ) -> None:
        super().record(thread, site, obj, key, writes, value)
        self.steps += [KERNEL.steps] * (len(self.events) - len(self.steps))  # an early timer is an event, too
