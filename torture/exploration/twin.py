"""The nearest passing twin of a failing schedule: what the failure hinges on.

One switch is changed at a time. Moves come first, by the number of operations that they go past; of equally near ones
that of the last switch, which shares the longest beginning. Where no move lets the schedule pass, one is dropped; where
there is none to drop, one is added, the last possible one first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from torture.errors import ReplayMismatchError
from torture.exploration.diagnosis import record, record_under, token_of
from torture.exploration.recorder import OperationCount
from torture.exploration.shrink import Plan
from torture.findings import Twin
from torture.report.cause import thread_names
from torture.strategies.deviating import Deviating, Deviation
from torture.strategies.fixed import Anchoring
from torture.trace.event import Event, Trace
from torture.trace.site import Kind

if TYPE_CHECKING:
    from torture.exploration.execution import Execution
    from torture.exploration.session import Session

EXECUTIONS = 200  # at most
POINTS = 50_000  # the same in scheduling points
FARTHEST = 24  # operations that a switch is moved past


def nearest_twin(session: Session, failing: Execution, trace: Trace) -> Twin | None:
    """Return the nearest schedule that passes; None where none was found within the bounds.

    ``trace`` is what the failing execution did.
    """
    if failing.points * 10 > POINTS:
        return None  # too long for more than a few tries
    search = _Search(session)
    try:
        _, strategy = search.run(Deviating(search.done, schedule=failing.schedule, lists=True))
    except ReplayMismatchError:
        return None
    plan = tuple(strategy.made)
    found = _moved(search, plan) or _dropped(search, plan) or _added(search, plan, strategy.possible)
    return None if found is None else _told(session, found, trace)


@dataclass(frozen=True, slots=True)
class _Change:
    """The deviation that was changed, and an execution that passes thereby."""

    change: str
    deviation: Deviation
    passing: Execution
    sooner: int = 0  # operations that it has to be moved past
    later: int = 0
    late: Execution | None = None  # passes with the switch that much later
    instead: str = ""


class _Search:
    """Executes plans within the bounds."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._executions = 0
        self._points = 0
        self.done: dict[str, int] = {}

    def run(self, strategy: Deviating) -> tuple[Execution, Deviating]:
        """Execute once; the strategy counts with ``done``."""
        count = OperationCount()
        count.done = self.done
        self.done.clear()
        execution = self._session.run(strategy, Random(0), count)
        assert execution is not None
        self._executions += 1
        self._points += execution.points
        return execution, strategy

    def passing(self, plan: Plan) -> tuple[Execution, Deviating] | None:
        """Return the execution of a plan where it passes."""
        if self._executions >= EXECUTIONS or self._points >= POINTS:
            return None
        execution, strategy = self.run(Deviating(self.done, plan))
        passes = execution.failure is None and not execution.stalled and not execution.pruned
        return (execution, strategy) if passes else None

    def passing_at(self, plan: Plan, index: int, past: int) -> Execution | None:
        """Return the passing execution with a switch moved past so many operations (earlier: below 0).

        Where the thread could not go on anyway, or the other one cannot run yet, the switch comes of itself.
        """
        switch = plan[index]
        place = switch.done + past
        mine = [d.done for number, d in enumerate(plan) if d.thread == switch.thread and number != index]
        if place < 0 or any(min(place, switch.done) <= done <= max(place, switch.done) for done in mine):
            return None
        moved = replace(switch, done=place, visit=1)
        found = self.passing((*plan[:index], moved, *plan[index + 1 :]))
        if found is None or self.done.get(switch.thread, 0) < place:  # it never came to that place
            return None
        return found[0]


def _moved(search: _Search, plan: Plan) -> _Change | None:
    """Move a switch to the nearest place where it passes; see how far it had to go the other way."""
    switches = [index for index, deviation in enumerate(plan) if deviation.preempts]
    for distance in range(1, FARTHEST + 1):
        for index in reversed(switches):
            for past in (distance, -distance):
                passing = search.passing_at(plan, index, past)
                if passing is None:
                    continue
                sign = -1 if past > 0 else 1
                others = range(distance + (past < 0), FARTHEST + 1)
                tried = ((far, search.passing_at(plan, index, sign * far)) for far in others)
                other, there = next(((far, found) for far, found in tried if found is not None), (0, None))
                if past > 0:
                    return _Change("moved", plan[index], passing, other, distance, passing)
                return _Change("moved", plan[index], passing, distance, other, there)
    return None


