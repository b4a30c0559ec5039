"""Sees the real threads of an execution: starts them at the same instant, keeps their errors, counts what is left.

``Thread.start`` and ``Thread.join`` are wrapped, and every thread's ``run`` when it is started. A thread is held back for a
few milliseconds at most, as an operating system may hold it back at any time: a program that needs one thread to run
before it starts the next one behaves as ever, and its threads are not held back the next time.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from torture.parallel.leaks import place_of

_BARRIER = 0.005  # seconds that a thread waits for the others to be started
_SPIN = 0.0003  # seconds that it then spins until they all run
_CORES = os.cpu_count() or 1
_LATE = 3  # executions; a busy machine may be late now and then
_GRACE = 0.05  # seconds that a thread may take to end after the target has returned
_LESS_GRACE = 0.005  # where earlier executions left some behind

_start, _join, _excepthook = threading.Thread.start, threading.Thread.join, threading.excepthook
_clock = time.perf_counter


class _Row:
    """The threads that one execution starts in a row: they wait for each other."""

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.started = 0
        self.closed = False  # by the first join: whoever is started later runs at once
        self.late = False
        self._all_started = threading.Event()
        self._running = 0
        self._lock = threading.Lock()

    def start(self) -> bool:
        """Count a start; tell whether the thread belongs to the row."""
        with self._lock:
            if self.closed:
                return False
            self.started += 1
            return 2 <= self.expected >= self.started

    def wait(self) -> None:
        """Hold the calling thread back until the whole row is there: an event wakes one by one, so spin after it."""
        with self._lock:
            self._running += 1
            if self._running == self.expected:
                self._all_started.set()
        if not self._all_started.wait(_BARRIER):
            self.late = True
            self._all_started.set()
        with self._lock:
            self._running -= 1
        if self.expected > _CORES:  # they cannot all run at once: who spins keeps the next one waiting
            return
        end = _clock() + _SPIN
        while self._running > 0 and _clock() < end:
            pass


class Starts:
    """Wraps the threads of a whole run, execution by execution."""

    def __init__(self, enter: Callable[[], None], failed: Callable[[], None]) -> None:
        """``enter`` is called first in each thread, ``failed`` after an uncaught exception in one."""
        self.errors: list[tuple[str, BaseException]] = []
        self.threads = 0  # started by the current execution
        self.failed = failed
        self._enter = enter
        self._expected = 0  # learnt from one execution for the next
        self._late = 0  # executions in which somebody waited in vain
        self._row = _Row(0)
        self._leaves = False
        self._known: set[threading.Thread] = set()
        self._started_at: dict[int, str] = {}  # address of a thread of the current execution -> place

    def install(self) -> None:
        """Wrap ``threading`` for good."""
        starts = self

        def start(thread: threading.Thread) -> None:
            if thread.ident is None:  # else it raises
                starts._prepare(thread)
            _start(thread)

        def join(thread: threading.Thread, timeout: float | None = None) -> None:
            starts._row.closed = True
            _join(thread, timeout)

        wrapped: Any = threading.Thread
        wrapped.start, wrapped.join = start, join
        threading.excepthook = self._raised

    def begin(self) -> None:
        """Begin an execution."""
        self.errors = []
        self.threads = 0
        self._started_at.clear()
        self._row = _Row(self._expected)
        self._known = set(threading.enumerate())

    def end(self) -> tuple[tuple[str, str], ...]:
        """End the execution, and return the threads that did not end within a moment: name, and where it stands or was started."""
        row = self._row
        if row.late:
            self._late += 1
            if self._late >= _LATE:  # the program needs one of them before it starts the next
                self._expected = max(1, row.expected - 1)
                self._late = 0
        elif not self._expected or row.started < self._expected:
            self._expected = row.started
        row.closed = True
        end = _clock() + (_LESS_GRACE if self._leaves else _GRACE)
        left = [thread for thread in threading.enumerate() if thread not in self._known]
        for thread in left:
            if thread is not threading.current_thread():
                _join(thread, max(0.0, end - _clock()))
        frames = sys._current_frames()
        alive = tuple(
            (thread.name, self._place(thread, frames.get(thread.ident or 0)))
            for thread in left
            if thread.is_alive()
        )
        self._leaves = self._leaves or bool(alive)
        return alive

    def _place(self, thread: threading.Thread, frame: FrameType | None) -> str:
        if place := place_of(frame):
            return f"at {place}"
        started = self._started_at.get(id(thread), "")  # all of it is library code
        return f"started at {started}" if started else ""

    def _prepare(self, thread: threading.Thread) -> None:
        self.threads += 1
        self._started_at[id(thread)] = place_of(sys._getframe(1))
        row = self._row
        belongs = row.start()
        run: Any = thread.run

        own = thread.__dict__.get("run")

        def entered() -> None:
            if own is None:  # what the program sees in the thread is its own again
                del thread.run
            else:
                thread.run = own  # type: ignore[method-assign]
            self._enter()
            if belongs:
                row.wait()
            run()

        thread.run = entered  # type: ignore[method-assign]

    def _raised(self, arguments: threading.ExceptHookArgs) -> None:
        if isinstance(arguments.exc_value, SystemExit):
            return  # ends the thread and nothing else
        name = arguments.thread.name if arguments.thread is not None else "a thread"
        self.errors.append((name, arguments.exc_value or arguments.exc_type()))
        _excepthook(arguments)
        self.failed()
