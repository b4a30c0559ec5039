"""``auto``: which strategy runs when. Changes at fixed numbers of executions, never by wall time."""

from __future__ import annotations

from random import Random
from typing import Any, Protocol

from torture.runtime.choice import SchedulingPoint
from torture.strategies import STRATEGIES
from torture.strategies.strategy import Strategy

SEARCH = "dpor"  # the exhaustive strategy: small programs end in it, proved
EXHAUSTIVE = 2_000  # executions after which the search gives its turns to the others, and
EXHAUSTIVE_STEPS = 2_000_000  # steps: an execution of a large program is long, and its analysis too
# Who runs which execution, again and again. Measured with benchmarks/patterns.py: dpor reverses the races of the first
# executions one by one, which is the soonest for most bugs, also those that need many switches in one order; parking
# finds what takes one window among many threads, whatever their number. Alternating these two found every pattern, and
# no larger set found any sooner; surw, pos and pct are there for the programs that nobody has measured.
TURNS = (
    *(SEARCH, "parking", SEARCH, "parking", SEARCH, "surw", SEARCH, "parking"),
    *(SEARCH, "parking", SEARCH, "pos", SEARCH, "parking", SEARCH, "pct"),
)


class Stage:
    """One strategy and how often it ran."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.strategy = STRATEGIES[name]()
        self.executions = 0


class Portfolio:
    """A strategy made of strategies."""

    def __init__(self) -> None:
        self._stages = {name: Stage(name) for name in dict.fromkeys(TURNS)}
        self._search = self._stages[SEARCH]
        self._stage = self._search
        self._searches = True
        self._searched_steps = 0
        self._turn = 0

    @property
    def exhausted(self) -> bool:
        """Tell whether the exhaustive stage has seen every schedule."""
        return self._search.strategy.exhausted

    @property
    def stages(self) -> tuple[dict[str, Any], ...]:
        """Say what each stage did."""
        return tuple(
            {"strategy": stage.name, "executions": stage.executions}
            for stage in self._stages.values()
            if stage.executions
        )

    def begin(self, rng: Random) -> bool:
        if self.exhausted:
            return False
        self._stage = self._next()
        if not self._stage.strategy.begin(rng):
            self._searches = False  # it came to an end without having seen everything
            return self.begin(rng)
        self._stage.executions += 1
        return True

    def _next(self) -> Stage:
        while True:
            stage = self._stages[TURNS[self._turn % len(TURNS)]]
            self._turn += 1
            if stage is not self._search or (
                self._searches and stage.executions < EXHAUSTIVE and self._searched_steps < EXHAUSTIVE_STEPS
            ):
                return stage

    def choose(self, point: SchedulingPoint) -> int:
        return self._stage.strategy.choose(point)

    def end(self, steps: int) -> None:
        self._stage.strategy.end(steps)
        if self._stage is self._search:
            self._searched_steps += steps


class Single:
    """One strategy, counted like a portfolio."""

    def __init__(self, name: str) -> None:
        self._stage = Stage(name)
        self.begin = self._stage.strategy.begin
        self.choose = self._stage.strategy.choose

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
    def stages(self) -> tuple[dict[str, Any], ...]:
        """Return for each stage its strategy and its number of executions."""


def portfolio(name: str) -> Staged:
    """Return the strategy that a user asked for by name."""
    return Portfolio() if name == "auto" else Single(name)
