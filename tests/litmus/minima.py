"""Shrinks every bug of a module's programs: ``python -m tests.litmus.minima MODULE``; prints JSON.

A bug is a failure, or any outcome but the one of the schedule without preemptions: each in turn is declared wrong. A
process of its own, because torture's patches must be in place before the programs are imported.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable, Iterator
from random import Random
from types import SimpleNamespace
from typing import Any

from torture.exploration.diagnosis import fingerprint_of
from torture.exploration.execution import Execution, Executor
from torture.exploration.outcomes import prepare
from torture.exploration.session import instrumenter_for, modules_that_run
from torture.exploration.shrink import shrink
from torture.instrument.choice import choose_modules, evidence
from torture.runtime.kernel import KERNEL
from torture.strategies import STRATEGIES
from torture.strategies.fixed import NonPreemptive, Replay
from torture.trace.schedule import Schedule

SEARCHED = 4_000  # schedules of one program; where there are more, those with few preemptions
SAMPLED = 200  # schedules of each sampler
SHRUNK = 3  # schedules of each bug

Cost = tuple[int, int]  # threads; preemptions, a timer that fires early counted as one


class Bugs:
    """The bugs of one program, and the schedules that show them."""

    def __init__(self, function: Callable[[], object]) -> None:
        self._function = function
        self.wrong: object = self  # no outcome is
        self.minima: dict[object, Cost] = {}
        self.schedules: dict[object, list[Schedule]] = {}

    def run(self) -> object:
        """Run the program, and complain about the outcome that was declared wrong."""
        outcome = self._function()
        assert outcome != self.wrong, "wrong"
        return outcome

    def note(self, execution: Execution, bug: object) -> None:
        """Take in one schedule of a bug."""
        self.minima[bug] = min(self.minima.get(bug, cost(execution)), cost(execution))
        self.schedules.setdefault(bug, []).append(execution.schedule)


def cost(execution: Execution) -> Cost:
    """Return what the simplest schedule has least of."""
    return len(execution.threads), execution.preemptions + KERNEL.early_timers


def schedules(executor: Executor) -> Iterator[Execution]:
    """Execute all schedules of a program, or those of few preemptions; then a sample."""
    for name in ("dfs", "bounded"):
        strategy = STRATEGIES[name]()
        for _ in range(SEARCHED):
            execution = executor.run(strategy, Random(0))
            if execution is None:
                break
            yield execution
        if strategy.exhausted:
            break
    for name in ("random", "pos"):
        strategy, rng = STRATEGIES[name](), Random(1)
        for _ in range(SAMPLED):
            execution = executor.run(strategy, rng)
            assert execution is not None
            yield execution


def minima(function: Callable[[], object]) -> dict[str, Any]:
    """Return for each bug of a program its minimum, and what it was shrunk to."""
    bugs = Bugs(function)
    executor = Executor(bugs.run)
    instrumenter = instrumenter_for("free-threaded")
    own = function.__module__
    package = own.partition(".")[0]
    instrumenter.install(choose_modules(modules_that_run(executor) | {own}, package), evidence())
    session: Any = SimpleNamespace(own=package, run=executor.run)
    usual = executor.run(NonPreemptive(), Random(0))
    assert usual is not None
    for execution in schedules(executor):
        if execution.failure is not None:
            bugs.note(execution, fingerprint_of(session, execution.failure))
        elif execution.outcome != usual.outcome:
            bugs.note(execution, execution.outcome)
    report = {}
    for bug in sorted(bugs.minima, key=repr):
        bugs.wrong = bug
        found = []
        for schedule in bugs.schedules[bug][-SHRUNK:]:
            failing = executor.run(Replay(schedule), Random(0))
            assert failing is not None
            assert failing.failure is not None, f"{bug!r} did not come again"
            shrunk = executor.run(Replay(shrink(session, failing).schedule), Random(0))
            assert shrunk is not None
            found.append(cost(shrunk))
        report[repr(bug)] = {"minimum": bugs.minima[bug], "shrunk": found}
    instrumenter.uninstall()
    return report


def main(module: str) -> int:
    """Print one JSON object: program name to its bugs."""
    prepare()
    from tests.litmus.corpus import load

    gc.disable()
    print(json.dumps({program.name: minima(program.function) for program in load(module)}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
