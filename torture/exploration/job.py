"""What a worker process is asked to explore."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One exploration.

    ``target`` is ``package.module:function`` or ``path/to/file.py:function``. With ``arguments`` the
    function is a factory: it is called once with them and returns the zero-argument target.
    ``executions`` and ``budget`` (seconds): whichever ends first; 10 s where neither is given.
    """

    target: str
    arguments: dict[str, Any] | None = None
    strategy: str = "auto"
    executions: int | None = None
    budget: float | None = None
    seed: int = 0
    granularity: str = "free-threaded"
    instrument: tuple[str, ...] = ()  # "own" restricts to own code; a package opens a trusted one
    carrier: str = "greenlet"  # or "thread": real OS threads, of which one runs at a time
    shrink: bool = True
    learn: bool = True  # samplers leave out the points that cannot matter
    trace: str | None = None  # file that gets the full event trace
    token: str | None = None  # replay this schedule instead of exploring
    export: str | None = None  # file that gets a script which shows what the token shows
    mirror: str | None = None  # file that the schedule is written to as it goes on, see mirror.py
    step_limit: int = 20_000  # scheduling points of one execution
    stall_limit: float = 5.0  # seconds without progress before a step counts as blocked outside control
    memory_limit: int = 4 << 30  # bytes of resident memory before the worker is stopped

    def to_json(self) -> str:
        """Return the job as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Return the job that :meth:`to_json` wrote."""
        fields = json.loads(text)
        fields["instrument"] = tuple(fields["instrument"])
        return cls(**fields)
