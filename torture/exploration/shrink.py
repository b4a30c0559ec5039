"""From a failing schedule to the simplest that fails in the same way.

Simpler means: fewer threads, then fewer preemptions (a timer that fires early counts as one), then fewer steps, then
fewer deviations from the order in which the threads were started, then switches as early as they go: right after the
operation that they have to follow. A candidate is kept only where it fails with the same fingerprint and is simpler,
so that no pass undoes another's work. (Delta debugging: Zeller, Hildebrandt, TSE 2002; merging of segments: Jalbert,
Sen, FSE 2010.) The passes change one thing at a time and can end where only two changes together are simpler; hence at
last every schedule with no more preemptions is executed, if they are few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

from torture.errors import ReplayMismatchError
from torture.exploration.diagnosis import fingerprint_of
from torture.exploration.recorder import EventRecorder
from torture.exploration.recorder import OperationCount as _Count
from torture.strategies.bounded import Bounded
from torture.strategies.deviating import Deviating, Deviation
from torture.strategies.fixed import Replay
from torture.strategies.strategy import Strategy

if TYPE_CHECKING:
    from torture.exploration.execution import Execution
    from torture.exploration.session import Session

EXECUTIONS = 1_000  # at most, for one finding
ENUMERATED = 500  # of them, to see whether there is anything simpler at all
POINTS = 100_000  # the same in scheduling points: these, or
LONG = 400  # executions of a long schedule, which is the one that nobody can read, but no more than
MOST_POINTS = 500_000

Plan = tuple[Deviation, ...]
Cost = tuple[int, ...]


def shrink(session: Session, failing: Execution) -> Execution:
    """Return the simplest failing execution found; ``failing`` itself where none is simpler or it does not replay."""
    if failing.failure is None or failing.stalled or not failing.schedule.changes:
        return failing
    points = max(POINTS, min(LONG * failing.points, MOST_POINTS))
    search = _Search(session, fingerprint_of(session, failing.failure), points)
    first = search.start(failing)
    if first is None:
        return failing
    simplest = _passed(search, first)
    enumerated = _enumerated(search, simplest)
    if enumerated is not simplest:
        simplest = _passed(search, enumerated)
    better = simplest.cost < first.cost and search.replays(simplest.execution)
    return simplest.execution if better else failing


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An execution that fails as it should."""

    execution: Execution
    plan: Plan
    changes: Plan  # all of them, also those as usual
    cost: Cost


class _Search:
    """Executes candidates, each once and within the bounds."""

    def __init__(self, session: Session, fingerprint: str, points: int) -> None:
        self._session = session
        self._fingerprint = fingerprint
        self._most_points = points
        self._tried: set[Plan] = set()
        self._executions = 0
        self._points = 0

    @property
    def spent(self) -> bool:
        """Tell whether nothing more may be executed."""
        return self._executions >= EXECUTIONS or self._points >= self._most_points

    def start(self, failing: Execution) -> _Candidate | None:
        """Return the failing execution in terms of its deviations."""
        try:
            return self._execute(lambda done: Deviating(done, schedule=failing.schedule))
        except ReplayMismatchError:
            return None

    def next(self, bounded: Bounded) -> Execution | None:
        """Execute the search's next schedule; return it where it fails in the same way."""
        execution = self._run(bounded, None)
        return execution if self._fails(execution) else None

    def simpler(self, plan: Plan, than: _Candidate) -> _Candidate | None:
        """Execute a plan; return what came of it where it fails in the same way and is simpler."""
        if self.spent or plan in self._tried:
            return None
        self._tried.add(plan)
        found = self._execute(lambda done: Deviating(done, plan))
        return found if found is not None and found.cost < than.cost else None

    def first(self, plans: Iterable[Plan], than: _Candidate) -> _Candidate:
        """Return the first of the plans that fails in the same way and is simpler, else ``than``."""
        for plan in plans:
            if self.spent:  # the plans of a long schedule cost more than an execution
                break
            found = self.simpler(plan, than)
            if found is not None:
                return found
        return than

    def possible(self, plan: Plan) -> list[Deviation]:
        """Return the deviations that could be added to a plan."""
        count = _Count()
        strategy = Deviating(count.done, plan, lists=True)
        self._run(strategy, count)
        return strategy.possible

    def replays(self, execution: Execution) -> bool:
        """Tell whether an execution's own schedule fails in the same way again."""
        try:
            again = self._run(Replay(execution.schedule), None)
        except ReplayMismatchError:
            return False
        return self._fails(again)

    def _fails(self, execution: Execution) -> bool:
        failure = execution.failure
        return failure is not None and fingerprint_of(self._session, failure) == self._fingerprint

    def _execute(self, strategy_of: Callable[[dict[str, int]], Deviating]) -> _Candidate | None:
        count = _Count()
        strategy = strategy_of(count.done)
        execution = self._run(strategy, count)
        if execution.stalled or not self._fails(execution):
            return None
        plan = tuple(strategy.made)
        return _Candidate(execution, plan, tuple(strategy.changes), _cost(execution, plan))

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


def _passed(search: _Search, simplest: _Candidate) -> _Candidate:
    """Apply all passes until none makes it simpler."""
    before = None
    while simplest.cost != before:
        before = simplest.cost
        for simplify in (_dropped, _merged, _renamed, _earlier, _rebuilt):
            simplest = simplify(search, simplest)
    return simplest


