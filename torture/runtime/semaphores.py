"""``threading.Semaphore`` and ``BoundedSemaphore``: acquire and release are one step each."""

from __future__ import annotations

import threading
from typing import Any

from torture.runtime.gates import (
    close_gate,
    has_taken_lock,
    is_opened,
    is_plain,
    make_plain,
    open_gate,
    pass_gate,
    pass_in_time,
)
from torture.runtime.kernel import KERNEL
from torture.runtime.primitives import MAXIMUM, primitive
from torture.trace.site import Kind

ACQUIRE = primitive(Kind.ACQUIRE, "Semaphore.acquire")
TRY = primitive(Kind.TRY, "Semaphore.acquire")
RELEASE = primitive(Kind.RELEASE, "Semaphore.release")

_acquire = threading.Semaphore.acquire
_release = {kind: kind.release for kind in (threading.Semaphore, threading.BoundedSemaphore)}


def install(opened: tuple[str, ...] = ()) -> None:
    """Replace the methods; semaphores run the library's code where that is instrumented (``opened``)."""
    kind: Any = threading.Semaphore
    kind.acquire = kind.__enter__ = acquire
    kind.release = release
    kind.__exit__ = leave
    bounded: Any = threading.BoundedSemaphore
    bounded.release = release_bounded
    make_plain((kind, bounded), frozenset({"_cond"}), last="_value", opened="threading" in opened)


def acquire(self: Any, blocking: bool = True, timeout: float | None = None) -> bool:
    """Take a permit."""
    if not is_plain(self):
        return _acquire(self, blocking, timeout)
    if not blocking or timeout is not None:
        return _try(self, blocking, timeout)
    kernel = KERNEL
    if self._value > 0 and kernel.countdown > 1:
        kernel.countdown -= 1
    elif not pass_gate(self, ACQUIRE, _has_permit):
        return _acquire(self)
    _take(self)
    return True


def _try(self: Any, blocking: bool, timeout: float | None) -> bool:
    if not blocking and timeout is not None:
        raise ValueError("can't specify timeout for non-blocking acquire")
    kernel = KERNEL
    kernel.decide(TRY, self, None, True)
    if has_taken_lock(self):
        return _acquire(self, blocking, timeout)
    if not _has_permit(self):
        if timeout is None or timeout <= 0:
            return False
        if timeout > MAXIMUM:
            raise OverflowError("timestamp too large to convert to C PyTime_t")
        deadline = kernel.clock.now + int(timeout * 1e9)
        if not pass_in_time(self, ACQUIRE, _has_permit, deadline):
            return is_opened(self) and _acquire(self, True, (deadline - kernel.clock.now) / 1e9)
    _take(self)
    return True


def _has_permit(semaphore: Any) -> bool:
    return bool(semaphore._value > 0)


def _take(semaphore: Any) -> None:
    semaphore._value -= 1
    if semaphore._value == 0:
        close_gate(semaphore, ACQUIRE)


def release(self: Any, n: int = 1) -> None:
    """Give permits back."""
    if not _comes_to_give(self, n):
        _release[threading.Semaphore](self, n)
        return
    _give(self, n)


def release_bounded(self: Any, n: int = 1) -> None:
    """Give permits back, not more than were taken."""
    if not _comes_to_give(self, n):
        _release[threading.BoundedSemaphore](self, n)
        return
    if self._value + n > self._initial_value:
        raise ValueError("Semaphore released too many times")
    _give(self, n)


def _comes_to_give(semaphore: Any, n: int) -> bool:
    """Pass the point of a release; False where the library's code has to do it."""
    if not is_plain(semaphore):
        return False
    if n < 1:
        raise ValueError("n must be one or more")
    kernel = KERNEL
    if kernel.countdown > 1:
        kernel.countdown -= 1
    else:
        kernel.decide(RELEASE, semaphore, n, True)
    return not has_taken_lock(semaphore)


def _give(semaphore: Any, n: int) -> None:
    semaphore._value += n
    open_gate(semaphore, ACQUIRE, n)


def leave(self: Any, t: object, v: object, tb: object) -> None:
    """End a ``with`` block."""
    self.release()
