"""Ties instrumented code to the kernel: the callbacks that the rewritten bytecode calls.

This is the hot path. Every callback first sees whether a point matters at all (an immutable object has none), then
whether the strategy wants to be asked; only then is the operation described.
"""

from __future__ import annotations

import sys
import weakref
from array import array
from collections import OrderedDict, defaultdict
from functools import partial
from types import (
    BuiltinMethodType,
    FunctionType,
    GeneratorType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any
from weakref import ReferenceType

from torture.errors import InternalError
from torture.exploration import spelling, steps, substitution
from torture.exploration.finalizers import in_finalizer
from torture.exploration.recorder import TRUSTED_MODULES
from torture.instrument.atomicity import (
    CALLABLES,
    FUNCTIONS,
    GENERATOR_METHODS,
    GIL_SILENT,
    IMMUTABLE_TYPES,
    ITERATORS,
    METHODS,
    MUTABLE_TYPES,
    SHARED_ONLY,
    UNSAFE_WRITES,
    Effect,
)
from torture.instrument.files import ANY_PATH, FILE_FUNCTIONS, FILE_METHODS, FILE_TYPES
from torture.runtime import databases, primitives, threads, timing
from torture.runtime.blocking import FILES
from torture.runtime.kernel import KERNEL
from torture.trace.site import Form, Kind, Site

_kernel = KERNEL
# Asked for with ``issubclass``: ``isinstance`` reads ``__class__``, which may be the program's own code.
_BASES = tuple(MUTABLE_TYPES)
_UNBOUND = (MethodDescriptorType, WrapperDescriptorType)
_COPIED = frozenset({list, dict, set})  # operands whose copy stands for them
_UNSHARED = 3  # references to an iterator that only the evaluation stack and the callback hold


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
        if kind in MUTABLE_TYPES or (kind not in IMMUTABLE_TYPES and issubclass(kind, _BASES)):
            kernel = _kernel
            writes = site.kind is not Kind.READ
            if kernel.countdown > 1:
                kernel.countdown -= 1
            elif writes:
                _decide_write(site, obj, key, None)
            else:
                kernel.decide(site, _canonical(obj), None if kind is memoryview else key, False)
            if kind is defaultdict and not writes and key is not None:
                substitution.fill_missing(site, obj, key)  # type: ignore[arg-type]

    def store_item(self, site: Site, obj: object, key: object, value: object) -> None:
        kind = type(obj)
        if kind in MUTABLE_TYPES or (kind not in IMMUTABLE_TYPES and issubclass(kind, _BASES)):
            kernel = _kernel
            if kernel.countdown > 1:
                kernel.countdown -= 1
                return
            _decide_write(site, obj, key, value)

    def store_slice(self, site: Site, obj: object, bounds: slice, value: object) -> None:
        self.store_item(site, obj, None, value)
        if type(obj) is list:
            substitution.assign_slice(site, obj, bounds, value)

    def container(self, site: Site, obj: object) -> None:
        kind = type(obj)
        iterates = kind in ITERATORS
        if (
            kind in MUTABLE_TYPES
            or iterates
            or (kind in SHARED_ONLY and sys.getrefcount(obj) > _UNSHARED)
            or (kind not in IMMUTABLE_TYPES and issubclass(kind, _BASES))
        ):
            if kind is list and site.form is Form.ITERATE:
                return  # making a list's iterator reads nothing
            if (
                (iterates or kind in SHARED_ONLY)
                and site.form is Form.ITERATE
                and sys.getrefcount(obj) > _UNSHARED
            ):
                steps.pass_unsynchronised(site, obj, "next", _canonical(steps.below(obj)))
                return
            kernel = _kernel
            if kernel.countdown > 1:
                kernel.countdown -= 1
                return
            if iterates:
                obj = steps.below(obj)
            kernel.decide(site, _canonical(obj), None, site.kind is not Kind.READ)

    def operator(self, site: Site, left: object, right: object) -> object:
        left_kind, right_kind = type(left), type(right)
        if left_kind in IMMUTABLE_TYPES and right_kind in IMMUTABLE_TYPES:
            return right
        kernel = _kernel
        if site.kind is Kind.WRITE:
            done, right = substitution.in_place(site, left, right)
            if done:
                return right
        mutable = left_kind in MUTABLE_TYPES or (
            left_kind not in IMMUTABLE_TYPES and issubclass(left_kind, _BASES)
        )
        if right_kind in MUTABLE_TYPES and right is not left:
            if kernel.countdown > 1:
                kernel.countdown -= 1
            else:
                kernel.decide(site, _canonical(right), None, False)
            if mutable and right_kind in _COPIED:
                right = right.copy()  # type: ignore[attr-defined] # read here: the next point is the left operand's
        if mutable:
            if kernel.countdown > 1:
                kernel.countdown -= 1
            elif site.kind is Kind.WRITE:
                _decide_write(site, left, None, None)
            else:
                kernel.decide(site, _canonical(left), None, False)
        return right

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
        if issubclass(type(container), _BASES):
            if kernel.countdown > 1:
                kernel.countdown -= 1
            else:
                kernel.decide(site, _canonical(container), item, False)
        return item in container

    def call(self, site: Site, function: Any, first: object) -> object:
        kind = type(function)
        if kind is FunctionType or kind is MethodType:
            return function
        effect: Effect | None = None
        obj, key = first, None
        if kind is BuiltinMethodType:
            owner = function.__self__
            owner_kind = type(owner)
            if (
                owner_kind in MUTABLE_TYPES
            ):  # before the others: xs.append is the call that programs make most
                effect = METHODS.get((owner_kind, function.__name__))
                if effect is None:
                    return function
                if effect.steps == "one":
                    kernel = _kernel
                    if kernel.countdown > 1:
                        kernel.countdown -= 1
                        return function
            if owner_kind is ModuleType:
                effect = FUNCTIONS.get(function)
                if effect is None:
                    if function in FILE_FUNCTIONS:
                        _decide_file(site, function, first)
                    return function
            elif effect is None and issubclass(owner_kind, FILE_TYPES):
                if function.__name__ in FILE_METHODS:
                    _kernel.decide(site, owner, None, True, function.__name__)
                return function
            elif effect is not None or issubclass(owner_kind, _BASES):
                effect = effect or spelling.effect_of(owner_kind, function.__name__)
                obj = owner
                if effect is None:
                    return function
                if effect.keyed:
                    key = first
                if effect.steps == "many":
                    made = substitution.stand_in_for_method(site, function, obj, first)
                    if made is not None:
                        return made
                return _announced(site, function, obj, key, effect)
            elif owner_kind is GeneratorType:
                effect, obj = GENERATOR_METHODS.get(function.__name__), owner
            else:
                return _controlled(function, owner)
        elif kind is type:
            effect = FUNCTIONS.get(function)
        elif kind is MethodWrapperType or kind in _UNBOUND:
            effect, obj, key = spelling.slot(function, kind is MethodWrapperType, first)
        elif kind is partial:
            called: Any = self.call(site, function.func, function.args[0] if function.args else first)
            if called is function.func:
                return function
            return partial(called, *function.args, **function.keywords)
        elif issubclass(kind, ReferenceType):
            # Whether it is still there depends on whoever has it, which is not known.
            _kernel.decide(site, None, None, False, "weakref()")
        elif kind in CALLABLES:
            _announce(site, kind.__name__, first, None, CALLABLES[kind])
            return function
        if effect is None:
            return function
        if obj is first and (effect.steps == "many" or effect.snapshot):
            made = substitution.stand_in_for_function(site, function, obj)
            if made is not None:
                return made
        return _in_steps(site, function, obj, key, first, effect)

    def enter(self, site: Site) -> None:
        raise InternalError("a point of the other granularity")

    def called(self, site: Site) -> None:
        raise InternalError("a point of the other granularity")


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
            function = _controlled(function, owner)
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


_NATIVE_FILES = frozenset(module.__file__ for module in (databases, primitives, threads, timing))
_exposed: dict[
    int, weakref.ref[Any]
] = {}  # id of an instance's __dict__ that the program took -> the instance


def _controlled(function: Any, owner: Any) -> Any:
    """Return what does the call of a C method that would wait, or look at the time, by itself."""
    if type(owner) is type:
        return timing.now_of(owner, function.__name__) if timing.reads_clock(function, owner) else function
    return databases.stand_in(function) if issubclass(type(owner), databases.kinds) else function


def _in_steps(site: Site, function: Any, obj: Any, key: object, first: object, effect: Effect) -> object:
    """Return what does a call in its visible steps; declare one that is one step, and return it itself."""
    if effect.kind is Kind.WRITE and effect.form is Form.CONTAINER:
        made = spelling.stand_in(site, function, obj, first)
        if made is not None:
            return made
    return _announced(site, function, obj, key, effect)


def _announced(site: Site, function: Any, obj: Any, key: object, effect: Effect) -> object:
    _announce(site, function.__name__, obj, key, effect)
    return function


def _announce(site: Site, name: str, obj: object, key: object, effect: Effect) -> None:
    """Declare a call that is one step."""
    kind = type(obj)
    if effect.form is Form.ATTRIBUTE:
        if _kernel.countdown > 1:
            _kernel.countdown -= 1
        else:
            attribute = "__dict__" if name == "vars" else None
            _decide_attribute(site, obj, attribute, effect.kind is not Kind.READ, name)
        return
    iterates = kind in ITERATORS or kind in SHARED_ONLY
    if not iterates and not issubclass(kind, _BASES):
        return
    if effect in UNSAFE_WRITES and (iterates or kind is not array):
        steps.pass_unsynchronised(site, obj, name, _canonical(steps.below(obj)))
        return
    kernel = _kernel
    if kernel.countdown > 1:
        kernel.countdown -= 1
        return
    if iterates:
        obj = steps.below(obj)
    if effect.kind is not Kind.READ:
        _decide_write(site, obj, key, name)
    elif effect.snapshot:
        steps.pass_snapshot(site, _canonical(obj), name)
    else:
        kernel.decide(site, _canonical(obj), key, False, name)


def _decide_write(site: Site, obj: object, key: object, value: object) -> None:
    """Declare a change of a container, which waits while another thread has its lock."""
    if type(obj) is OrderedDict:
        steps.pass_unsynchronised(site, obj, "changing it", _canonical(obj))
        return
    if type(obj) is memoryview:
        key = None  # counted otherwise than in what is below
    obj = _canonical(obj)
    if steps.held:
        steps.await_lock(obj)
    _kernel.decide(site, obj, key, True, value)


def _decide_file(site: Site, function: Any, path: object) -> None:
    key = path if type(path) in (str, bytes, int) and function not in ANY_PATH else None
    _kernel.decide(site, FILES, key, FILE_FUNCTIONS[function], function.__name__)


def _decide_attribute(site: Site, obj: Any, name: str | None, writes: bool, value: object) -> None:
    if type(obj) is ModuleType:
        obj = vars(obj)  # a module's attribute and its global are one resource
    elif name == "__dict__":
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
    """Return the instance where ``obj`` is its ``__dict__``, and what is below a memoryview."""
    if type(obj) is memoryview:
        try:
            return obj.obj
        except ValueError:  # released
            return obj
    if _exposed and type(obj) is dict:
        reference = _exposed.get(id(obj))
        owner = None if reference is None else reference()
        if owner is not None and getattr(owner, "__dict__", None) is obj:
            return owner
    return obj
