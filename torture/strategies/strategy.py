"""The contract between the run loop and an algorithm."""

from __future__ import annotations

from random import Random
from typing import Protocol

from torture.runtime.choice import SchedulingPoint


class Strategy(Protocol):
    """Decides which runnable thread takes the next step."""

    @property
    def exhausted(self) -> bool:
        """Tell whether every schedule within the strategy's scope has been executed."""

    def begin(self, rng: Random) -> bool:
        """Start an execution, or return False when nothing is left to explore."""

    def choose(self, point: SchedulingPoint) -> int:
        """Return a member of ``point.runnable``, FIRE_TIMER or ABANDON; may set ``point.steps``."""

    def end(self, steps: int) -> None:
        """Learn that the execution ended after ``steps`` steps with a choice."""
