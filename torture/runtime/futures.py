"""``concurrent.futures.Future``: its methods are one step each.

What is done stays done, so it does not matter who began to wait before it was. A wait with a timeout, and the functions
that wait for several (they take the locks of all), run the library's code.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from torture.runtime.callbacks import with_point
from torture.runtime.gates import (
    has_taken_lock,
    is_plain,
    make_plain,
    open_gate,
    pass_gate,
)
from torture.runtime.kernel import KERNEL
from torture.runtime.primitives import primitive
from torture.trace.site import Kind, Site

WAIT = primitive(Kind.WAIT, "Future.result")
BEGIN = primitive(Kind.BEGIN, "Future.set_running_or_notify_cancel")
SET = primitive(Kind.SET, "Future.set_result")
CANCEL = primitive(Kind.CANCEL, "Future.cancel")
CALLBACK = primitive(Kind.CALLBACK, "Future.add_done_callback")
DONE = primitive(Kind.READ, "Future.done")
RUNNING = primitive(Kind.READ, "Future.running")

_CANCELLED = frozenset({"CANCELLED", "CANCELLED_AND_NOTIFIED"})
_DONE = _CANCELLED | {"FINISHED"}
_EVERYBODY = 1 << 60
_opened = False
_methods: dict[str, Callable[..., Any]] = {}


def choose(opened: tuple[str, ...]) -> None:
    """Have futures run the library's code where that is instrumented (``opened``)."""
    global _opened
    _opened = any(name in opened for name in ("concurrent", "concurrent.futures", "concurrent.futures._base"))


def install() -> None:
    """Replace the methods, if the program has imported the module."""
    base: Any = sys.modules.get("concurrent.futures._base")
    if base is None or _methods:
        return
    for method in (
        result,
        exception,
        done,
        cancelled,
        running,
        cancel,
        add_done_callback,
        set_running_or_notify_cancel,
        set_result,
        set_exception,
    ):
        _methods[method.__name__] = getattr(base.Future, method.__name__)
        setattr(base.Future, method.__name__, method)
    make_plain((base.Future,), frozenset({"_condition"}), last="_done_callbacks", opened=_opened)


def is_done(future: Any) -> bool:
    """Tell whether a future has a result, an exception, or was cancelled."""
    return future._state in _DONE


def is_running(future: Any) -> bool:
    """Tell whether somebody works on it."""
    return bool(future._state == "RUNNING")


def is_cancelled(future: Any) -> bool:
    """Tell whether it was cancelled."""
    return future._state in _CANCELLED


def _decides(future: Any, site: Site, *, writes: bool) -> bool:
    """Pass the point of a method that does not wait; False where the library's code has to do it."""
    if not is_plain(future):
        return False
    kernel = KERNEL
    if kernel.countdown > 1:
        kernel.countdown -= 1
    else:
        kernel.decide(site, future, None, writes)
    return not has_taken_lock(future)


def _waits(future: Any, timeout: float | None) -> bool:
    """Return when a future is done; False where the library's code has to wait."""
    if timeout is not None or not is_plain(future):
        return False
    kernel = KERNEL
    if is_done(future) and kernel.countdown > 1:
        kernel.countdown -= 1
        return True
    return pass_gate(future, WAIT, is_done)


def result(self: Any, timeout: float | None = None) -> Any:
    """Wait for the result."""
    if not _waits(self, timeout):
        return _methods["result"](self, timeout)
    if is_cancelled(self):
        raise _base().CancelledError
    return self._Future__get_result()


def exception(self: Any, timeout: float | None = None) -> Any:
    """Wait for the exception, or for there being none."""
    if not _waits(self, timeout):
        return _methods["exception"](self, timeout)
    if is_cancelled(self):
        raise _base().CancelledError
    return self._exception


def done(self: Any) -> bool:
    """Tell whether it is done."""
    return is_done(self) if _decides(self, DONE, writes=False) else bool(_methods["done"](self))


def cancelled(self: Any) -> bool:
    """Tell whether it was cancelled."""
    return is_cancelled(self) if _decides(self, DONE, writes=False) else bool(_methods["cancelled"](self))


def running(self: Any) -> bool:
    """Tell whether it is executed."""
    return is_running(self) if _decides(self, RUNNING, writes=False) else bool(_methods["running"](self))


def cancel(self: Any) -> bool:
    """Cancel it, if nobody began to work on it."""
    if not _decides(self, CANCEL, writes=True):
        return bool(_methods["cancel"](self))
    if self._state == "PENDING":
        _end(self, "CANCELLED")
    return is_cancelled(self)


def add_done_callback(self: Any, fn: Any) -> None:
    """Have a function called with the future when it is done."""
    fn = with_point(fn)
    if not _decides(self, CALLBACK, writes=True):
        _methods["add_done_callback"](self, fn)
    elif not is_done(self):
        self._done_callbacks.append(fn)
    else:
        try:
            fn(self)
        except Exception:
            _base().LOGGER.exception("exception calling callback for %r", self)


def set_running_or_notify_cancel(self: Any) -> bool:
    """Begin to work on it; False if it was cancelled."""
    plain = _decides(self, BEGIN, writes=True)
    if plain and self._state == "PENDING":
        self._state = "RUNNING"
        return True
    if plain and self._state == "CANCELLED":
        self._state = "CANCELLED_AND_NOTIFIED"
        return False
    return bool(_methods["set_running_or_notify_cancel"](self))


def set_result(self: Any, result: Any) -> None:
    """Set what the work returned."""
    if not _decides(self, SET, writes=True) or is_done(self):
        _methods["set_result"](self, result)
        return
    self._result = result
    _end(self, "FINISHED")


def set_exception(self: Any, exception: Any) -> None:
    """Set what the work raised."""
    if not _decides(self, SET, writes=True) or is_done(self):
        _methods["set_exception"](self, exception)
        return
    self._exception = exception
    _end(self, "FINISHED")


def _end(future: Any, state: str) -> None:
    future._state = state
    open_gate(future, WAIT, _EVERYBODY)
    future._invoke_callbacks()


def _base() -> Any:
    return sys.modules["concurrent.futures._base"]
