"""``auto``: which strategy runs when. Changes at fixed numbers of executions, never by wall time."""

from __future__ import annotations

from random import Random
from typing import Any, Protocol

from torture.runtime.choice import SchedulingPoint
from torture.strategies import SAMPLERS, STRATEGIES
from torture.strategies.strategy import Strategy

# Depth-first search takes part until it has had this many executions: tiny programs end in it, proved.
EXHAUSTIVE = 2_000
TURN = 8  # executions of one strategy before it is the next one's turn


class Stage:
    """One strategy and how often it ran."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.strategy = STRATEGIES[name]()
        self.executions = 0


class Portfolio:
    """A strategy made of strategies."""

    def __init__(self) -> None:
        self._search = Stage("dfs")
        self._samplers = [Stage(name) for name in SAMPLERS]
        self._stage = self._search
        self._executions = 0
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
            for stage in (self._search, *self._samplers)
            if stage.executions
        )

    def begin(self, rng: Random) -> bool:
        if self._executions % TURN == 0:
            search = [self._search] if self._search.executions < EXHAUSTIVE else []
            turns = [*search, *self._samplers]
            self._stage = turns[self._turn % len(turns)]
            self._turn += 1
        self._executions += 1
        if self.exhausted or not self._stage.strategy.begin(rng):
            return False
        self._stage.executions += 1
        return True

    def choose(self, point: SchedulingPoint) -> int:
        return self._stage.strategy.choose(point)

    def end(self, steps: int) -> None:
        self._stage.strategy.end(steps)


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
        """Say what the one stage did."""
        return ({"strategy": self._stage.name, "executions": self._stage.executions},)

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
