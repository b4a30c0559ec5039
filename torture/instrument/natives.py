"""Code in C that no table of containers knows: what may be shared, what belongs to the process, what looks at its caller."""

from __future__ import annotations

import _csv
import _locale
import builtins
import gc
import os
import sys
import time
import warnings
import zlib
from importlib.machinery import ExtensionFileLoader
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

# They change what the whole process has, or tell what anything may change: dependent on everything.
OF_THE_PROCESS = _functions(
    (os, "chdir fchdir umask putenv unsetenv"),
    (sys, "setrecursionlimit setswitchinterval getrefcount set_int_max_str_digits"),
    (_csv, "field_size_limit"),
    (_locale, "setlocale"),
    (time, "tzset"),
    (gc, "collect enable disable get_objects get_referrers"),
    (warnings, "warn warn_explicit"),
)

READS_OF_THE_PROCESS = _functions(
    (os, "getcwd getcwdb"),
    (sys, "getrecursionlimit getswitchinterval get_int_max_str_digits"),
    (gc, "isenabled get_threshold get_count"),
)

# Attributes that operations of other kinds change.
CHANGED_BY_C: frozenset[str] = frozenset(
    "closed __notes__ __traceback__ __context__ __cause__ gi_frame gi_running gi_suspended gi_yieldfrom "  # noqa: SIM905
    "cr_frame cr_running cr_suspended cr_await line_num".split()
)

# Their objects never change, belong to one thread, or have points of another kind.
_WITHOUT_STATE = """
    builtins types typing _typing re _sre datetime _datetime zoneinfo _struct weakref _weakref operator _operator
    ast _ast os posix time abc _thread threading _socket socket select _ssl ssl _sqlite3 sqlite3 _asyncio
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

_TYPES_WITH_STATE = frozenset([("_sre", "SRE_Scanner"), ("_contextvars", "Context")])  # of those modules

KNOWS_ITS_CLASS: type = type(zlib.compressobj().compress)  # a method in C of another type than most

_OF_TOOLS = frozenset({"greenlet", "coverage"})


def has_foreign_code() -> bool:
    """Tell whether C code is loaded that is neither Python's own nor a tool's: its objects may be calculated with."""
    natives = {name.partition(".")[0] for name, module in list(sys.modules.items()) if _is_native(module)}
    return not natives <= sys.stdlib_module_names | _OF_TOOLS


def _is_native(module: object) -> bool:
    return type(getattr(getattr(module, "__spec__", None), "loader", None)) is ExtensionFileLoader


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
    if (module, base.__qualname__) in _TYPES_WITH_STATE:
        return True
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
