"""The suffering half of a fault: what is done to a role inside its own process."""

from __future__ import annotations

import datetime
import errno
import fcntl
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from itertools import islice
from random import Random
from typing import Any

from torture.parallel.disk import layer
from torture.parallel.processes import faults
from torture.parallel.processes.channel import Sender
from torture.parallel.processes.faults import Fault, Signalled
from torture.parallel.processes.timer import SignalTimer

_kill, _getpid, _sleep, _listdir = os.kill, os.getpid, time.sleep, os.listdir
_monotonic = time.monotonic
_SIGNAL = signal.SIGTERM
_SIGNALS = {faults.KILL: signal.SIGKILL, faults.STOP: signal.SIGSTOP, faults.SIGNAL: _SIGNAL}
_MOST_SPARE = 3  # descriptors: fewer than these are left


class Injection:
    """A watcher that counts the boundaries of a role, and strikes before one of them.

    Whatever it does, it does between :meth:`begin` and :meth:`end`, and to this process alone.
    """

    def __init__(
        self, fault: Fault, sender: Sender, *, boundary: int | None, delay: float, seed: int
    ) -> None:
        """``boundary`` is the number of the call before which it strikes; None for ``delay`` seconds after the begin."""
        self.boundaries = 0
        self.struck = False
        self._fault = fault
        self._boundary = boundary
        self._sender = sender
        self._delay = delay
        self._timer: SignalTimer | None = None
        self._jump_at: float | None = None  # monotonic seconds
        self._random = Random(seed)
        self._active = False
        self._without = False  # room or descriptors, from the boundary on
        self._halved = False
        self._limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    def install(self) -> None:
        """Put everything in place that does nothing yet."""
        kind = self._fault.kind
        if kind == faults.CLOCK_JUMP:
            _let_clock_jump(self._jumped)
        if kind == faults.SIGNAL:
            signal.signal(_SIGNAL, self._handle)
        if self._boundary is not None or kind in (faults.SLOW_FSYNC, faults.FULL_DISK, faults.NO_DESCRIPTORS):
            layer.install(self)

    def begin(self) -> None:
        """The role begins."""
        self._active = True
        kind = self._fault.kind
        if self._boundary is None and kind in _SIGNALS:
            self._timer = SignalTimer(self._delay, _SIGNALS[kind])
        if self._boundary is None and kind == faults.CLOCK_JUMP:
            self._jump_at = _monotonic() + self._delay
        if self._fault.kind == faults.NO_DESCRIPTORS and self._boundary is None:
            used = {int(name) for name in _listdir("/dev/fd")}
            free = (number for number in range(self._limits[0]) if number not in used or not _is_open(number))
            limit = next(islice(free, self._random.randrange(_MOST_SPARE), None), self._limits[0])
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, self._limits[1]))  # what is open stays open

    def end(self) -> None:
        """The role has ended, one way or the other; may be repeated."""
        active, self._active = self._active, False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if active and self._jump_at is not None and _monotonic() >= self._jump_at:
            self.struck = True  # whether it looks at the clock is the role's business
        resource.setrlimit(resource.RLIMIT_NOFILE, self._limits)

    def call(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not self._active:
            return function(*args, **kwargs)
        self.boundaries += 1
        if self.boundaries - 1 == self._boundary:
            self._strike()
        if self._without:
            if self._fault.kind == faults.FULL_DISK and name == "write" and not self._halved:
                self._halved = True  # a disk that fills up takes a part of the last write
                if len(args[1]) > 1:
                    self.struck = True
                    return function(args[0], bytes(args[1])[: len(args[1]) // 2])
            self._refuse(name)
        if self._fault.kind == faults.SLOW_FSYNC and name in ("fsync", "fdatasync"):
            self.struck = True
            _sleep(self._random.random() * self._fault.seconds)
        try:
            return function(*args, **kwargs)
        except OSError as error:  # whoever swallows it, it was met
            self.struck = self.struck or self._fault.excuses(error.errno, False)
            raise

    def _refuse(self, name: str) -> None:
        full = self._fault.kind == faults.FULL_DISK
        if name in (faults.ROOM if full else faults.DESCRIPTORS):
            self.struck = True
            number = errno.ENOSPC if full else errno.EMFILE
            raise OSError(number, os.strerror(number))

    def _strike(self) -> None:
        kind = self._fault.kind
        if kind in (faults.FULL_DISK, faults.NO_DESCRIPTORS):
            self._without = True
            return
        self.struck = True
        if kind == faults.KILL:
            self._sender.send("struck")
            _kill(_getpid(), signal.SIGKILL)
        elif kind == faults.STOP:
            self._sender.send("struck")
            _kill(_getpid(), signal.SIGSTOP)
        elif kind == faults.SIGNAL:
            signal.raise_signal(_SIGNAL)
        elif kind == faults.CLOCK_JUMP:
            self._jump_at = 0.0

    def _jumped(self) -> float:
        """Return how far the wall clock is off, in seconds."""
        if self._jump_at is None or _monotonic() < self._jump_at:
            return 0.0
        return self._fault.seconds

    def _handle(self, number: int, frame: object) -> None:
        if self._active:
            self.struck = True
            self._sender.interrupt(Signalled("a signal's handler raised"))


def _is_open(descriptor: int) -> bool:
    """Tell whether it still is: the one with which the folder of descriptors was read is not."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_GETFD)
    except OSError:
        return False
    return True


def _let_clock_jump(offset: Callable[[], float]) -> None:
    """Add some seconds to every reading of the wall clock; the machine's own clock is left alone."""
    wall, wall_ns = time.time, time.time_ns
    real: Any = datetime.datetime

    def jumped() -> float:
        return wall() + offset()

    def jumped_ns() -> int:
        return wall_ns() + int(offset() * 1e9)

    class Known(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, real)

    class Jumping(real, metaclass=Known):  # type: ignore[misc]  # the class of this interpreter
        """``datetime`` with a clock that jumps; what it returns is of the real type."""

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return real.fromtimestamp(jumped(), tz)

        @classmethod
        def utcnow(cls) -> Any:
            return real.fromtimestamp(jumped(), datetime.UTC).replace(tzinfo=None)

        @classmethod
        def today(cls) -> Any:
            return real.fromtimestamp(jumped())

    Jumping.__name__, Jumping.__qualname__ = real.__name__, real.__qualname__
    replaced: dict[Any, Any] = {wall: jumped, wall_ns: jumped_ns, real: Jumping}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in ("torture", "_datetime", "_pydatetime"):
            for key, value in list(getattr(module, "__dict__", {}).items()):
                try:
                    new = replaced.get(value)
                except TypeError:  # what cannot be hashed is no clock
                    continue
                if new is not None:
                    setattr(module, key, new)
