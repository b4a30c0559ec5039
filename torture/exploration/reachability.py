"""Searches for a finding again where only a GIL's switch places count, and says which of them it needs.

``always``: those that an interpreter always has. ``finalizer``: one inside a finaliser. ``cold only``: one after a call
that a warm interpreter does in one go. The most permissive search comes first: what it does not find, none finds.
Bugs need few preemptions, and as a rule no more with a GIL than without: hence each search goes through all schedules
of at most as many as the finding has, by turns with samplers, which alone come far where executions are long.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from torture.exploration.diagnosis import fingerprint_of
from torture.exploration.portfolio import portfolio
from torture.findings import Finding
from torture.strategies.bounded import Bounded
from torture.strategies.strategy import Strategy

if TYPE_CHECKING:
    from torture.exploration.session import Session

EXECUTIONS = 300  # tried of each search
_FIRST = 16  # of them, all with few preemptions: most bugs need no more
POINTS = 200_000  # the same in scheduling points, for long executions

ALWAYS, FINALIZER, COLD_ONLY = "always", "finalizer", "cold only"


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a finding can be reached: with a GIL, by which of its switch places, and what was tried."""

    reachable: str | None  # None where it could not be replayed: nothing was tried
    label: str | None
    stages: tuple[dict[str, Any], ...]


def reach(session: Session, finding: Finding) -> Reach:
    """Search for the same finding with the switch places of an interpreter with a GIL only."""
    if "not-replayed" in finding.labels or finding.trace is None:
        return Reach("gil" if session.gil else None, None, ())
    search = _Search(session, finding)
    if session.gil:
        label = ALWAYS if search.found(cold=False, finalizers=False) else FINALIZER
    elif not search.found(cold=True, finalizers=True):
        label = None
    elif search.found(cold=False, finalizers=False):
        label = ALWAYS
    elif search.found(cold=False, finalizers=True):
        label = FINALIZER
    else:
        label = COLD_ONLY
    return Reach("free-threaded" if label is None else "gil", label, tuple(search.stages))


class _Search:
    """Executes the target at other switch places than it was explored at."""

    def __init__(self, session: Session, finding: Finding) -> None:
        self._session = session
        self._finding = finding
        self.stages: list[dict[str, Any]] = []

    def found(self, *, cold: bool, finalizers: bool) -> bool:
        """Tell whether the finding comes again; ``cold`` and ``finalizers`` tell which places count, too."""
        self._session.instrument_for("gil", cold=cold, finalizers=finalizers)
        rng = Random(0)
        points = count = 0
        for strategy in self._strategies():
            execution = self._session.run(strategy, rng)
            if execution is None or points > POINTS:
                break
            count += 1
            points += execution.points
            failure = execution.failure
            if failure is not None and fingerprint_of(self._session, failure) == self._finding.fingerprint:
                self._note(count)
                return True
        self._note(count)
        return False

    def _strategies(self) -> Iterator[Strategy]:
        """Yield the strategy of each execution."""
        bounded, rest = Bounded(), portfolio("auto")
        most = self._finding.preemptions + self._finding.labels.count("timing")
        for turn in range(EXECUTIONS):
            if bounded.exhausted:
                return
            few = bounded.bound is None or bounded.bound < most
            yield bounded if few and (turn < _FIRST or turn % 2) else rest

    def _note(self, count: int) -> None:
        self.stages.append({"strategy": "bounded, auto", "granularity": "gil", "executions": count})
