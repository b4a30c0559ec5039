"""Ties instrumented code to the kernel: the callbacks that the rewritten bytecode calls.

This is the hot path. Every callback first sees whether a point matters at all (an immutable object has none), then
whether the strategy wants to be asked; only then is the operation described.
"""

from __future__ import annotations

import gc
import sys
import weakref
from types import BuiltinMethodType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

from torture.errors import InternalError
from torture.exploration.recorder import TRUSTED_MODULES
from torture.instrument.atomicity import (
    FUNCTIONS,
    GIL_SILENT,
    IMMUTABLE_TYPES,
    ITERATORS,
    METHODS,
    MUTABLE_TYPES,
    Effect,
)
from torture.instrument.files import ANY_PATH, FILE_FUNCTIONS, FILE_METHODS, FILE_TYPES
from torture.runtime import primitives, threads, timing
from torture.runtime.kernel import KERNEL
from torture.trace.site import Form, Kind, Site

_kernel = KERNEL
_BASES = tuple(MUTABLE_TYPES)
_UNSHARED = 3  # references to a generator that only the evaluation stack and the callback hold


class KernelPoints:
    """Implements :class:`torture.instrument.points.Points` on the kernel."""

    __slots__ = ()

    def access(self, site: Site, obj: object) -> None:
        kernel = _kernel
        if kernel.countdown > 1:
            kernel.countdown -= 1
            return
        if site.form is Form.GLOBAL:
            obj = sys._getframe(1).f_globals
        _decide_attribute(site, obj, site.name, site.kind is not Kind.READ, None)

    def store(self, site: Site, obj: object, value: object) -> None:
        kernel = _kernel
        if kernel.countdown > 1:
            kernel.countdown -= 1
            return
        if site.form is Form.GLOBAL:
            obj = sys._getframe(1).f_globals
        _decide_attribute(site, obj, site.name, True, value)

    def item(self, site: Site, obj: object, key: object) -> None:
        kind = type(obj)
        if kind in MUTABLE_TYPES or (kind not in IMMUTABLE_TYPES and isinstance(obj, _BASES)):
            kernel = _kernel
            if kernel.countdown > 1:
                kernel.countdown -= 1
                return
            kernel.decide(site, _canonical(obj), key, site.kind is not Kind.READ)

    def store_item(self, site: Site, obj: object, key: object, value: object) -> None:
        kind = type(obj)
        if kind in MUTABLE_TYPES or (kind not in IMMUTABLE_TYPES and isinstance(obj, _BASES)):
            kernel = _kernel
            if kernel.countdown > 1:
                kernel.countdown -= 1
                return
            kernel.decide(site, _canonical(obj), key, True, value)

    def container(self, site: Site, obj: object) -> None:
        kind = type(obj)
        if (
            kind in MUTABLE_TYPES
            or kind in ITERATORS
            or (kind is GeneratorType and sys.getrefcount(obj) > _UNSHARED)
            or (kind not in IMMUTABLE_TYPES and isinstance(obj, _BASES))
        ):
            if kind is list and site.form is Form.ITERATE:
                return  # making a list's iterator reads nothing
            kernel = _kernel
            if kernel.countdown > 1:
                kernel.countdown -= 1
                return
            if kind in ITERATORS:
                obj = _iterated(obj)
            kernel.decide(site, _canonical(obj), None, site.kind is not Kind.READ)

    def contains(self, site: Site, item: object, container: Any) -> bool:
        kernel = _kernel
        if type(container) is list and not kernel.gil and kernel.active:
            index = 0
            while index < len(container):  # one read per element, as a free-threaded interpreter does
                if kernel.countdown > 1:
                    kernel.countdown -= 1
                else:
                    kernel.decide(site, container, None, False)
                try:
                    element = container[index]
                except IndexError:
                    return False
                if element is item or element == item:
                    return True
                index += 1
            return False
        if type(container) in MUTABLE_TYPES or isinstance(container, _BASES):
            if kernel.countdown > 1:
                kernel.countdown -= 1
            else:
                kernel.decide(site, _canonical(container), item, False)
        return item in container

    def call(self, site: Site, function: Any, first: object) -> None:
        kind = type(function)
        if kind is FunctionType or kind is MethodType:
            return
        effect: Effect | None = None
        obj, key = first, None
        if kind is BuiltinMethodType:
            owner = function.__self__
            if type(owner) is ModuleType:
                effect = FUNCTIONS.get(function)
                if effect is None:
                    if function in FILE_FUNCTIONS:
                        _decide_file(site, function, first)
                    return
            elif isinstance(owner, FILE_TYPES):
                if function.__name__ in FILE_METHODS:
                    _kernel.decide(site, owner, None, True, function.__name__)
                return
            elif isinstance(owner, _BASES):
                effect = _effect_of(type(owner), function.__name__)
                obj = owner
                if effect is not None and effect.keyed:
                    key = first
        elif kind is type:
            effect = FUNCTIONS.get(function)
        if effect is None:
            return
        kind = type(obj)
        attribute = effect.form is Form.ATTRIBUTE
        if (
            not attribute
            and kind not in ITERATORS
            and kind is not GeneratorType
            and not isinstance(obj, _BASES)
        ):
            return
        kernel = _kernel
        if kernel.countdown > 1:
            kernel.countdown -= 1
            return
        if attribute:
            _decide_attribute(site, obj, None, effect.kind is not Kind.READ, function.__name__)
            return
        if kind in ITERATORS:
            obj = _iterated(obj)
        kernel.decide(site, _canonical(obj), key, effect.kind is not Kind.READ, function.__name__)

    def enter(self, site: Site) -> None:
        raise InternalError("a point of the other granularity")

    def called(self, site: Site) -> None:
        raise InternalError("a point of the other granularity")