def _dropped(search: _Search, plan: Plan) -> _Change | None:
    for index in reversed(range(len(plan))):
        found = search.passing(plan[:index] + plan[index + 1 :])
        if found is not None:
            place = _place(plan[index])
            instead = (change.choice for change in found[1].changes if _place(change) == place)
            return _Change("dropped", plan[index], found[0], instead=next(instead, "") or plan[index].thread)
    return None


def _added(search: _Search, plan: Plan, possible: list[Deviation]) -> _Change | None:
    for deviation in reversed(possible):
        found = search.passing((*plan, deviation))
        if found is not None:
            return _Change("added", deviation, found[0])
    return None


def _place(deviation: Deviation) -> tuple[str, int, int]:
    return deviation.thread, deviation.done, deviation.visit


def _told(session: Session, found: _Change, trace: Trace) -> Twin | None:
    """Return the twin in terms of the trace: threads by name, places by operation."""
    anchoring = Anchoring(found.passing.schedule)
    try:
        again, _ = record_under(session, anchoring, Random(0))
        late = trace if found.late is None else record(session, found.late.schedule)[1]
    except ReplayMismatchError:
        return None
    if again.failure is not None:
        return None
    deviation, done = found.deviation, found.deviation.done
    names = {thread.path: thread_names(trace)[thread.index] for thread in trace.threads}
    failed = _operations(trace, deviation.thread)
    passed = _operations(late, deviation.thread)
    sooner = failed[done - found.sooner] if found.sooner else None
    if sooner is not None and found.later and _starts(sooner, trace, deviation.choice):
        sooner = None  # it was tried, and changed nothing before that
    if found.change == "added":
        sooner = failed[done] if done < len(failed) else None
    return Twin(
        change=found.change,
        thread=names[deviation.thread],
        runs=names.get(deviation.choice, deviation.choice),
        instead=names.get(found.instead, found.instead),
        preempts=deviation.preempts,
        at=_at(failed, deviation),
        sooner=sooner,
        later=_later(trace, passed, failed, done + found.later - 1) if found.later else None,
        token=token_of(session, found.passing.schedule, tuple(anchoring.anchors), "").encode(),
    )


def _starts(event: Event, trace: Trace, path: str) -> bool:
    """Tell whether an operation is the start of the thread with a path."""
    return event.kind == Kind.SPAWN and (event.resource, path) in ((t.name, t.path) for t in trace.threads)


def _at(operations: list[Event], deviation: Deviation) -> Event | None:
    """Return the operation that the thread had executed last; the one that it waits for, where it cannot go on."""
    place = deviation.done - deviation.preempts
    return operations[min(place, len(operations) - 1)] if operations and place >= 0 else None


def _operations(trace: Trace, path: str) -> list[Event]:
    index = next((thread.index for thread in trace.threads if thread.path == path), -1)
    return [event for event in trace.events if event.thread == index and event.kind != Kind.TIMER]


def _later(trace: Trace, passed: list[Event], failed: list[Event], place: int) -> Event:
    """Return the thread's operation at a place of its own; without a name where the failing trace has another for it.

    Objects are numbered as they are met: those that were met before the switch have the same names in both traces.
    """
    event = passed[place]
    if place < len(failed) and _what(failed[place]) == _what(event):
        return failed[place]
    common = 0
    while common < min(len(passed), len(failed)) and passed[common] == failed[common]:
        common += 1
    until = passed[common].step if common < len(passed) else 0
    known = {_object(earlier.resource) for earlier in trace.events[:until]}
    named = "#" not in event.resource or _object(event.resource) in known
    return event if named else replace(event, resource="", value="")


def _what(event: Event) -> tuple[str, str, str, int]:
    return event.kind, event.function, event.file, event.line


def _object(resource: str) -> str:
    return resource.partition(".")[0].partition("[")[0]
