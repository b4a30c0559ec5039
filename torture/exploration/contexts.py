"""``Context.run``: nobody else may enter the context meanwhile, and who has it sees what is set in it."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from functools import partial
from typing import Any

from torture.exploration.given import announced
from torture.exploration.steps import is_over, pass_point
from torture.runtime.kernel import KERNEL
from torture.trace.site import Site

_READS = frozenset(
    {"copy", "get", "items", "keys", "values", "__contains__", "__getitem__", "__iter__", "__len__"}
)
_inside: dict[int, list[Context]] = {}  # index of a thread -> those it has entered by a call that has a point


def reset() -> None:
    """Forget who was where in an earlier execution."""
    _inside.clear()


def of_context(site: Site, method: Any, context: Context) -> Any:
    """Announce a call of a method of a context; return what is called instead."""
    if method.__name__ == "run":
        return method if is_over() or not KERNEL.controls() else partial(_run, site, method, context)
    if method.__name__ in _READS:
        pass_point(site, context, None, False, method.__name__)
    return method


def of_variable(site: Site, method: Any) -> Any:
    """Announce a change of a context variable, where others may see it."""
    inside = _inside.get(KERNEL.current.index) if KERNEL.controls() else None
    if inside and method.__name__ in ("set", "reset"):
        pass_point(site, inside[-1], None, True, method.__name__)
    return method


def _run(
    site: Site, run: Callable[..., Any], context: Context, function: Any, *args: Any, **kwargs: Any
) -> Any:
    def inside() -> Any:
        entered.append(context)
        try:
            return called(*args, **kwargs)
        finally:
            entered.pop()
            pass_point(site, context, None, True, "run")  # to leave it

    entered = _inside.setdefault(KERNEL.current.index, [])
    pass_point(site, context, None, True, "run")
    called = announced(site, function, args[0] if args else None)
    return run(inside)
