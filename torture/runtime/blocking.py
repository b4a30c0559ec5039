"""Pipes, ``select`` and file locks: blocking calls wait in the kernel instead of in the operating system.

The descriptors are real and only their waiting is virtual, so other processes and the program's own loopback
connections work. A call that would block registers its descriptor; the kernel polls when nothing else can run, and
after every call that may have made another descriptor ready.
"""

from __future__ import annotations

import fcntl
import os
import select
from collections.abc import Callable, Iterable
from typing import Any

from torture.runtime import originals
from torture.runtime.kernel import KERNEL
from torture.runtime.primitives import primitive
from torture.runtime.thread import VirtualThread
from torture.trace.site import Kind

_IO = primitive(Kind.IO, "io")
READABLE = select.POLLIN | select.POLLHUP | select.POLLERR
WRITABLE = select.POLLOUT | select.POLLHUP | select.POLLERR

plain_select = select.select
plain_poll = select.poll
plain_epoll = getattr(select, "epoll", None)
_read, _write = os.read, os.write
_flock = fcntl.flock

Wanted = list[tuple[int, int]]  # descriptor, poll events

# Seconds that the world outside gets where only it can wake a thread.
_CHILDREN = 4.0  # from the program's own child processes: less than what counts as blocked outside control
_LONG = 1.0  # from others, as long as there was no deadlock,
_SHORT = 0.005  # and afterwards: what is executed then is executed to explain it


class Descriptors:
    """Which thread waits for which descriptors; what the kernel asks when nothing can run."""

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[VirtualThread, Callable[[], bool]]] = {}
        self._epoch = -1
        self._patience = _LONG

    def wait(self, ready: Callable[[], bool], label: object, timeout: float | None) -> bool:
        """Suspend the current thread until ``ready``; False when ``timeout`` seconds went by first."""
        if ready():
            return True
        if timeout is not None and timeout <= 0:
            return False
        kernel = KERNEL
        if self._epoch != kernel.epoch:
            self._epoch = kernel.epoch
            self._waiting.clear()
        me = kernel.current
        deadline = None if timeout is None else kernel.clock.now + int(timeout * 1e9)
        while True:
            self._waiting[me.index] = (me, ready)
            try:
                if not kernel.block(label, _IO, deadline):
                    return ready()
            finally:
                self._waiting.pop(me.index, None)
            if ready():  # another reader may have been quicker
                return True

    def waiting(self) -> bool:
        """Tell whether any thread waits for a descriptor."""
        return bool(self._waiting) and self._epoch == KERNEL.epoch

    def poll(self, patience: float) -> bool:
        """Wake the threads whose descriptors are ready, in the order of their numbers.

        Nothing can run: so long as the program has child processes, time that passes is real, for they need it.
        """
        waits = self.waiting()
        if waits and self._wake():
            return True
        timers = KERNEL.clock.timers
        if children_run():
            patience = (timers[0][0] - KERNEL.clock.now) / 1e9 if timers else _CHILDREN
        elif waits and patience > 0:
            patience, self._patience = min(patience, self._patience), _SHORT
        else:
            return False
        end = originals.monotonic() + min(patience, _CHILDREN)
        while (left := end - originals.monotonic()) > 0:
            plain_poll().poll(min(left, 0.01) * 1000)
            if waits and self._wake():
                return True
        return False

    def _wake(self) -> bool:
        woken = False
        for index in sorted(self._waiting):
            thread, ready = self._waiting[index]
            if not thread.enabled and ready():
                KERNEL.wake(thread)
                woken = True
        return woken

    def changed(self) -> None:
        """Note that a descriptor may have become ready through what the current thread did."""
        if self.waiting():
            self._wake()


class FileSystem:
    """The file system."""

    __slots__ = ()


def children_run() -> bool:
    """Tell whether the program has a child process, and none that ended and was not waited for."""
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


DESCRIPTORS = Descriptors()
FILES = FileSystem()


