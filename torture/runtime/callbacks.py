"""Code in C that trusted modules call for the program: what a thread, a timer, a pool or a future was given."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

from torture.runtime.kernel import KERNEL
from torture.runtime.primitives import primitive
from torture.trace.site import Kind

UNSEEN = primitive(Kind.SWITCH, "call")

# Announces a call of C code with its first argument, and returns what is called instead; the engine sets it.
announce: Callable[[Any, object], Any] | None = None

_make_timer = threading.Timer.__init__


class Unseen:
    """What is not Python code: the engine says what it touches; where it does not, it depends on everything."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> object:
        function = self._function
        if KERNEL.controls():
            if announce is None or KERNEL.gil:
                KERNEL.decide(UNSEEN, None, None, False)
            else:
                function = announce(function, args[0] if args else None)
        return function(*args, **kwargs)


def with_point(function: Any) -> Any:
    """Return what is called instead of something that is not Python code itself, with points of its own."""
    if type(function) is FunctionType:
        return function
    needs_one = callable(function) and KERNEL.controls() and not _has_points(function)
    return Unseen(function) if needs_one else function


def _has_points(function: object) -> bool:
    function = function.__func__ if isinstance(function, MethodType) else function
    return isinstance(function, FunctionType) or isinstance(type(function).__call__, FunctionType)


def make_timer(
    self: threading.Timer, interval: float, function: Any, args: Any = None, kwargs: Any = None
) -> None:
    """Initialise a ``threading.Timer``."""
    _make_timer(self, interval, with_point(function), args, kwargs)


def install() -> None:
    """Let pools and event loops, where the program uses any, call what has points."""
    pools: Any = sys.modules.get("concurrent.futures.thread")
    if pools is not None:
        _replace(pools._WorkItem, "__init__", _make_work_item)
    events: Any = sys.modules.get("asyncio.events")
    if events is not None:
        _replace(events.Handle, "__init__", _make_handle)


def _replace(kind: Any, name: str, make: Callable[[Any], Any]) -> None:
    if getattr(kind, name).__module__ != __name__:
        setattr(kind, name, make(getattr(kind, name)))


def _make_work_item(make: Any) -> Any:
    def __init__(self: Any, future: Any, task: Any, *rest: Any) -> None:
        make(self, future, with_point(task), *rest)

    return __init__


def _make_handle(make: Any) -> Any:
    def __init__(self: Any, callback: Any, *rest: Any) -> None:
        # A loop's own callbacks in C take steps of tasks, which are Python code.
        owner = getattr(callback, "__self__", self)
        of_container = type(owner).__module__ in ("builtins", "collections")
        make(self, with_point(callback) if of_container else callback, *rest)

    return __init__
