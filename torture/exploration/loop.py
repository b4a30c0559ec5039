"""The run loop: owns seed, budget and counting, and turns executions into a result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from torture.exploration.diagnosis import describe, fingerprint_of, first_difference, record
from torture.exploration.execution import Execution
from torture.exploration.portfolio import portfolio
from torture.exploration.session import Session
from torture.exploration.unseen import Unseen
from torture.findings import Finding, Result, Verdict
from torture.runtime import originals
from torture.runtime.clock import EARLY_BOUND

BATCH = 16  # executions that share one seeding of the random source: N workers can share out batches
GIL_EXECUTIONS = 300  # tried to find a finding again where only a GIL's switch places count
GIL_POINTS = 100_000  # the same in scheduling points, for long executions
DEFAULT_BUDGET = 10.0  # seconds

Progress = Callable[[int, int], None]  # executions so far, scheduling points so far


def explore(session: Session, progress: Progress) -> Result:
    """Explore the session's target until a finding, the budget or the end of the strategy."""
    job = session.job
    strategy = portfolio(job.strategy)
    rng = Random()
    budget = job.budget if job.budget is not None else (None if job.executions else DEFAULT_BUDGET)
    unseen = Unseen(session)
    warm_up = session.warm_up
    unseen.note(warm_up)
    failing: Execution | None = warm_up if warm_up.failure else None
    count, points, most_threads = (1, warm_up.points, len(warm_up.threads)) if failing else (0, 0, 0)
    difference = None if failing else first_difference(session, job.seed, unseen)
    last = warm_up
    started = originals.perf_counter()
    while failing is None and (job.executions is None or count < job.executions):
        if count % BATCH == 0:
            rng.seed(job.seed * 1_000_003 + count // BATCH)
        execution = session.run(strategy, rng)
        if execution is None:
            break
        count += 1
        points += execution.points
        progress(count, points)
        last = execution
        if execution.failure is not None:
            failing = execution
        most_threads = max(most_threads, len(execution.threads))
        if execution.noteworthy and unseen.note(execution):
            break
        if budget is not None and originals.perf_counter() - started > budget:
            break
    seconds = originals.perf_counter() - started
    finding = None if failing is None else describe(session, failing, unseen)
    trace = None
    if job.trace is not None:
        trace = finding.trace if finding is not None else record(session, last.schedule)[1]
    if difference is not None:
        unseen.uncontrolled(difference)
    verdict = Verdict.UNKNOWN if unseen.essential else Verdict.PASSED
    if finding is not None and not unseen.only_ours(failing):
        verdict = Verdict.FAILED
    also: tuple[dict[str, Any], ...] = ()
    if finding is not None and verdict is Verdict.FAILED and not session.gil:
        reachable, tried = reachable_with_gil(session, finding)
        finding = replace(finding, reachable=reachable)
        also = ({"strategy": "auto", "granularity": "gil", "executions": tried},)
    exhausted = _scope(session) if strategy.exhausted and verdict is Verdict.PASSED else None
    return Result(
        target=job.target,
        verdict=verdict,
        finding=finding if verdict is Verdict.FAILED else None,
        executions=count,
        executions_to_failure=count if verdict is Verdict.FAILED else None,
        seconds=round(seconds, 6),
        executions_per_second=round(count / seconds, 1) if seconds > 0 else 0.0,
        exhausted=exhausted,
        strategy=job.strategy,
        stages=(*strategy.stages, *also),
        seed=job.seed,
        granularity=job.granularity,
        points=round(points / count, 1) if count else 0.0,
        threads=most_threads,
        unseen=unseen.lines(),
        warnings=unseen.warnings(),
        trace=trace,
    )


def reachable_with_gil(session: Session, finding: Finding) -> tuple[str | None, int]:
    """Search for the same finding with the switch places of an interpreter with a GIL only.

    Returns what the finding's ``reachable`` is, and how many executions were tried. Not tried where the finding
    could not be replayed.
    """
    if "not-replayed" in finding.labels or finding.trace is None:
        return None, 0
    session.instrument_for("gil")
    strategy = portfolio("auto")
    rng = Random(0)
    points = 0
    for count in range(1, GIL_EXECUTIONS + 1):
        if points > GIL_POINTS:
            return "free-threaded", count - 1
        execution = session.run(strategy, rng)
        if execution is None:
            return "free-threaded", count - 1
        points += execution.points
        failure = execution.failure
        if failure is not None and fingerprint_of(session, failure) == finding.fingerprint:
            return "gil", count
    return "free-threaded", GIL_EXECUTIONS


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