def ready_for(wanted: Wanted) -> Callable[[], bool]:
    """Return a test whether one of the descriptors is ready."""
    poller = plain_poll()
    for descriptor, events in wanted:
        poller.register(descriptor, events)
    return lambda: bool(poller.poll(0))


def announce(obj: object, key: object = None) -> None:
    """Declare an operation on a descriptor."""
    KERNEL.decide(_IO, obj, key, True)


def _select_hybrid(
    readers: Iterable[Any], writers: Iterable[Any], others: Iterable[Any], timeout: float | None = None
) -> tuple[list[Any], list[Any], list[Any]]:
    """Wait in the kernel."""
    if not KERNEL.controls():
        return plain_select(readers, writers, others, timeout)
    sets = (list(readers), list(writers), list(others))
    announce(DESCRIPTORS)
    DESCRIPTORS.wait(lambda: any(plain_select(*sets, 0)), DESCRIPTORS, timeout)
    return plain_select(*sets, 0)


class Poll:
    """A ``select.poll`` that waits in the kernel. Unit of the timeout: milliseconds."""

    _unit = 1000

    def __init__(self) -> None:
        self._real: Any = plain_poll()

    def poll(self, timeout: float | None = None, *arguments: Any) -> Any:
        """Wait for events; None and a negative timeout have no end."""
        if not KERNEL.controls():
            return self._real.poll(timeout, *arguments)
        announce(DESCRIPTORS)
        seconds = None if timeout is None or timeout < 0 else timeout / self._unit
        DESCRIPTORS.wait(lambda: bool(self._real.poll(0)), DESCRIPTORS, seconds)
        return self._real.poll(0, *arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class EPoll(Poll):
    """The same for ``select.epoll``. Unit of the timeout: seconds."""

    _unit = 1

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        assert plain_epoll is not None
        self._real = plain_epoll(*arguments, **settings)

    def __enter__(self) -> EPoll:
        return self

    def __exit__(self, *_: object) -> None:
        self._real.close()


def _read_hybrid(descriptor: int, length: int, /) -> bytes:
    """Read from a pipe, a terminal or a file."""
    if not KERNEL.controls():
        return _read(descriptor, length)
    announce(DESCRIPTORS, descriptor)
    if os.get_blocking(descriptor):
        DESCRIPTORS.wait(ready_for([(descriptor, READABLE)]), DESCRIPTORS, None)
    data = _read(descriptor, length)
    DESCRIPTORS.changed()
    return data


def _write_hybrid(descriptor: int, data: Any, /) -> int:
    """Write to a pipe or a file."""
    if not KERNEL.controls():
        return _write(descriptor, data)
    announce(DESCRIPTORS, descriptor)
    if os.get_blocking(descriptor):
        DESCRIPTORS.wait(ready_for([(descriptor, WRITABLE)]), DESCRIPTORS, None)
    written = _write(descriptor, data)
    DESCRIPTORS.changed()
    return written


def _flock_hybrid(file: Any, operation: int, /) -> None:
    """Lock a file; waiting for it is a wait in the kernel."""
    if not KERNEL.controls():
        _flock(file, operation)
        return
    announce(DESCRIPTORS, "flock")
    if operation & (fcntl.LOCK_NB | fcntl.LOCK_UN):
        _flock(file, operation)
        DESCRIPTORS.changed()
        return

    def taken() -> bool:
        try:
            _flock(file, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    DESCRIPTORS.wait(taken, DESCRIPTORS, None)


def install() -> dict[int, Any]:
    """Replace the blocking calls. Returns the replacements of functions by the id of their original."""
    select.select = _select_hybrid
    select.poll = Poll  # type: ignore[assignment,misc]
    if plain_epoll is not None:
        select.epoll = EPoll  # type: ignore[misc,assignment]
    os.read, os.write = _read_hybrid, _write_hybrid
    fcntl.flock = _flock_hybrid
    KERNEL.idle = DESCRIPTORS
    return {
        id(plain_select): _select_hybrid,
        id(_read): _read_hybrid,
        id(_write): _write_hybrid,
        id(_flock): _flock_hybrid,
    }
