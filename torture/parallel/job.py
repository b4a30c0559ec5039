"""What a worker process is asked to run on real threads."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

PERTURBATIONS = ("off", "light", "heavy")
DEFAULT_BUDGET = 5.0  # seconds
STRATEGY = "stress"  # of a result of this engine


@dataclass(frozen=True, slots=True, kw_only=True)
class StressJob:
    """One run. ``target`` and ``arguments`` are those of an exploration.

    ``executions`` and ``budget`` (seconds): whichever ends first; 5 s where neither is given.
    """

    target: str
    arguments: dict[str, Any] | None = None
    executions: int | None = None
    budget: float | None = None
    seed: int = 0
    perturbation: str = "light"
    threads: int | None = (
        None  # call the target in so many threads at once, instead of once in the main thread
    )
    component: str | None = None  # class or factory in the target's module that is timed, and recorded
    history: str | None = None  # file that gets the calls of the component
    instrument: tuple[str, ...] = ()  # as in an exploration; without meaning where the perturbation is off
    profile: str | None = None  # file that gets a speedscope profile
    stall_limit: float = 5.0  # seconds without the end of an execution before the threads are looked at
    memory_limit: int = 4 << 30  # bytes of resident memory before the worker is stopped

    def to_json(self) -> str:
        """Return the job as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> StressJob:
        """Return the job that :meth:`to_json` wrote."""
        fields = json.loads(text)
        fields["instrument"] = tuple(fields["instrument"])
        return cls(**fields)
