"""From a failing schedule to the simplest that fails in the same way.

Simpler means: fewer threads, then fewer preemptions (a timer that fires early counts as one), then fewer steps, then
fewer deviations from the order in which the threads were started, then switches as early as they go: right after the
operation that they have to follow. A candidate is kept only where it fails with the same fingerprint and is simpler,
so that no pass undoes another's work. (Delta debugging: Zeller, Hildebrandt, TSE 2002; merging of segments: Jalbert,
Sen, FSE 2010.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from torture.errors import ReplayMismatchError
from torture.exploration.diagnosis import fingerprint_of
from torture.exploration.recorder import EventRecorder
from torture.runtime.thread import VirtualThread
from torture.strategies.deviating import Deviating, Deviation
from torture.strategies.fixed import Replay
from torture.strategies.strategy import Strategy
from torture.trace.site import Site

if TYPE_CHECKING:
    from torture.exploration.execution import Execution
    from torture.exploration.session import Session

EXECUTIONS = 500  # at most, for one finding
POINTS = 100_000  # the same in scheduling points

Plan = tuple[Deviation, ...]
Cost = tuple[int, ...]


def shrink(session: Session, failing: Execution) -> Execution:
    """Return the simplest failing execution found; ``failing`` itself where none is simpler or it does not replay."""
    if failing.failure is None or failing.stalled or not failing.schedule.changes:
        return failing
    search = _Search(session, fingerprint_of(session, failing.failure))
    simplest = search.start(failing)
    if simplest is None:
        return failing
    before = None
    while simplest.cost != before:
        before = simplest.cost
        for candidates in (_dropped, _merged, _single, _renamed, _earlier):
            simplest = candidates(search, simplest)
    return simplest.execution if search.replays(simplest.execution) else failing


def size(execution: Execution) -> dict[str, int]:
    """Return what a finding says of an execution that was shrunk."""
    return {
        "threads": len(execution.threads),
        "preemptions": execution.preemptions,
        "steps": execution.steps,
    }


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An execution that fails as it should."""

    execution: Execution
    plan: Plan
    cost: Cost


class _Count(EventRecorder):
    """Counts operations instead of writing them down."""

    def __init__(self) -> None:
        super().__init__()
        self.done: dict[str, int] = {}

    def record(
        self, thread: VirtualThread, site: Site, obj: object, key: object, writes: bool, value: object
    ) -> None:
        self.done[thread.path] = self.done.get(thread.path, 0) + 1


class _Search:
    """Executes candidates, each once and within the bounds."""

    def __init__(self, session: Session, fingerprint: str) -> None:
        self._session = session
        self._fingerprint = fingerprint
        self._tried: set[Plan] = set()
        self._executions = 0
        self._points = 0

    @property
    def spent(self) -> bool:
        """Tell whether nothing more may be executed."""
        return self._executions >= EXECUTIONS or self._points >= POINTS

    def start(self, failing: Execution) -> _Candidate | None:
        """Return the failing execution in terms of its deviations."""
        try:
            return self._execute(lambda done: Deviating(done, schedule=failing.schedule))
        except ReplayMismatchError:
            return None

    def simpler(self, plan: Plan, than: _Candidate) -> _Candidate | None:
        """Execute a plan; return what came of it where it fails in the same way and is simpler."""
        if self.spent or plan in self._tried:
            return None
        self._tried.add(plan)
        found = self._execute(lambda done: Deviating(done, plan))
        return found if found is not None and found.cost < than.cost else None

    def places(self) -> list[Deviation]:
        """Return every single deviation from the non-preemptive schedule."""
        survey = _Survey()
        self._run(survey, None)
        return survey.found

    def replays(self, execution: Execution) -> bool:
        """Tell whether an execution's own schedule fails in the same way again."""
        try:
            again = self._run(Replay(execution.schedule), None)
        except ReplayMismatchError:
            return False
        return again.failure is not None and fingerprint_of(self._session, again.failure) == self._fingerprint

    def _execute(self, strategy_of: Callable[[dict[str, int]], Deviating]) -> _Candidate | None:
        count = _Count()
        strategy = strategy_of(count.done)
        execution = self._run(strategy, count)
        failure = execution.failure
        if failure is None or execution.stalled or fingerprint_of(self._session, failure) != self._fingerprint:
            return None
        plan = tuple(strategy.made)
        return _Candidate(execution, plan, _cost(execution, plan))

    def _run(self, strategy: Strategy, recorder: EventRecorder | None) -> Execution:
        execution = self._session.run(strategy, Random(0), recorder)
        assert execution is not None
        self._executions += 1
        self._points += execution.points
        return execution


def _cost(execution: Execution, plan: Plan) -> Cost:
    order = {thread.path: thread.index for thread in execution.threads}
    return (
        len(execution.threads),
        execution.preemptions + sum(not deviation.choice for deviation in plan),
        execution.steps,
        len(plan),
        sum(order[deviation.thread] + order.get(deviation.choice, 0) for deviation in plan),
        sum(deviation.done for deviation in plan),
    )
