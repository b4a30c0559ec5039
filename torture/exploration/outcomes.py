"""All outcomes that a small program can have: what the litmus tests compare with what they state."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from torture.exploration.execution import Execution, Executor
from torture.exploration.portfolio import portfolio
from torture.exploration.session import instrumenter_for, modules_that_run
from torture.findings import FindingKind
from torture.instrument.choice import choose_modules, evidence
from torture.runtime import patching
from torture.runtime.kernel import KERNEL
from torture.strategies.fixed import NonPreemptive
from torture.trace.schedule import Schedule

DEADLOCK = "deadlock"
UNSAFE = "unsafe-builtin"


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What was seen: returned values, ``"deadlock"``, ``"unsafe-builtin"``, ``("exception", type name)``; and whether that is all.

    ``schedules`` holds the first schedule of each outcome.
    """

    seen: frozenset[object]
    exhausted: bool
    executions: int
    schedules: dict[object, Schedule]


def prepare() -> None:
    """Patch this process; before the programs are imported."""
    patching.install()


def outcomes(
    function: Callable[[], object],
    *,
    strategy: str = "dfs",
    granularity: str = "free-threaded",
    executions: int = 200_000,
    seed: int = 0,
) -> Outcomes:
    """Run ``function`` under ``strategy`` until it is exhausted, or ``executions`` times.

    To be called in a process of its own: :func:`prepare` before the function is imported, then this.
    """
    KERNEL.gil = granularity == "gil"
    executor = Executor(function)
    instrumenter = instrumenter_for(granularity)
    gc.disable()
    own = function.__module__
    instrumenter.install(
        choose_modules(modules_that_run(executor) | {own}, own.partition(".")[0]), evidence()
    )
    chooser = portfolio(strategy)
    rng = Random(seed)
    schedules: dict[object, Schedule] = {}
    count = 0
    try:
        executor.run(NonPreemptive(), rng)  # lazy imports and caches
        while count < executions:
            execution = executor.run(chooser, rng)
            if execution is None:
                break
            count += 1
            if not execution.pruned:
                schedules.setdefault(_outcome(execution), execution.schedule)
    finally:
        gc.enable()
        instrumenter.uninstall()
    return Outcomes(frozenset(schedules), chooser.exhausted, count, schedules)


def _outcome(execution: Execution) -> object:
    failure = execution.failure
    if failure is None:
        return execution.outcome
    if failure.kind is FindingKind.DEADLOCK:
        return DEADLOCK
    if failure.kind is FindingKind.UNSAFE_BUILTIN:
        return UNSAFE
    if failure.errors:
        return ("exception", type(failure.errors[0][1]).__name__)
    return (str(failure.kind),)
