"""Runs a program on without its state being put back, in a forked process: what its modules gather shows only there.

Some programs do not stand that, as their state is no longer what it was after the import. Therefore what goes wrong
here is no finding, and nothing is said of a program that fails.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType

from torture.isolation.process import resident
from torture.parallel.growth import Growth
from torture.parallel.processes.actor import fork
from torture.parallel.processes.channel import Sender

_FEWEST, _MOST = 20, 1_000  # executions: many, for a bound to be reached
_PATIENCE = (  # up to so many executions: the longest share of the run's time, or else so many seconds
    (_FEWEST, 1.0, 5.0),
    (200, 1.0, 1.0),
    (_MOST, 0.2, 0.5),
)
_SPARED = 64 << 20  # bytes; what grows by more is not run more often than it was asked for
_POLL = 0.05  # seconds
_clock = time.monotonic  # the program may change those in ``time``


@dataclass(frozen=True, slots=True)
class Trial:
    """What was seen: a sentence for each container that grew, and after how many executions memory ran out, if it did."""

    leaks: tuple[str, ...] = ()
    exceeded: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the run had, and what may be used."""

    executions: int  # of the run
    seconds: float  # of the run
    stall: float  # seconds that one execution may take, about
    memory: int  # bytes


def run_on(
    execute: Callable[[], bool],
    modules: Iterable[ModuleType],
    function: object,
    limits: Limits,
    tell: Callable[[int], None],
) -> Trial:
    """Execute again and again in a process of its own; ``execute`` says whether it went well, ``tell`` how many did."""
    begun = _clock()

    def is_enough(count: int, grown: int) -> bool:
        if count >= _MOST or (count >= max(_FEWEST, limits.executions) and grown > _SPARED):
            return True
        share, least = next((share, least) for most, share, least in _PATIENCE if count < most)
        return _clock() - begun > max(least, limits.seconds * share)

    def body(sender: Sender) -> None:
        growth = Growth(modules, function, traced=True)
        count, is_full, goes_on = 0, False, True
        before = size = resident(os.getpid())
        while goes_on and not is_full and not is_enough(count, size - before):
            if not execute():
                return
            count += 1
            goes_on = growth.note()
            size = resident(os.getpid())
            is_full = size > limits.memory
            sender.send("executed")
        sender.send("told", Trial(tuple(growth.leaks()), count if is_full else None))
        sender.send("ended")

    actor = fork("trial", body)
    executed, since = 0, _clock()
    seen = Trial()
    try:
        while not actor.gone and _clock() - since < limits.stall / 2:
            if resident(actor.pid) > limits.memory * 5 / 4:  # in the midst of an execution
                seen = Trial(exceeded=executed + 1)
                break
            if select.select([actor.reading], [], [], _POLL)[0] and not actor.hear():
                break
            if len(actor.messages) > executed:
                executed, since = len(actor.messages), _clock()
                tell(executed)
    finally:
        actor.kill()
        os.close(actor.reading)
    return actor.told[0] if actor.told else seen
