"""Code in C that no table of containers knows: what may be shared, what belongs to the process, what looks at its caller."""

from __future__ import annotations

import builtins
import gc
import os
import sys
import warnings
import zlib
from types import BuiltinFunctionType, ModuleType


def _functions(*named: tuple[ModuleType, str]) -> frozenset[object]:
    """Return those of the named functions that this version has in C."""
    found = (getattr(module, name, None) for module, names in named for name in names.split())
    return frozenset(each for each in found if type(each) is BuiltinFunctionType)


# They look at the frame that calls them, so nothing may stand between.
LOOK_AT_CALLER = _functions(
    (builtins, "locals globals vars dir eval exec __import__ __build_class__ breakpoint"),
    (sys, "_getframe _getframemodulename settrace setprofile exc_info"),
    (warnings, "warn"),
)

# They change what the whole process has, or tell what anything may change: dependent on everything. What only reads
# it needs no point, as the changes depend on the step that it is part of.
OF_THE_PROCESS = _functions(
    (os, "chdir fchdir umask"),
    (sys, "setrecursionlimit setswitchinterval getrefcount"),
    (gc, "collect enable disable get_objects get_referrers"),
    (warnings, "warn warn_explicit"),
)

# Their objects never change, belong to one thread, or have points of another kind.
_WITHOUT_STATE = """
    builtins types typing _typing re _sre datetime _datetime zoneinfo _struct weakref _weakref operator _operator
    ast _ast os posix time abc _thread threading _io io _socket socket select _ssl ssl _sqlite3 sqlite3 _asyncio
    asyncio asyncio.events collections itertools array _json contextvars _contextvars _queue queue greenlet _greenlet enum
    string.templatelib
"""
_MODULES_WITHOUT_STATE = frozenset(_WITHOUT_STATE.split())
_TYPES_WITHOUT_STATE = frozenset(
    [
        ("decimal", "Decimal"),
        ("_decimal", "Decimal"),
        ("functools", "partial"),
        ("functools", "_lru_cache_wrapper"),
        ("functools", "KeyWrapper"),
        ("collections", "_tuplegetter"),
    ]
)

KNOWS_ITS_CLASS: type = type(zlib.compressobj().compress)  # a method in C of another type than most

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE
_NOT_INSTANTIATED = 1 << 7  # Py_TPFLAGS_DISALLOW_INSTANTIATION
_known: dict[type, bool] = {}


def holds_state(kind: type) -> bool:
    """Tell whether objects of a type have state that only C code sees, which no table describes.

    >>> import hashlib, random
    >>> [holds_state(kind) for kind in (type(hashlib.md5()), random.Random, list, object, int, ValueError)]
    [True, True, False, False, False, False]
    """
    known = _known.get(kind)
    if known is None:
        known = _known[kind] = _holds_state(kind)
    return known


def _holds_state(kind: type) -> bool:
    base = _native_base(kind)
    module = base.__module__
    return not (
        base is object
        or not isinstance(module, str)
        or module in _MODULES_WITHOUT_STATE
        or module.partition(".")[0] == "torture"
        or (module, base.__qualname__) in _TYPES_WITHOUT_STATE
    )


def _native_base(kind: type) -> type:
    """Return the first class in C among those that a class comes from; as ``copyreg`` looks for it."""
    for base in type.mro(kind):
        flags = base.__flags__
        if not flags & _HEAP_TYPE or flags & _NOT_INSTANTIATED:
            return base
        new = base.__dict__.get("__new__")
        if type(new) is BuiltinFunctionType and new.__self__ is base:
            return base
    return object