def _enumerated(search: _Search, simplest: _Candidate) -> _Candidate:
    """Execute every schedule with at most as many preemptions, those with the fewest first, as far as bounds allow."""
    bounded = Bounded()
    if simplest.execution.points * 20 > POINTS:
        return simplest  # too long for more than a few tries
    for _ in range(ENUMERATED):
        if search.spent or (bounded.bound is not None and bounded.bound >= simplest.cost[1]):
            break
        failing = search.next(bounded)
        found = None if failing is None else search.start(failing)
        if found is not None and found.cost < simplest.cost:
            simplest = found
    return simplest


def _dropped(search: _Search, simplest: _Candidate) -> _Candidate:
    """Drop deviations, ever smaller parts of them, the last first."""
    part = len(simplest.plan)
    while part:
        end = len(simplest.plan)
        while end > 0:
            plan = simplest.plan
            found = search.simpler(plan[: max(end - part, 0)] + plan[end:], simplest)
            if found is None:
                end -= part
            else:
                simplest = found
                end = min(end, len(simplest.plan))
        part //= 2
    return simplest


def _merged(search: _Search, simplest: _Candidate) -> _Candidate:
    """Let a thread do what it does in two turns in one, or do it later, when it may be stopped by itself."""
    before = None
    while simplest is not before:
        before = simplest
        simplest = search.first(_mergers(simplest.changes), simplest)
        simplest = search.first(_postponed(simplest.changes), simplest)
    return simplest


def _mergers(changes: Plan) -> Iterator[Plan]:
    turns = _turns(changes)
    for first, turn in enumerate(turns):
        second = next((i for i in range(first + 1, len(turns)) if turns[i].thread == turn.thread), None)
        if second is not None:
            between, after = turns[first + 1 : second], turns[second + 1 :]
            for order in (
                (*turns[:first], turns[second], *between, *after),
                (*turns[:first], *between, turns[second], *after),
            ):
                yield _timers(changes) + _in_order(order)


def _postponed(changes: Plan) -> Iterator[Plan]:
    turns = _turns(changes)
    for index, turn in enumerate(turns):
        if not turn.preempts:
            continue
        for place in range(index + 2, len(turns) + 1):
            if turns[place - 1].thread == turn.thread:
                break
            order = (*turns[:index], *turns[index + 1 : place], turn, *turns[place:])
            plan = _timers(changes) + _in_order(order)
            yield tuple(d for d in plan if (d.thread, d.done) != (turn.thread, turn.done))


def _turns(changes: Plan) -> Plan:
    """Return the turns that threads have, each as the change that ends it; the last one ends by itself."""
    turns = tuple(change for change in changes if change.choice)
    return (*turns, Deviation(turns[-1].choice, -1, 1, "")) if turns else ()


def _timers(changes: Plan) -> Plan:
    return tuple(change for change in changes if not change.choice)


def _in_order(turns: Plan) -> Plan:
    """Return the changes that let threads have their turns in another order."""
    return tuple(
        Deviation(turn.thread, turn.done, turn.visit, following.thread, turn.preempts)
        for turn, following in pairwise(turns)
        if turn.thread != following.thread
    )


def _renamed(search: _Search, simplest: _Candidate) -> _Candidate:
    """Let the thread that was started first play the part of a later one."""
    paths = [thread.path for thread in simplest.execution.threads[1:]]
    for later in range(1, len(paths)):
        for sooner in range(later):
            names = {paths[later]: paths[sooner], paths[sooner]: paths[later]}
            plan = tuple(_rename(deviation, names) for deviation in simplest.plan)
            found = None if plan == simplest.plan else search.simpler(plan, simplest)
            if found is not None:
                simplest = found
    return simplest


def _rename(deviation: Deviation, names: dict[str, str]) -> Deviation:
    return replace(
        deviation,
        thread=names.get(deviation.thread, deviation.thread),
        choice=names.get(deviation.choice, deviation.choice),
    )


def _earlier(search: _Search, simplest: _Candidate) -> _Candidate:
    """Move each preemption to the first place where it still leads to the failure, by halving."""
    for index in range(len(simplest.plan)):
        if index >= len(simplest.plan) or not simplest.plan[index].preempts:
            continue
        deviation = simplest.plan[index]
        mine = (d.done for d in simplest.plan[:index] if d.thread == deviation.thread)
        low, high = max(mine, default=-1) + 1, deviation.done
        while low < high:
            middle = (low + high) // 2
            plan = simplest.plan
            moved = replace(plan[index], done=middle, visit=1)
            found = search.simpler(plan[:index] + (moved,) + plan[index + 1 :], simplest)
            if found is None:
                low = middle + 1
            else:
                simplest, high = found, middle
                if len(found.plan) != len(plan):
                    break
    return simplest


def _rebuilt(search: _Search, simplest: _Candidate) -> _Candidate:
    """Replace two deviations, or all of several, by a single one anywhere."""
    for base in _bases(simplest.plan):
        if search.spent:
            break
        costs = sum(deviation.preempts or not deviation.choice for deviation in base)
        possible = search.possible(base)
        if costs + 1 >= simplest.cost[1]:
            possible = [deviation for deviation in possible if deviation.choice and not deviation.preempts]
        found = search.first(((*base, deviation) for deviation in possible), simplest)
        if found is not simplest:
            return found
    return simplest


def _bases(plan: Plan) -> Iterator[Plan]:
    """Return a plan without anything, and without each two of its deviations: a livelock's has thousands."""
    if plan:
        yield ()
    if len(plan) > 2:
        for second in range(len(plan)):
            for first in range(second):
                yield plan[:first] + plan[first + 1 : second] + plan[second + 1 :]
