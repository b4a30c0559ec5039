"""What a worker process is asked to run in real processes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from torture.parallel.processes.faults import Fault

DEFAULT_BUDGET = 5.0  # seconds
STRATEGY = "processes"  # of a result of this engine


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessJob:
    """One run of a target that says its roles.

    ``executions`` and ``budget`` (seconds): whichever ends first; 5 s where neither is given. The crash states of a
    power cut are bounded by the model, not by ``executions``.
    """

    target: str
    arguments: dict[str, Any] | None = None
    executions: int | None = None
    budget: float | None = None
    seed: int = 0
    faults: tuple[Fault, ...] = ()
    folder: str = ""  # where all files of the run are; the supervisor makes and removes it
    stall_limit: float = (
        5.0  # seconds that a role may take before its stacks are taken and the execution is ended
    )
    memory_limit: int = 4 << 30  # bytes of address space of each process

    def to_json(self) -> str:
        """Return the job as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ProcessJob:
        """Return the job that :meth:`to_json` wrote."""
        fields = json.loads(text)
        fields["faults"] = tuple(Fault(**fault) for fault in fields["faults"])
        return cls(**fields)
