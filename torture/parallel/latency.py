"""Times every call of a component's public methods, without a word of it in the program.

Each thread writes into arrays of its own that were allocated before; histograms are made after the run. A call
inside another one of the same thread belongs to that one. What the measuring itself costs is measured in the same way, and
none of its bookkeeping lies between the two readings of the clock.
"""

from __future__ import annotations

import gc
import inspect
import threading
import time
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from types import FunctionType
from typing import Any

_CHUNK = 1024  # calls for which a thread's arrays have room at first
_LONGEST = 3_600_000_000_000  # nanoseconds
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
    """What one thread has measured: operation, nanoseconds, nanoseconds of collections meanwhile."""

    __slots__ = ("collected", "inside", "length", "nanoseconds", "operations")

    def __init__(self) -> None:
        self.inside = False
        self.length = 0
        self.operations = array("H", bytes(2 * _CHUNK))
        self.nanoseconds = array("Q", bytes(8 * _CHUNK))
        self.collected = array("Q", bytes(8 * _CHUNK))

    def record(self, operation: int, nanoseconds: int, collected: int) -> None:
        index = self.length
        if index == len(self.operations):
            self.operations.extend(self.operations)
            self.nanoseconds.extend(self.nanoseconds)
            self.collected.extend(self.collected)
        self.operations[index] = operation
        self.nanoseconds[index] = nanoseconds
        self.collected[index] = collected
        self.length = index + 1


@dataclass(slots=True)
class _Operation:
    """What is known of one method."""

    name: str
    calls: Counter[int] = field(default_factory=Counter)  # nanoseconds -> how many
    quiet: int = 0  # nanoseconds of the longest call without a garbage collection
    collected: int = 0  # calls with one


class _Local(threading.local):
    def __init__(self, take: Callable[[], _Track]) -> None:
        self.track = take()


class Latencies:
    """Measures components, and says what it measured."""

    def __init__(self) -> None:
        self.unmeasured = ""  # why, where a component cannot be measured
        self._lock = threading.Lock()
        self._free: list[_Track] = []
        self._used: list[tuple[threading.Thread, _Track]] = []
        self._local = _Local(self._take)
        self._operations: list[_Operation] = []
        self._types: dict[type, type] = {}
        self._collections = _Collections()
        gc.callbacks.append(self._collections)

    def measured(self, component: Any) -> Any:
        """Return the component, a class or a factory, with every public method of what it makes timed."""
        if isinstance(component, type):
            return self._timed_type(component) or component

        def make(*args: Any, **kwargs: Any) -> Any:
            instance = component(*args, **kwargs)
            timed = self._timed_type(type(instance))
            if timed is not None:
                try:
                    instance.__class__ = timed
                except TypeError as error:  # an instance of C
                    self.unmeasured = f"{type(instance).__name__}: {error}"
            return instance

        return make

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
            counts.calls[nanoseconds] += 1
            if track.collected[index]:
                counts.collected += 1
            elif nanoseconds > counts.quiet:
                counts.quiet = nanoseconds
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
            histogram = _histogram(operation.calls)
            calls = histogram.get_total_count()
            if not calls:
                continue
            figures = {f"p{p:g}": _milliseconds(histogram.get_value_at_percentile(p)) for p in _PERCENTILES}
            found.append(
                {
                    "operation": operation.name,
                    "calls": calls,
                    "per_second": round(calls / seconds, 1) if seconds > 0 else 0.0,
                    **figures,
                    "max": _milliseconds(histogram.get_max_value()),
                    "calls_with_collection": operation.collected,
                    "max_without_collection": _milliseconds(operation.quiet),
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
            "empty_call_nanoseconds": _histogram(scratch._operations[0].calls).get_value_at_percentile(50),
            "collections": pauses,
            "longest_collection": _milliseconds(longest),
        }

    def _take(self) -> _Track:
        with self._lock:
            track = self._free.pop() if self._free else _Track()
            self._used.append((threading.current_thread(), track))
        return track

    def _timed_type(self, component: type) -> type | None:
        if component in self._types:
            return self._types[component]
        methods = {
            name: self._timed(f"{component.__name__}.{name}", function)
            for name, function in _public_functions(component).items()
        }
        body = {"__slots__": (), "__module__": component.__module__, "__qualname__": component.__qualname__}
        try:
            timed = type(component)(component.__name__, (component,), {**body, **methods})
        except TypeError as error:
            self.unmeasured = f"{component.__name__}: {error}"
            return None
        timed.__doc__ = component.__doc__
        self._types[component] = self._types[timed] = timed
        return timed

    def _timed(self, name: str, function: FunctionType) -> Callable[..., Any]:
        operation = len(self._operations)
        self._operations.append(_Operation(name))
        collections = self._collections

        def timed(*args: Any, **kwargs: Any) -> Any:
            track = self._local.track
            if track.inside:
                return function(*args, **kwargs)
            track.inside = True
            before = collections.nanoseconds
            begun = _clock()
            try:
                return function(*args, **kwargs)
            finally:
                ended = _clock()
                track.inside = False
                track.record(operation, ended - begun, collections.nanoseconds - before)

        timed.__name__, timed.__qualname__ = function.__name__, function.__qualname__
        timed.__module__, timed.__doc__ = function.__module__, function.__doc__
        timed.__dict__.update(function.__dict__)
        return timed


class _Nothing:
    def nothing(self) -> None:
        pass


def _histogram(calls: Counter[int]) -> Any:
    """Return an HDR histogram of three digits.

    Imported here, after the run: its C code has a free-threaded interpreter switch the GIL on again.
    """
    from hdrh.histogram import HdrHistogram

    histogram = HdrHistogram(1, _LONGEST, 3)
    for nanoseconds, count in calls.items():
        histogram.record_value(max(1, nanoseconds), count)
    return histogram


def _time(call: Callable[[], None]) -> int:
    """Return the nanoseconds of one call: the best of some rounds, as in others somebody else ran meanwhile."""
    rounds = []
    for _ in range(_ROUNDS):
        begun = _clock()
        for _ in range(_CALIBRATION):
            call()
        rounds.append((_clock() - begun) // _CALIBRATION)
    return min(rounds)


def _public_functions(component: type) -> dict[str, FunctionType]:
    """Return the methods whose calls are timed: what is written in Python and runs to its end when it is called."""
    found = {
        name: inspect.getattr_static(component, name) for name in dir(component) if not name.startswith("_")
    }
    return {
        name: function
        for name, function in found.items()
        if type(function) is FunctionType
        and not inspect.iscoroutinefunction(function)
        and not inspect.isgeneratorfunction(function)
        and not inspect.isasyncgenfunction(function)
    }


def _milliseconds(nanoseconds: int) -> float:
    return float(f"{nanoseconds / 1e6:.4g}")
