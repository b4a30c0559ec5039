"""The litmus corpus: a program, the exact set of its outcomes, and how to find them all.

An outcome is what the program returns (a tuple of literals), ``DEADLOCK``, ``UNSAFE``, or ``raises("KeyError")`` when an
exception leaves the program or any of its threads. The sets are the specification: derived by hand from the
atomicity model, most of them checked with a throw-away explorer of rewritten syntax trees, none copied from torture.

Programs are tiny, because plain DFS has to exhaust them. Attribute names that any function of a module
stores, and strings that look like names, cost a scheduling point wherever the module loads them, and a module
that uses ``setattr``, ``vars``, ... pays for every name: hence ``reflection`` and ``library`` stand apart.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from importlib import import_module

from tests.litmus import programs

Outcome = tuple[object, ...]
Program = Callable[[], Outcome]

DEADLOCK = "deadlock"
UNSAFE = "unsafe-builtin"
FREE_THREADED = "free-threaded"
GIL = "gil"
GRANULARITIES = (FREE_THREADED, GIL)

MODULES = tuple(
    sorted(found.name for found in pkgutil.iter_modules(programs.__path__) if found.name != "together")
)
# Modules whose programs are those of others in another spelling: it tells the shrinker and the carriers nothing.
SPELLINGS = frozenset({"dependencies", "given", "texts"})


@dataclass(frozen=True, slots=True)
class Litmus:
    """A program and the exact set of its outcomes under each granularity.

    ``sampled`` programs have too many schedules for plain DFS: they are judged by seeded random schedules,
    and each of their outcomes comes up at least once in forty of them: all 1,000 miss one with a
    probability below 1e-10.
    """

    name: str
    function: Program
    free_threaded: frozenset[Outcome | str]
    gil: frozenset[Outcome | str]
    sampled: bool

    def expected(self, granularity: str) -> frozenset[Outcome | str]:
        """Return the outcomes under ``granularity``."""
        return {FREE_THREADED: self.free_threaded, GIL: self.gil}[granularity]


def raises(exception: str) -> Outcome:
    """Return the outcome of an execution that an uncaught exception of this type ended."""
    return ("exception", exception)


def litmus(
    *,
    free_threaded: AbstractSet[Outcome | str],
    gil: AbstractSet[Outcome | str] | None = None,
    sampled: bool = False,
) -> Callable[[Program], Program]:
    """Mark a program with its outcomes; without ``gil`` they are the same under both granularities.

    An execution with concurrent use of something unsynchronised ends there, ``UNSAFE``: what the GIL makes of it
    need not be free-threaded outcomes.
    """
    fine = frozenset(free_threaded)
    coarse = fine if gil is None else frozenset(gil)
    if not coarse or not (coarse <= fine or UNSAFE in fine):
        raise ValueError(
            f"outcomes {sorted(map(repr, coarse - fine))} are not free-threaded ones: the GIL only removes some"
        )

    def mark(function: Program) -> Program:
        name = function.__name__
        function.litmus = Litmus(name, function, fine, coarse, sampled)  # type: ignore[attr-defined]
        return function

    return mark


def load(module: str) -> tuple[Litmus, ...]:
    """Import ``tests.litmus.programs.<module>`` and return its programs in source order."""
    members = vars(import_module(f"tests.litmus.programs.{module}")).values()
    return tuple(member.litmus for member in members if hasattr(member, "litmus"))
