"""``functools.lru_cache``, which is C: that it keeps a result is a point; instrumented code has one where it looks.

It looks, calls the program's function without any lock, and keeps the result: another thread that looks in between
calls the function, too.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from types import BuiltinMethodType
from typing import Any

from torture.runtime.kernel import KERNEL
from torture.runtime.primitives import primitive
from torture.trace.site import Kind

_KEEP = primitive(Kind.WRITE, "keep")
_LOOK = primitive(Kind.READ, "look")
_make: Any = functools._lru_cache_wrapper
CACHED: type = _make  # the kind of a function with a cache


def install() -> None:
    """Have the caches that are made from now on keep their results at a point."""
    functools._lru_cache_wrapper = _make_cached  # type: ignore[assignment,misc]


def _make_cached(function: Callable[..., Any], *settings: Any) -> Any:
    def call(*arguments: Any, **named: Any) -> Any:
        result = function(*arguments, **named)
        if KERNEL.controls() and not KERNEL.gil:  # which nothing could ask for here
            KERNEL.decide(_KEEP, cached(), None, True)
        return result

    made = _make(call, *settings)
    cached = weakref.ref(made)  # a cycle would keep it, and what it keeps, alive
    return made


def stand_in(method: BuiltinMethodType) -> Callable[..., Any]:
    """Return what does the call of a cached function's method: ``cache_clear`` changes it, ``cache_info`` looks."""

    def call(*arguments: Any) -> Any:
        if KERNEL.controls():
            clears = method.__name__ == "cache_clear"
            KERNEL.decide(_KEEP if clears else _LOOK, method.__self__, None, clears)
        return method(*arguments)

    return call
