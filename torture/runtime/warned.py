"""``warnings``: each change of the filters is a step; the module has no points of its own, for it runs below everything."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from torture.runtime.kernel import KERNEL
from torture.runtime.primitives import primitive
from torture.trace.site import Kind

_CHANGE = primitive(Kind.WRITE, "filters")


class _Filters:
    """Stands for all that the module has."""


_FILTERS = _Filters()


def install() -> dict[int, Any]:
    """Put the points into the class; return the functions with points by the ids of the originals."""
    kind: Any = warnings.catch_warnings
    if kind.__enter__.__module__ == __name__:
        return {}
    kind.__enter__ = _told(kind.__enter__)
    kind.__exit__ = _told(kind.__exit__)
    by_value = {}
    for name in ("simplefilter", "filterwarnings", "resetwarnings"):
        original = getattr(warnings, name)
        by_value[id(original)] = hybrid = _told(original)
        setattr(warnings, name, hybrid)
    return by_value


def _told(original: Callable[..., Any]) -> Callable[..., Any]:
    def told(*args: Any, **kwargs: Any) -> Any:
        if KERNEL.controls():
            KERNEL.decide(_CHANGE, _FILTERS, None, True)
        return original(*args, **kwargs)

    return functools.update_wrapper(told, original, assigned=("__name__", "__qualname__", "__doc__"))
