"""Times every call of a component's public methods.

Each thread writes into arrays of its own that were allocated before. Each time is counted as it was measured, between
executions: the percentiles are exact. A call inside another one of the same thread belongs to that one. What the
measuring itself costs is measured in the same way, and none of its bookkeeping lies between the two readings of the
clock. Calls during which the garbage collector ran, or the operating system took the core away, are told apart.
"""

from __future__ import annotations

import gc
import math
import threading
import time
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from types import FunctionType
from typing import Any

from torture.parallel.pacing import LATE
from torture.parallel.probe import Probe

try:
    import resource

    _PREEMPTED = 15  # of a struct rusage: involuntary context switches
    _usage: Callable[[int], Any] | None = resource.getrusage
    _THREAD = resource.RUSAGE_THREAD
except (ImportError, AttributeError):  # not on this system
    _usage, _THREAD, _PREEMPTED = None, 0, 0

_CHUNK = 1024  # calls for which a thread's arrays have room at first
_PERCENTILES = (50, 95, 99, 99.9)
_CALIBRATION = 500  # calls of a round
_ROUNDS = 5

_clock = time.perf_counter_ns


class _Collections:
    """Counts the garbage collector's pauses, to tell them apart."""

    def __init__(self) -> None:
        self.nanoseconds = 0
        self.count = 0
        self.longest = 0
        self._since = 0

    def __call__(self, phase: str, _information: dict[str, int]) -> None:
        now = _clock()
        if phase == "start":
            self._since = now
            return
        self.nanoseconds += now - self._since
        self.longest = max(self.longest, now - self._since)
        self.count += 1


class _Track:
    """What one thread has measured, call by call."""

    __slots__ = ("collected", "inside", "late", "length", "nanoseconds", "operations", "preempted")

    def __init__(self) -> None:
        self.inside = False
        self.length = 0
        self.operations = array("H", bytes(2 * _CHUNK))
        self.nanoseconds = array("Q", bytes(8 * _CHUNK))
        self.late = array("q", bytes(8 * _CHUNK))  # as in pacing.LATE
        self.collected = array("Q", bytes(8 * _CHUNK))  # nanoseconds of collections meanwhile
        self.preempted = array("I", bytes(4 * _CHUNK))  # times that the system took the core away

    def record(self, operation: int, nanoseconds: int, late: int, collected: int, preempted: int) -> None:
        index = self.length
        if index == len(self.operations):
            for column in (self.operations, self.nanoseconds, self.late, self.collected, self.preempted):
                column.extend(column)
        self.operations[index] = operation
        self.nanoseconds[index] = nanoseconds
        self.late[index] = late
        self.collected[index] = collected
        self.preempted[index] = preempted
        self.length = index + 1


@dataclass(slots=True)
class _Operation:
    """What is known of one method."""

    name: str
    calls: Counter[int] = field(default_factory=Counter)  # nanoseconds -> how many; from when each was due
    plain: Counter[int] = field(default_factory=Counter)  # the same from when each was made
    woken: Counter[int] = field(default_factory=Counter)  # nanoseconds that a paced caller slept too long
    overdue: int = 0  # paced calls that the one before held up
    quiet: int = 0  # nanoseconds of the longest call without a pause of collector or scheduler
    collected: int = 0  # calls during a garbage collection
    preempted: int = 0  # calls during which the system took the core away


class _Local(threading.local):
    def __init__(self, take: Callable[[], _Track]) -> None:
        self.track = take()


