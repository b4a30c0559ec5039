"""``WeakValueDictionary``, ``WeakKeyDictionary`` and ``WeakSet``: each call of the program's is a point.

Their modules stay without points of their own, for they run below every Thread, and below the exploration.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary, WeakSet, WeakValueDictionary

from torture.runtime.kernel import KERNEL
from torture.runtime.primitives import primitive
from torture.trace.site import Kind

_READ = primitive(Kind.READ, "read")
_WRITE = primitive(Kind.WRITE, "write")
# Who calls them for its own ends: without the program's asking.
_OTHERS = frozenset({"torture", "weakref", "_weakrefset", "threading", "concurrent", "asyncio", "logging"})
_RUN_TARGETS = (
    "run",
    "_run",
)  # of a Thread, of a pool's work, of a loop's callback: those call for the program

_FOR_THE_PROGRAM = frozenset({"torture.exploration.points", "torture.exploration.comparing"})  # do ``x in y``

_KEYED = {"__getitem__", "get", "__contains__", "__setitem__", "__delitem__", "pop", "setdefault"}
_STEPS = "__iter__ keys values items"  # generators: each step looks
_READS = "__getitem__ get __contains__ __len__ copy keyrefs valuerefs"
_WRITES = "__setitem__ __delitem__ pop popitem setdefault update add discard remove clear"


# The runtime's own, with the methods as they were before there were any points.
QuietDictionary: Any = type(
    "WeakKeyDictionary",
    (WeakKeyDictionary,),
    {name: value for name, value in vars(WeakKeyDictionary).items() if type(value) is FunctionType},
)


def install() -> None:
    """Put the points into the three classes, for instances that are there already, too."""
    for cls in (WeakValueDictionary, WeakKeyDictionary, WeakSet):
        for names, site in ((_READS, _READ), (_WRITES, _WRITE)):
            for name in names.split():
                if name in vars(cls):
                    setattr(cls, name, _told(vars(cls)[name], site, keyed=name in _KEYED))
        for name in _STEPS.split():
            if name in vars(cls):
                setattr(cls, name, _told_in_steps(vars(cls)[name]))


def _told(original: Callable[..., Any], site: Any, *, keyed: bool) -> Callable[..., Any]:
    @functools.wraps(original)
    def method(self: Any, *arguments: Any, **settings: Any) -> Any:
        if _is_called_by_the_program():
            KERNEL.decide(site, self, arguments[0] if keyed and arguments else None, site is _WRITE)
        return original(self, *arguments, **settings)

    return method


def _told_in_steps(original: Callable[[Any], Iterator[Any]]) -> Callable[[Any], Iterator[Any]]:
    @functools.wraps(original)
    def method(self: Any) -> Iterator[Any]:
        return _each(self, original(self)) if _is_called_by_the_program() else original(self)

    return method


def _each(container: Any, items: Iterator[Any]) -> Iterator[Any]:
    while True:
        if KERNEL.controls():
            KERNEL.decide(_READ, container, None, False)
        try:
            yield next(items)
        except StopIteration:
            return


def _is_called_by_the_program() -> bool:
    if not KERNEL.controls():
        return False
    caller = sys._getframe(2)
    while caller.f_globals.get("__name__") in _FOR_THE_PROGRAM and caller.f_back is not None:
        caller = caller.f_back
    home = str(caller.f_globals.get("__name__")).partition(".")[0]
    return home not in _OTHERS or caller.f_code.co_name in _RUN_TARGETS
