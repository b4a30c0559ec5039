"""``ABC.register``: a step, as are the checks of instances and subclasses that it changes.

What is checked positively stays so: a point is only where the answer is no, or something was registered before.
"""

from __future__ import annotations

import functools
import sys
from abc import ABCMeta
from collections.abc import Callable
from typing import Any, TypeVar

from torture.runtime.kernel import KERNEL
from torture.runtime.primitives import primitive
from torture.trace.site import Kind

_REGISTER = primitive(Kind.WRITE, "register")
_CHECK = primitive(Kind.READ, "check")
_F = TypeVar("_F", bound=Callable[..., Any])
_OWN = ("torture.exploration", "torture.runtime", "torture.strategies")


class _Registry:
    """Stands for all that was registered anywhere; ``epoch`` is the last execution that did."""

    epoch = -1


_REGISTRY = _Registry()
_asking: set[int] = (
    set()
)  # threads in C code, which asks others in turn, but only until it remembers the answer: no points


def install() -> None:
    """Put the points into the methods; the module that they are in has none, for it runs below every class."""
    if vars(ABCMeta)["register"].__module__ == __name__:
        return
    meta: Any = ABCMeta
    meta.register = _registering(meta.register)
    for name in ("__instancecheck__", "__subclasscheck__"):
        setattr(meta, name, _checking(vars(ABCMeta)[name]))


def _registering(original: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def register(cls: Any, subclass: Any) -> Any:
        if KERNEL.controls():
            KERNEL.decide(_REGISTER, _REGISTRY, None, True)
            _REGISTRY.epoch = KERNEL.epoch
        return original(cls, subclass)

    return _named(register, original)


def _checking(original: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def check(cls: Any, checked: Any) -> bool:
        if not KERNEL.controls() or KERNEL.current.index in _asking:
            return original(cls, checked)
        answer = ask(cls, checked)
        if answer and _REGISTRY.epoch != KERNEL.epoch:
            return answer
        if str(sys._getframe(1).f_globals.get("__name__")).startswith(_OWN):
            return answer
        KERNEL.decide(_CHECK, _REGISTRY, None, False)
        return ask(cls, checked)

    def ask(cls: Any, checked: Any) -> bool:
        me = KERNEL.current.index
        _asking.add(me)
        try:
            return original(cls, checked)
        finally:
            _asking.discard(me)

    return _named(check, original)


def _named(function: _F, original: Any) -> _F:
    functools.update_wrapper(function, original, assigned=("__name__", "__qualname__", "__doc__"))
    return function
