"""The run loop: owns seed, budget and counting, and turns executions into a result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from torture.exploration.diagnosis import first_difference, record, with_every_point
from torture.exploration.execution import Execution
from torture.exploration.explanation import explain
from torture.exploration.portfolio import SEARCH, portfolio
from torture.exploration.reachability import reach
from torture.exploration.session import Session
from torture.exploration.unseen import Unseen
from torture.findings import Result, Verdict
from torture.instrument.writer import Unit
from torture.runtime import originals
from torture.runtime.clock import EARLY_BOUND

BATCH = 16  # executions that share one seeding of the random source: N workers can share out batches
DEFAULT_BUDGET = 10.0  # seconds
_COMPARED = 100_000  # scheduling points of an execution that is executed and recorded twice before all others

Progress = Callable[[int, int], None]  # executions so far, scheduling points so far


@dataclass(slots=True)
class _Search:
    """How far the search has come."""

    failing: Execution | None = None
    last: Execution | None = None
    executions: int = 0
    points: int = 0
    threads: int = 0
    seconds: float = 0.0
    exhausted: bool = False
    reduced: int = 0  # executions without the points of some units
    left_out: frozenset[Unit] = frozenset()  # those units, the last ones
    stages: tuple[dict[str, Any], ...] = ()

    def count(self, execution: Execution, without: frozenset[Unit]) -> None:
        """Take in one execution, which ran without the points of some units."""
        self.last = execution
        self.executions += 1
        self.points += execution.points
        self.threads = max(self.threads, len(execution.thread_facts))
        self.reduced += bool(without)
        self.left_out = without or self.left_out
        if execution.failure is not None:
            self.failing = execution


def explore(session: Session, progress: Progress) -> Result:
    """Explore the session's target until a finding, the budget or the end of the strategy."""
    job = session.job
    unseen = Unseen(session)
    unseen.note(session.warm_up)
    search = _Search()
    if session.long:
        unseen.warn(
            f"an execution has {session.warm_up.points:,} scheduling points, too many for a search:"
            " fewer rounds, or --instrument own --instrument PACKAGE, make it shorter"
        )
    difference = None
    if session.warm_up.failure is not None:
        search.count(session.warm_up, frozenset())
    else:
        if session.warm_up.points <= _COMPARED:
            difference = first_difference(session, job.seed, unseen)
        else:
            unseen.warn("whether the program is deterministic was not checked: its executions are very long")
        _search(session, search, unseen, progress)
    finding = None if search.failing is None else explain(session, search.failing, unseen)
    trace = None if finding is None else finding.trace
    if job.trace is not None and finding is None and search.last is not None:
        trace = record(session, search.last.schedule)[1]
    if difference is not None:
        unseen.uncontrolled(difference)
    unseen.left_out(session, search.threads)
    verdict = Verdict.UNKNOWN if unseen.essential else Verdict.PASSED
    if finding is not None and not unseen.only_ours(search.failing):
        verdict = Verdict.FAILED
    else:
        finding = None
    stages = search.stages if verdict is not Verdict.UNKNOWN else _unproved(search.stages)
    if finding is not None:
        found = reach(session, finding)
        labels = finding.labels if found.label is None else (*finding.labels, found.label)
        finding = replace(finding, reachable=found.reachable, labels=labels)
        stages = (*stages, *found.stages)
    count, seconds = search.executions, search.seconds
    return Result(
        target=job.target,
        verdict=verdict,
        finding=finding,
        executions=count,
        executions_to_failure=count if finding is not None else None,
        seconds=round(seconds, 6),
        executions_per_second=round(count / seconds, 1) if seconds > 0 else 0.0,
        exhausted=_scope(session) if search.exhausted and verdict is Verdict.PASSED else None,
        strategy=job.strategy,
        stages=stages,
        seed=job.seed,
        granularity=job.granularity,
        points=round(search.points / count, 1) if count else 0.0,
        threads=search.threads,
        unseen=unseen.lines(),
        warnings=unseen.warnings(),
        learnt=_learnt(search),
        trace=trace if job.trace is not None else None,
    )


def _learnt(search: _Search) -> dict[str, Any] | None:
    """Say what was learnt not to matter, and how many executions made use of it."""
    if not search.reduced:
        return None
    return {"left_out": sorted(map(_told, search.left_out)), "executions": search.reduced}


def _told(unit: Unit) -> str:
    return unit if isinstance(unit, str) else f"{unit[2]} in {unit[0]}.{unit[1]}"


def _search(session: Session, search: _Search, unseen: Unseen, progress: Progress) -> None:
    """Execute until there is a failure, nothing is left, or executions or time are used up."""
    job = session.job
    strategy = portfolio(job.strategy, deaths=bool(session.looking_at_deaths), long=session.long)
    rng = Random()
    budget = job.budget if job.budget is not None else (None if job.executions else DEFAULT_BUDGET)
    done: tuple[dict[str, Any], ...] = ()
    started = originals.perf_counter()
    while search.failing is None and (job.executions is None or search.executions < job.executions):
        if search.executions % BATCH == 0:
            rng.seed(job.seed * 1_000_003 + search.executions // BATCH)
            if search.executions and session.learn():
                # There are more points now: what was searched before does not count as exhausted.
                done = _unproved(strategy.stages)
                strategy = portfolio(job.strategy, deaths=bool(session.looking_at_deaths), long=session.long)
        execution = session.sample(strategy, rng) if strategy.samples else session.run(strategy, rng)
        if execution is None:
            break
        search.count(execution, session.without)
        progress(search.executions, search.points)
        if execution.noteworthy and unseen.note(execution):
            break
        if budget is not None and originals.perf_counter() - started > budget:
            break
    search.seconds = originals.perf_counter() - started
    if search.failing is not None and session.without:
        search.failing = with_every_point(session, search.failing, session.without)
    unproved = bool(session.learn() or session.made_code)
    if job.strategy == SEARCH and strategy.exhausted and session.looking_at_deaths:
        unproved = True
        unseen.warn(
            f"{', '.join(session.looking_at_deaths)} may see when objects die, an order that dpor does not reverse:"
            " nothing is called exhausted; auto and bounded may"
        )
    search.exhausted = strategy.exhausted and not unproved
    search.stages = (*done, *(_unproved(strategy.stages) if unproved else strategy.stages))


def _unproved(stages: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
    """Return what the stages did, without the claim that it was all."""
    return tuple({key: said for key, said in stage.items() if key != "exhausted"} for stage in stages)


def _scope(session: Session) -> dict[str, Any]:
    """Return the parts of the sentence that says what "exhausted" is true of."""
    return {
        "target": session.job.target,
        "granularity": session.job.granularity,
        "instrumented": list(session.modules),
        "trusted": list(session.trusted),
        "timer_bound_seconds": EARLY_BOUND / 1e9,
        "inputs": "fixed",
        "memory": "sequential consistency",
    }
