"""``auto``: which strategy runs when. Changes at fixed numbers of executions, never by wall time."""

from __future__ import annotations

from random import Random
from typing import Any, Protocol

from torture.runtime.choice import SchedulingPoint
from torture.strategies import EXHAUSTIVE, STRATEGIES
from torture.strategies.strategy import Strategy

SEARCH = "dpor"  # the exhaustive strategy: small programs end in it, proved
PROOF = (
    "bounded"  # takes over where the program sees when objects die, which is no part of what dpor reverses
)
SEARCHES = 2_000  # executions after which the search gives its turns to the others, and
SEARCH_STEPS = 2_000_000  # steps: an execution of a large program is long, and its analysis too
# Who runs which execution, again and again. Measured with benchmarks/patterns.py: dpor reverses the races of the first
# executions one by one, which is the soonest for most bugs, also those that need many switches in one order; parking
# finds what takes one window among many threads, whatever their number. Alternating these two found every pattern, and
# no larger set found any sooner; surw, pos and pct are there for the programs that nobody has measured.
TURNS = (  # of one execution each up to ALTERNATING in all, then of BLOCK: samplers run without some points, and taking
    # those out and putting them back takes as long as an execution.
    *(SEARCH, "parking", SEARCH, "parking", SEARCH, "surw", SEARCH, "parking"),
    *(SEARCH, "parking", SEARCH, "pos", SEARCH, "parking", SEARCH, "pct"),
)


ALTERNATING = 256
BLOCK = 64


class Stage:
    """One strategy and how often it ran."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.strategy = STRATEGIES[name]()
        self.executions = 0


class Portfolio:
    """A strategy made of strategies."""

    def __init__(self, proof: str = SEARCH, *, searches: bool = True) -> None:
        self._stages = {name: Stage(name) for name in dict.fromkeys((*TURNS, proof))}
        self._search = self._stages[SEARCH]
        self._proof = self._stages[proof]  # whose end is one
        self._searches = searches
        self._searched_steps = 0
        self._executions = 0
        self._turn = -1
        self._left = 0  # executions of the present turn
        self._stage = self._next()

    @property
    def exhausted(self) -> bool:
        """Tell whether the exhaustive stage has seen every schedule."""
        return self._proof.strategy.exhausted

    @property
    def stages(self) -> tuple[dict[str, Any], ...]:
        """Say what each stage did."""
        return tuple(
            {"strategy": stage.name, "executions": stage.executions}
            for stage in self._stages.values()
            if stage.executions
        )

    @property
    def samples(self) -> bool:
        """Tell whether the next execution is a sampler's."""
        return self._stage is not self._search

    def begin(self, rng: Random) -> bool:
        if self.exhausted:
            return False
        if not self._stage.strategy.begin(rng):
            self._searches = self._search is not self._proof  # else it ended without having seen everything
            self._search = self._proof
            self._stage = self._next()
            return self.begin(rng)
        self._stage.executions += 1
        return True

    def _next(self) -> Stage:
        """Return whose execution comes next."""
        while True:
            if self._left == 0:
                self._turn += 1
                self._left = 1 if self._executions < ALTERNATING else BLOCK
            name = TURNS[self._turn % len(TURNS)]
            stage = self._search if name == SEARCH else self._stages[name]
            if stage is not self._search or self._goes_on():
                self._left -= 1
                return stage
            self._left = 0

    def _goes_on(self) -> bool:
        return self._searches and self._search.executions < SEARCHES and self._searched_steps < SEARCH_STEPS

    def choose(self, point: SchedulingPoint) -> int:
        return self._stage.strategy.choose(point)

    def end(self, steps: int) -> None:
        self._stage.strategy.end(steps)
        if self._stage is self._search:
            self._searched_steps += steps
        self._executions += 1
        self._stage = self._next()


class Single:
    """One strategy, counted like a portfolio."""

    def __init__(self, name: str) -> None:
        self._stage = Stage(name)
        self.begin = self._stage.strategy.begin
        self.choose = self._stage.strategy.choose
        self.samples = name not in EXHAUSTIVE

    @property
    def exhausted(self) -> bool:
        """Tell whether the strategy has seen every schedule."""
        return self._stage.strategy.exhausted

    @property
    def stages(self) -> tuple[dict[str, Any], ...]:
        """Say what the one stage did, and of which schedules it did all."""
        told: dict[str, Any] = {"strategy": self._stage.name, "executions": self._stage.executions}
        bound = getattr(self._stage.strategy, "bound", None)
        if bound is not None:
            limit = "" if self.exhausted else f" with at most {bound} preemption{'s' * (bound != 1)}"
            told["exhausted"] = f"every schedule{limit}"
        return (told,)

    def end(self, steps: int) -> None:
        self._stage.executions += 1
        self._stage.strategy.end(steps)


class Staged(Strategy, Protocol):
    """A strategy that tells what its stages did."""

    @property
    def samples(self) -> bool:
        """Tell whether the next execution is one of a sample, and proves nothing."""

    @property
    def stages(self) -> tuple[dict[str, Any], ...]:
        """Return for each stage its strategy and its number of executions."""


def portfolio(name: str, *, deaths: bool = False, long: bool = False) -> Staged:
    """Return the strategy that a user asked for by name.

    ``deaths`` tells that the program sees objects die; ``long`` that its executions are too long to search.
    """
    return Portfolio(PROOF if deaths else SEARCH, searches=not long) if name == "auto" else Single(name)
