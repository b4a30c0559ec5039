"""The functions of :mod:`time` on the virtual clock."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from torture.runtime.clock import EPOCH, START
from torture.runtime.kernel import KERNEL
from torture.runtime.primitives import primitive
from torture.trace.site import Kind

SLEEP = primitive(Kind.SLEEP, "sleep")
YIELD = primitive(Kind.YIELD, "yield")
CLOCK = primitive(Kind.CLOCK, "clock")
_real_sleep = time.sleep


def sleep(seconds: float, /) -> None:
    """Wait in virtual time; 0 lets the others go first."""
    kernel = KERNEL
    if not kernel.controls():
        _real_sleep(seconds)
        return
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    if seconds == 0:
        kernel.decide(YIELD, None, None, False)
        kernel.yielded()
        return
    kernel.block(kernel.clock, SLEEP, kernel.clock.now + int(seconds * 1e9))


def _reader(real: Callable[[], Any], base: int, nanoseconds: bool) -> Callable[[], Any]:
    def read() -> Any:
        kernel = KERNEL
        if not kernel.controls():
            return real()
        # The clock is one resource for all threads, and a reading moves it.
        if kernel.countdown > 1:
            kernel.countdown -= 1
        else:
            kernel.decide(CLOCK, kernel.clock, None, True)
        now = kernel.clock.read() + base
        kernel.clock_moved()
        return now if nanoseconds else now / 1e9

    read.__name__ = read.__qualname__ = real.__name__
    return read


def reads_clock(function: Any, owner: type) -> bool:
    """Tell whether a C method of a class is one that looks at the system's clock by itself: ``datetime.now``."""
    datetime: Any = sys.modules.get("datetime")
    return function.__name__ in _NOW and datetime is not None and issubclass(owner, datetime.datetime)


_NOW = frozenset({"now", "utcnow"})


def now_of(owner: Any, name: str) -> Callable[..., Any]:
    """Return ``owner.now`` or ``owner.utcnow`` on the virtual clock."""

    def now(tz: Any = None) -> Any:
        return owner.fromtimestamp(time.time(), tz)

    def utcnow() -> Any:
        return owner.fromtimestamp(time.time(), sys.modules["datetime"].timezone.utc).replace(tzinfo=None)

    return now if name == "now" else utcnow


def _calendar(real: Callable[..., Any], arguments: int) -> Callable[..., Any]:
    """Return a function that breaks the present time down where it is not given one, its last argument."""
    plain = _real_localtime

    def broken_down(*given: Any) -> Any:
        if len(given) >= arguments or not KERNEL.controls():
            return real(*given)
        seconds = time.time()
        return real(*given, plain(seconds) if arguments == 2 else seconds)

    broken_down.__name__ = broken_down.__qualname__ = real.__name__
    return broken_down


_real_localtime = time.localtime


def functions() -> dict[str, Callable[..., Any]]:
    """Return the replacements by their names in :mod:`time`."""
    made: dict[str, Callable[..., Any]] = {"sleep": sleep}
    for name, base in (("monotonic", 0), ("perf_counter", 0), ("time", EPOCH - START)):
        made[name] = _reader(getattr(time, name), base, False)
        made[f"{name}_ns"] = _reader(getattr(time, f"{name}_ns"), base, True)
    for name, arguments in (("localtime", 1), ("gmtime", 1), ("ctime", 1), ("strftime", 2)):
        made[name] = _calendar(getattr(time, name), arguments)
    return made