class Latencies:
    """Measures components, and says what it measured."""

    def __init__(self) -> None:
        self._probe = Probe(self._timed)
        self._lock = threading.Lock()
        self._free: list[_Track] = []
        self._used: list[tuple[threading.Thread, _Track]] = []
        self._local = _Local(self._take)
        self._operations: list[_Operation] = []
        self._collections = _Collections()
        gc.callbacks.append(self._collections)

    @property
    def unmeasured(self) -> str:
        """Which component cannot be measured, and why; "" where all are."""
        return self._probe.refused

    def measured(self, component: Any) -> Any:
        """Return the component, a class or a factory, with every public method of what it makes timed."""
        return self._probe.around(component)

    def collect(self, *, everything: bool = False) -> None:
        """Take over what the threads of an execution have measured; to be called between executions, by their thread.

        What a thread measured that still runs is left until the end (``everything``): it may be writing.
        """
        with self._lock:
            used, self._used = self._used, []
            for thread, track in used:
                alive = thread.is_alive()
                if everything or not alive or thread is threading.current_thread():
                    self._count(track)
                if alive:
                    self._used.append((thread, track))
                else:
                    self._free.append(track)

    def _count(self, track: _Track) -> None:
        for index in range(track.length):
            counts = self._operations[track.operations[index]]
            nanoseconds = track.nanoseconds[index]
            late, collected, preempted = track.late[index], track.collected[index], track.preempted[index]
            counts.calls[nanoseconds + max(0, late)] += 1
            counts.plain[nanoseconds] += 1
            counts.overdue += late > 0
            if late < 0:
                counts.woken[-late] += 1
            counts.collected += collected > 0
            counts.preempted += preempted > 0
            if not collected and not preempted:
                counts.quiet = max(counts.quiet, nanoseconds)
        track.length = 0

    def taken(self) -> list[dict[str, Any]]:
        """Return what was measured so far, as values that another process can :meth:`add` to its own."""
        self.collect(everything=True)
        return [{each.name: getattr(told, each.name) for each in fields(told)} for told in self._operations]

    def add(self, taken: list[dict[str, Any]]) -> None:
        """Add what was measured elsewhere."""
        known = {operation.name: operation for operation in self._operations}
        for told in taken:
            operation = known.get(told["name"])
            if operation is None:
                operation = known[told["name"]] = _Operation(told["name"])
                self._operations.append(operation)
            for name, value in told.items():
                if isinstance(value, Counter):
                    getattr(operation, name).update(value)
                elif name != "name":
                    one = getattr(operation, name)
                    setattr(operation, name, max(one, value) if name == "quiet" else one + value)

    def summary(self, seconds: float) -> list[dict[str, Any]]:
        """Return the figures of each operation that was called: milliseconds, and calls per second of ``seconds``."""
        self.collect(everything=True)
        found = []
        for operation in self._operations:
            calls = operation.calls.total()
            if not calls:
                continue
            found.append(
                {
                    "operation": operation.name,
                    "calls": calls,
                    "per_second": round(calls / seconds, 1) if seconds > 0 else 0.0,
                    **_figures(operation.calls),
                    "calls_with_collection": operation.collected,
                    "calls_preempted": operation.preempted if _usage is not None else None,
                    "max_without_pause": _milliseconds(operation.quiet),
                    "paced": _paced(operation) if operation.overdue or operation.woken else None,
                }
            )
        return found

    def overhead(self) -> dict[str, Any]:
        """Measure what measuring costs, on a method that does nothing, and how long the collector paused."""
        pauses, longest = self._collections.count, self._collections.longest
        scratch = Latencies()
        gc.callbacks.remove(scratch._collections)
        plain, timed = _Nothing(), scratch.measured(_Nothing)()
        without, with_timing = _time(plain.nothing), _time(timed.nothing)
        scratch.collect()
        return {
            "nanoseconds_per_call": max(0, with_timing - without),
            # what a method that does nothing is measured to take
            "empty_call_nanoseconds": _percentile(scratch._operations[0].calls, 50),
            "collections": pauses,
            "longest_collection": _milliseconds(longest),
        }

    def _take(self) -> _Track:
        with self._lock:
            track = self._free.pop() if self._free else _Track()
            self._used.append((threading.current_thread(), track))
        return track

    def _timed(self, name: str, function: FunctionType) -> Callable[..., Any]:
        operation = len(self._operations)
        self._operations.append(_Operation(name))
        collections = self._collections

        def timed(*args: Any, **kwargs: Any) -> Any:
            track = self._local.track
            if track.inside:
                return function(*args, **kwargs)
            track.inside = True
            late, LATE.nanoseconds = LATE.nanoseconds, 0
            collected = collections.nanoseconds
            preempted = _usage(_THREAD)[_PREEMPTED] if _usage is not None else 0
            begun = _clock()
            try:
                return function(*args, **kwargs)
            finally:
                ended = _clock()
                if _usage is not None:
                    preempted = _usage(_THREAD)[_PREEMPTED] - preempted
                track.inside = False
                track.record(operation, ended - begun, late, collections.nanoseconds - collected, preempted)

        return timed


class _Nothing:
    def nothing(self) -> None:
        pass


def _percentile(calls: Counter[int], percent: float) -> int:
    """Return the time, in nanoseconds, that so many of a hundred calls did not exceed; 0 of no calls."""
    wanted = max(1, math.ceil(calls.total() * round(percent * 10) / 1000))
    for nanoseconds in sorted(calls):
        wanted -= calls[nanoseconds]
        if wanted <= 0:
            return nanoseconds
    return 0


def _figures(calls: Counter[int]) -> dict[str, float]:
    """Return the percentiles and the maximum in milliseconds."""
    figures = {f"p{p:g}": _milliseconds(_percentile(calls, p)) for p in _PERCENTILES}
    return {**figures, "max": _milliseconds(max(calls, default=0))}


def _paced(operation: _Operation) -> dict[str, Any]:
    """Return what is known of calls at fixed instants besides their times, which count from when they were due."""
    return {
        "overdue": operation.overdue,
        "uncorrected": _figures(operation.plain),
        "woken_late": _figures(operation.woken),
    }


def _time(call: Callable[[], None]) -> int:
    """Return the nanoseconds of one call: the best of some rounds, as in others somebody else ran meanwhile."""
    rounds = []
    for _ in range(_ROUNDS):
        begun = _clock()
        for _ in range(_CALIBRATION):
            call()
        rounds.append((_clock() - begun) // _CALIBRATION)
    return min(rounds)


def _milliseconds(nanoseconds: int) -> float:
    return float(f"{nanoseconds / 1e6:.4g}")
