"""The scheduling points of an interpreter with a GIL: function entry, loops, after calls of C functions."""

from __future__ import annotations

import sys
from types import BuiltinMethodType, FunctionType, MethodType
from typing import Any

from torture.exploration.finalizers import in_finalizer
from torture.exploration.points import KernelPoints
from torture.exploration.recorder import TRUSTED_MODULES
from torture.instrument.atomicity import GIL_SILENT
from torture.instrument.files import FILE_FUNCTIONS, FILE_TYPES
from torture.runtime import databases, event_loops, futures, primitives, queues, semaphores, threads, timing
from torture.runtime.controlled import controlled
from torture.runtime.kernel import KERNEL
from torture.trace.site import Site

_kernel = KERNEL


class GilPoints(KernelPoints):
    """The places where an interpreter with a GIL switches: function entry, loops, after calls of C functions.

    ``cold``: also those that it has until it is warm. ``finalizers``: also those inside finalisers.
    """

    __slots__ = ("_cold", "_finalizers")

    def __init__(self, *, cold: bool = False, finalizers: bool = True) -> None:
        self._cold = cold
        self._finalizers = finalizers

    def call(self, site: Site, function: Any, first: object) -> object:
        if not _kernel.active:
            return function
        kind = type(function)
        owner = function.__self__ if kind is BuiltinMethodType else None
        if owner is not None:
            function = controlled(function, owner)
            kind = type(function)
        if kind is FunctionType:
            native = _stands_for_c(function)
        elif kind is MethodType:
            native = type(function.__func__) is not FunctionType or _stands_for_c(function.__func__)
        elif kind is BuiltinMethodType:
            native = function not in GIL_SILENT and (type(owner), function.__name__) != (list, "append")
            if function in FILE_FUNCTIONS or issubclass(type(owner), FILE_TYPES):
                self.enter(site)  # the call gives the GIL away before it does anything
        else:
            native = function not in GIL_SILENT if kind is type else True
        cold = self._cold and kind is not FunctionType and kind is not MethodType
        _kernel.current.calls.append((site, native or cold))
        return function

    def called(self, site: Site) -> None:
        kernel = _kernel
        if not kernel.active:
            return
        calls = kernel.current.calls
        while calls:  # calls that ended in an exception are still there, above ours
            announced, native = calls.pop()
            if announced is site:
                if native:
                    self.enter(site)
                return

    def enter(self, site: Site) -> None:
        kernel = _kernel
        if not self._finalizers and kernel.active and in_finalizer(sys._getframe(1)):
            return
        if kernel.countdown > 1:
            kernel.countdown -= 1
            return
        kernel.decide(site, ANYTHING, None, True)


class _Anything:
    """What follows a switch place of the GIL: it may touch everything."""

    __slots__ = ()


ANYTHING = _Anything()


def _stands_for_c(function: FunctionType) -> bool:
    """Tell whether a call of this Python function is, or ends like, one of C code: at its end there is a switch place.

    The runtime's own functions replace C ones, and those of the trusted modules end with a call of a lock.
    """
    module = function.__globals__.get("__name__")
    return module in TRUSTED_MODULES or function.__code__.co_filename in _NATIVE_FILES


_NATIVE_FILES = frozenset(
    module.__file__
    for module in (databases, event_loops, futures, primitives, queues, semaphores, threads, timing)
)
