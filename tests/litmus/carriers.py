"""Runs a module's programs on both carriers: ``python -m tests.litmus.carriers MODULE GRANULARITY``; prints JSON.

A process of its own, because torture's patches must be in place before the programs are imported.
"""

from __future__ import annotations

import gc
import json
import sys
from random import Random

from torture.exploration.execution import Executor
from torture.exploration.outcomes import prepare
from torture.exploration.recorder import EventRecorder
from torture.exploration.session import instrumenter_for, modules_that_run
from torture.instrument.choice import choose_modules, evidence
from torture.runtime import originals
from torture.runtime.baton import BatonCarrier
from torture.runtime.carrier import Carrier
from torture.runtime.greenlets import GreenletCarrier
from torture.runtime.kernel import KERNEL
from torture.strategies.fixed import NonPreemptive
from torture.strategies.random_walk import RandomWalk

SCHEDULES = 8  # of each program


def executions(executor: Executor, carrier: Carrier) -> list[list[str]]:
    """Return schedule, end and events of each of a fixed sample of executions."""
    KERNEL.carrier.close()
    KERNEL.carrier = carrier
    idents: set[int] = set()
    KERNEL.on_thread = lambda: idents.add(originals.get_ident())
    executor.run(NonPreemptive(), Random(0))
    assert (KERNEL.carrier.home in idents) == isinstance(carrier, GreenletCarrier), "not this carrier"
    KERNEL.on_thread = None
    found = []
    for seed in range(SCHEDULES):
        recorder = EventRecorder()
        execution = executor.run(RandomWalk(), Random(seed), recorder)
        assert execution is not None
        failure = execution.failure
        end = execution.outcome if failure is None else (failure.kind, failure.message, failure.blocked)
        found.append([repr(execution.schedule), repr(end), *map(repr, recorder.events)])
    return found


def main(module: str, granularity: str) -> int:
    """Print one JSON object: program name to what differs first, null where nothing does."""
    prepare()
    from tests.litmus.corpus import load

    gc.disable()
    KERNEL.gil = granularity == "gil"
    report = {}
    for program in load(module):
        executor = Executor(program.function)
        instrumenter = instrumenter_for(granularity)
        own = program.function.__module__
        instrumenter.install(
            choose_modules(modules_that_run(executor) | {own}, own.partition(".")[0]), evidence()
        )
        greenlets = executions(executor, GreenletCarrier())
        threads = executions(executor, BatonCarrier())
        instrumenter.uninstall()
        report[program.name] = next(
            (
                (seed, here, there)
                for seed, (first, second) in enumerate(zip(greenlets, threads, strict=True))
                for here, there in [*zip(first, second, strict=False), (str(len(first)), str(len(second)))]
                if here != there
            ),
            None,
        )
    print(json.dumps(report, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