class GilPoints(KernelPoints):
    """The places where an interpreter with a GIL switches: function entry, loops, after calls of C functions."""

    __slots__ = ()

    def call(self, site: Site, function: Any, first: object) -> None:
        if not _kernel.active:
            return
        kind = type(function)
        if kind is FunctionType:
            native = _stands_for_c(function)
        elif kind is MethodType:
            native = type(function.__func__) is not FunctionType or _stands_for_c(function.__func__)
        elif kind is BuiltinMethodType:
            owner = type(function.__self__)
            native = function not in GIL_SILENT and (owner, function.__name__) != (list, "append")
            if function in FILE_FUNCTIONS or isinstance(function.__self__, FILE_TYPES):
                self.enter(site)  # the call gives the GIL away before it does anything
        else:
            native = function not in GIL_SILENT if kind is type else True
        _kernel.current.calls.append((site, native))

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
        if kernel.countdown > 1:
            kernel.countdown -= 1
            return
        kernel.decide(site, ANYTHING, None, True)


class _Anything:
    """What follows a switch place of the GIL: it may touch everything."""

    __slots__ = ()


class FileSystem:
    """The file system."""

    __slots__ = ()


ANYTHING = _Anything()
FILES = FileSystem()


def _stands_for_c(function: FunctionType) -> bool:
    """Tell whether a call of this Python function is, or ends like, one of C code: at its end there is a switch place.

    The runtime's own functions replace C ones, and those of the trusted modules end with a call of a lock.
    """
    module = function.__globals__.get("__name__")
    return module in TRUSTED_MODULES or function.__code__.co_filename in _NATIVE_FILES


_NATIVE_FILES = frozenset(module.__file__ for module in (primitives, threads, timing))
_exposed: dict[
    int, weakref.ref[Any]
] = {}  # id of an instance's __dict__ that the program took -> the instance


def _decide_file(site: Site, function: Any, path: object) -> None:
    key = path if type(path) in (str, bytes, int) and function not in ANY_PATH else None
    _kernel.decide(site, FILES, key, FILE_FUNCTIONS[function], function.__name__)


def _decide_attribute(site: Site, obj: Any, name: str | None, writes: bool, value: object) -> None:
    if type(obj) is ModuleType:
        obj = vars(obj)  # a module's attribute and its global are one resource
    elif name == "__dict__" or site.name == "vars":
        _expose(obj)
    _kernel.decide(site, obj, name, writes, value)


def _expose(obj: Any) -> None:
    """Note that the program is about to take an instance's ``__dict__``: another spelling of its attributes."""
    try:
        attributes = object.__getattribute__(obj, "__dict__")
        _exposed[id(attributes)] = weakref.ref(obj)
    except (AttributeError, TypeError):
        return


def _canonical(obj: Any) -> object:
    """Return the instance where ``obj`` is its ``__dict__``."""
    if _exposed and type(obj) is dict:
        reference = _exposed.get(id(obj))
        owner = None if reference is None else reference()
        if owner is not None and getattr(owner, "__dict__", None) is obj:
            return owner
    return obj


def _effect_of(kind: type, name: str) -> Effect | None:
    """Return what a C method does, looked up in the class that it was inherited from."""
    for base in kind.__mro__:
        effect = METHODS.get((base, name))
        if effect is not None:
            return effect
    return None


def _iterated(iterator: object) -> object:
    """Return the container below an iterator."""
    for referent in gc.get_referents(iterator):
        if isinstance(referent, _BASES):
            return referent
    return iterator
