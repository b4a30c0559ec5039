"""What a run says: verdict, finding, result. Frozen values, never strings to parse."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from torture.trace.event import Event, Trace

RESULT_SCHEMA = 1


class Verdict(StrEnum):
    """The answer of a run; ``unknown`` is never a pass."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    ERROR = "error"

    @property
    def exit_status(self) -> int:
        """Exit status of a command that ends with this verdict."""
        return {"passed": 0, "failed": 1, "unknown": 4, "error": 3}[self.value]


class FindingKind(StrEnum):
    """What went wrong."""

    ASSERTION = "assertion"
    EXCEPTION = "exception"
    DEADLOCK = "deadlock"
    LIVELOCK = "livelock"
    STEP_LIMIT = "step-limit"
    CRASH = "crash"
    HANG = "hang"
    EXIT = "exit"
    MEMORY = "memory"
    NOT_LINEARIZABLE = "not-linearizable"
    RACE = "race"
    INVARIANT = "invariant"
    LOST = "lost"
    DUPLICATED = "duplicated"
    REORDERED = "reordered"
    MISROUTED = "misrouted"
    TORN = "torn"
    COLLISION = "collision"
    UNSAFE_BUILTIN = "unsafe-builtin"  # two threads at once in a builtin that nothing guards


@dataclass(frozen=True, slots=True)
class Twin:
    """The nearest schedule that passes: the failing one but for one switch.

    Threads by name. The switch is from ``thread``, which has executed ``at``, or cannot go on there, to ``runs`` ("": a
    timer fires early). ``moved``: it passes with the switch just before ``sooner`` or just after ``later``, whichever
    there are. ``dropped``: ``instead`` goes on. ``added``: the failing schedule has no switch there, before ``sooner``.
    """

    change: str  # "moved", "dropped", "added"
    thread: str
    runs: str
    preempts: bool  # the thread could have gone on
    token: str  # replays the twin
    instead: str = ""
    at: Event | None = None
    sooner: Event | None = None
    later: Event | None = None


@dataclass(frozen=True, slots=True)
class NoReturn:
    """The first step from which all ``sampled`` continuations fail; one step earlier ``passing`` of them pass.

    ``step`` is None where they fail from the start.
    """

    sampled: int
    passing: int = 0
    step: Event | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One failure. ``schedule`` is the token that replays it, "" where there is none (a crash)."""

    kind: FindingKind
    message: str
    fingerprint: str
    schedule: str = ""
    reachable: str | None = None  # "gil", "free-threaded", or None where it was not determined
    # "timing"; where a GIL does not prevent it, by which of its switch places: "always", "finalizer", "cold only"; ...
    labels: tuple[str, ...] = ()
    threads: int = 0
    preemptions: int = 0
    steps: int = 0
    shrunk_from: dict[str, int] | None = None
    twin: Twin | None = None
    no_return: NoReturn | None = None
    errors: tuple[str, ...] = ()  # traceback text of every thread that raised
    counts: dict[str, int] = field(default_factory=dict)  # lost, duplicated, ... when a check counted
    trace: Trace | None = None  # what ran, for the failure report; not part of the JSON


@dataclass(frozen=True, slots=True)
class Result:
    """What ``torture explore`` found, in the order of the committed JSON schema."""

    target: str
    verdict: Verdict
    finding: Finding | None = None
    executions: int = 0
    executions_to_failure: int | None = None
    seconds: float = 0.0
    executions_per_second: float = 0.0
    exhausted: dict[str, Any] | None = None
    strategy: str = "auto"
    stages: tuple[dict[str, Any], ...] = ()
    seed: int = 0
    granularity: str = "free-threaded"
    points: float = 0.0  # scheduling points per execution, mean
    threads: int = 0
    unseen: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    learnt: dict[str, Any] | None = (
        None  # what was left out as not shared and written, in how many executions
    )
    trace: Trace | None = None  # of the last execution, where it was asked for; not part of the JSON
