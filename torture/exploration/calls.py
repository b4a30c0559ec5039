"""What calls of C code do: the points before them, and what is called instead."""

from __future__ import annotations

import builtins
import sys
from array import array
from collections import OrderedDict, defaultdict
from contextvars import Context, ContextVar
from functools import partial
from itertools import chain
from types import (
    FunctionType,
    MethodDescriptorType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any
from weakref import CallableProxyType, ProxyType, ReferenceType

from torture.exploration import comparing, contexts, given, spelling, steps, substitution
from torture.exploration.resources import below, canonical, expose, used_by
from torture.instrument import natives
from torture.instrument.atomicity import (
    CALLABLES,
    COMPARING,
    FUNCTIONS,
    GENERATOR_METHODS,
    GENERATORS,
    ITERATORS,
    MUTABLE_TYPES,
    READ_ARGUMENT,
    SHARED_ONLY,
    UNSAFE_WRITES,
    VIEWS,
    Effect,
)
from torture.instrument.files import ANY_PATH, FILE_FUNCTIONS, FILE_METHODS, FILE_TYPES
from torture.instrument.natives import OF_THE_PROCESS, READS_OF_THE_PROCESS
from torture.runtime.blocking import FILES
from torture.runtime.caches import CACHED
from torture.runtime.controlled import controlled
from torture.runtime.kernel import KERNEL
from torture.trace.site import Form, Kind, Site

_kernel = KERNEL
_BASES = tuple(MUTABLE_TYPES)
_UNBOUND = (MethodDescriptorType, WrapperDescriptorType)


def of_method(site: Site, function: Any, first: object, effect: Effect) -> Any:
    """Announce a call of a method of a container."""
    owner = function.__self__
    if effect.steps == "many" or site.name == "key":
        made = substitution.stand_in_for_method(site, function, owner, first)
        if made is not None:
            return made
        if function.__name__ in READ_ARGUMENT and given.leads_to_container(first):
            return given.given(site, function, first, owner)
    announce(site, function.__name__, owner, first if effect.keyed else None, effect)
    if type(owner) is defaultdict and function.__name__ == "__getitem__":
        substitution.fill_missing(site, owner, first)
    return function


def of_function(site: Site, function: Any, first: object, effect: Effect) -> Any:
    """Announce a call of a function or type that a table knows."""
    if effect.shows and type(first) in given.INERT:
        return function
    if function in COMPARING:
        comparing.pass_if_nested(site, first)
    if effect.steps == "many" or effect.snapshot or effect.calls_back:
        made = substitution.stand_in_for_function(site, function, first)
        if made is not None:
            return made
    return _in_steps(site, function, first, None, first, effect)


def of_unknown(site: Site, function: Any, first: object) -> Any:
    """Announce a call of a function of a module in C that no table of containers knows."""
    if function in FILE_FUNCTIONS:
        _decide_file(site, function, first)
        return function
    if function in OF_THE_PROCESS:
        steps.pass_point(site, None, None, True, function.__name__)
        return function
    if function in READS_OF_THE_PROCESS:
        steps.pass_point(site, sys, None, False, function.__name__)
        return function
    if function is __build_class__:
        steps.pass_point(site, type, None, True, "class")
        return function
    if function is eval or function is exec:
        return given.evaluated(site, function)
    return given.given(site, function, first)


def of_other_method(site: Site, function: Any, first: object) -> Any:
    """Announce a call of a method of what is neither a module nor an exact container."""
    owner = function.__self__
    kind = type(owner)
    if issubclass(kind, FILE_TYPES):
        if function.__name__ in FILE_METHODS:
            if given.leads_to_container(first):
                return given.given(site, function, first, owner)
            _kernel.decide(site, owner, None, True, function.__name__)
        return function
    if issubclass(kind, _BASES):
        effect = spelling.effect_of(kind, function.__name__)
        return function if effect is None else of_method(site, function, first, effect)
    if issubclass(kind, BaseException):
        return given.of_error(site, function, owner) or given.given(site, function, first)
    if function.__name__ == "__subclasses__" and issubclass(kind, type):
        steps.pass_point(site, None, None, True, "__subclasses__")
        return function
    if kind in GENERATORS:
        if function.__name__ in GENERATOR_METHODS:
            steps.pass_unsynchronised(site, owner, function.__name__, owner)
        return function
    if kind is Context:
        return contexts.of_context(site, function, owner)
    if kind is ContextVar:
        return contexts.of_variable(site, function)
    if kind is tuple and type(first) not in given.INERT:
        comparing.pass_if_nested(site, owner)  # index() and count()
        return function
    if kind is str:
        if type(first) in given.INERT and function.__name__ != "format":
            return function
        if function.__name__ == "translate":
            return given.given(site, function, first)
        return substitution.stand_in_for_text_method(site, function) or function
    if owner is chain and _kernel.controls():
        return partial(given.chain_each, site, function)
    made = controlled(function, owner)
    if made is not function:
        return made
    if natives.holds_state(kind) and not steps.is_private(owner, 3, 2):
        return given.stateful(site, function, owner)
    return given.given(site, function, first)


def of_object(site: Site, function: Any, first: object) -> Any:
    """Announce a call of a type, a slot, or an object that can be called."""
    kind = type(function)
    if kind is type:
        effect = FUNCTIONS.get(function)
        return function if effect is None else of_function(site, function, first, effect)
    if kind is MethodWrapperType or kind in _UNBOUND:
        if kind is MethodWrapperType and function.__name__ == "__call__":
            called = given.announced(site, function.__self__, first)
            return (
                function if called is function.__self__ else called
            )  # what it has in C may not be what it calls
        effect, obj, key = spelling.slot(function, kind is MethodWrapperType, first)
        return function if effect is None else _in_steps(site, function, obj, key, first, effect)
    if kind is partial:
        steps.pass_point(site, function.keywords, None, False, "partial")
        called = given.announced(site, function.func, function.args[0] if function.args else first)
        return function if called is function.func else partial(called, *function.args, **function.keywords)
    if kind is CACHED:
        _kernel.decide(site, function, None, False)
    elif issubclass(kind, ReferenceType):
        # Whether it is still there depends on whoever has it, which is not known.
        _kernel.decide(site, None, None, False, "weakref()")
    elif kind in CALLABLES:
        return given.of_getter(site, function)
    elif not _is_python(kind):
        return given.given(site, function, first)
    return function


def _is_python(kind: type) -> bool:
    """Tell whether what a call of such an object does is Python code."""
    return any(type(vars(base).get("__call__")) is FunctionType for base in kind.__mro__)


def _in_steps(site: Site, function: Any, obj: Any, key: object, first: object, effect: Effect) -> Any:
    """Return what does a call in its visible steps; declare one that is one step, and return it itself."""
    if effect.kind is Kind.WRITE and effect.form is Form.CONTAINER:
        made = spelling.stand_in(site, function, obj, first)
        if made is not None:
            return made
    announce(site, function.__name__, obj, key, effect)
    return function


def announce(site: Site, name: str, obj: object, key: object, effect: Effect) -> None:
    """Declare a call that is one step."""
    kind = type(obj)
    if effect.form is Form.ATTRIBUTE:
        if _kernel.countdown > 1:
            _kernel.countdown -= 1
        else:
            attribute = "__dict__" if name == "vars" else None
            decide_attribute(site, obj, attribute, effect.kind is not Kind.READ, name)
        return
    if kind in VIEWS:
        obj = below(obj)
        kind = type(obj)
    iterates = kind in ITERATORS or kind in SHARED_ONLY
    if not iterates and not issubclass(kind, _BASES):
        if natives.holds_state(kind):
            steps.pass_point(site, obj, None, effect.kind is not Kind.READ, name)
        return
    if effect in UNSAFE_WRITES and (iterates or kind is not array):
        steps.pass_unsynchronised(site, used_by(obj), name, canonical(below(obj)))
        return
    if iterates and (effect.snapshot or effect.steps == "many") and not steps.is_private(obj, 4, 3):
        steps.pass_unsynchronised(site, used_by(obj), name, canonical(below(obj)))
        return
    kernel = _kernel
    if kernel.countdown > 1:
        kernel.countdown -= 1
        return
    if iterates:
        obj = below(obj)
    if effect.kind is not Kind.READ:
        decide_write(site, obj, key, name)
    elif effect.snapshot:
        steps.pass_snapshot(site, canonical(obj), name)
    else:
        kernel.decide(site, canonical(obj), key, False, name)


def decide_write(site: Site, obj: object, key: object, value: object) -> None:
    """Declare a change of a container, which waits while another thread has its lock."""
    if type(obj) is OrderedDict:
        steps.pass_unsynchronised(site, obj, "changing it", canonical(obj))
        return
    if type(obj) is memoryview:
        key = None  # counted otherwise than in what is below
    obj = canonical(obj)
    if steps.held:
        steps.await_lock(obj)
    _kernel.decide(site, obj, key, True, value)


def _decide_file(site: Site, function: Any, path: object) -> None:
    key = path if type(path) in (str, bytes, int) and function not in ANY_PATH else None
    _kernel.decide(site, FILES, key, FILE_FUNCTIONS[function], function.__name__)


def decide_attribute(site: Site, obj: Any, name: str | None, writes: bool, value: object) -> None:
    kind = type(obj)
    if kind is ModuleType:
        # A module's attribute and its global are one resource; a builtin may be read as any module's global.
        obj = None if obj is builtins and writes else vars(obj)
    elif kind is ProxyType or kind is CallableProxyType:
        obj = None  # whose attribute it is cannot be told
    elif name == "__dict__":
        expose(obj)
    _kernel.decide(site, obj, name, writes, value)
