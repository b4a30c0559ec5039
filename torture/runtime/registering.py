"""``ABC.register``: a step of its own, on which everything depends: any ``isinstance`` may read what it changes."""

from __future__ import annotations

import functools
from abc import ABCMeta
from typing import Any

from torture.runtime.kernel import KERNEL
from torture.runtime.primitives import primitive
from torture.trace.site import Kind

_REGISTER = primitive(Kind.SWITCH, "register")


def install() -> None:
    """Put the point before it; the module that it is in has none, for it runs below every class."""
    original = vars(ABCMeta)["register"]

    @functools.wraps(original)
    def register(cls: Any, subclass: Any) -> Any:
        if KERNEL.controls():
            KERNEL.decide(_REGISTER, None, None, True)
        return original(cls, subclass)

    if original.__globals__ is not globals():
        ABCMeta.register = register  # type: ignore[method-assign]
