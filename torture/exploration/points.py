"""Ties instrumented code to the kernel: the callbacks that the rewritten bytecode calls.

This is the hot path. Every callback first sees whether a point matters at all (an immutable object has none), then
whether the strategy wants to be asked; only then is the operation described.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from functools import partial
from types import (
    BuiltinMethodType,
    FunctionType,
    MethodType,
    ModuleType,
    SimpleNamespace,
)
from typing import Any

from torture.errors import InternalError
from torture.exploration import calls, comparing, given, steps, substitution, texts
from torture.exploration.calls import decide_attribute, decide_write
from torture.exploration.given import INERT
from torture.exploration.resources import TEE, below, canonical, passes_points, used_by
from torture.instrument import matching
from torture.instrument.atomicity import (
    FUNCTIONS,
    HARMLESS,
    IMMUTABLE_TYPES,
    ITERATORS,
    METHODS,
    MUTABLE_TYPES,
    ONE_READ,
    ONE_STEP_SOURCES,
    SHARED_ONLY,
    VIEWS,
)
from torture.instrument.natives import KNOWS_ITS_CLASS, holds_state
from torture.runtime import callbacks
from torture.runtime.kernel import KERNEL
from torture.trace.site import Form, Kind, Site

_kernel = KERNEL
# Asked for with ``issubclass``: ``isinstance`` reads ``__class__``, which may be the program's own code.
_BASES = tuple(MUTABLE_TYPES)
_AT_ONCE = {  # what is taken in one step
    "unpack": frozenset(),
    "tuple": ONE_STEP_SOURCES[tuple],
    "list": ONE_STEP_SOURCES[list],
    "set": ONE_STEP_SOURCES[set],
    "dict": MUTABLE_TYPES,
}
_WALKED = frozenset({list, dict, SimpleNamespace})  # containers that are compared element by element
_FORMATS = frozenset({"%", "%="})
_COPIED = frozenset({list, dict, set})  # operands whose copy stands for them
_UNSHARED = 3  # references to an object that only the evaluation stack and the callback hold


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
        decide_attribute(site, obj, site.name, site.kind is not Kind.READ, None)

    def store(self, site: Site, obj: object, value: object) -> None:
        kernel = _kernel
        if kernel.countdown > 1:
            kernel.countdown -= 1
            return
        if site.form is Form.GLOBAL:
            obj = sys._getframe(1).f_globals
        decide_attribute(site, obj, site.name, True, value)

    def item(self, site: Site, obj: object, key: object) -> None:
        kind = type(obj)
        if kind in MUTABLE_TYPES or (kind not in IMMUTABLE_TYPES and issubclass(kind, _BASES)):
            kernel = _kernel
            writes = site.kind is not Kind.READ
            if kernel.countdown > 1:
                kernel.countdown -= 1
            elif writes:
                decide_write(site, obj, key, None)
            else:
                kernel.decide(site, canonical(obj), None if kind is memoryview else key, False)
            if kind is defaultdict and not writes and key is not None:
                substitution.fill_missing(site, obj, key)  # type: ignore[arg-type]
        elif kind not in IMMUTABLE_TYPES and holds_state(kind):
            steps.pass_point(site, canonical(obj), None, site.kind is not Kind.READ)

    def store_item(self, site: Site, obj: object, key: object, value: object) -> None:
        kind = type(obj)
        if kind in MUTABLE_TYPES or (kind not in IMMUTABLE_TYPES and issubclass(kind, _BASES)):
            kernel = _kernel
            if kernel.countdown > 1:
                kernel.countdown -= 1
                return
            decide_write(site, obj, key, value)
        elif kind not in IMMUTABLE_TYPES and holds_state(kind):
            steps.pass_point(site, canonical(obj), None, True, value)

    def store_slice(self, site: Site, obj: object, bounds: slice, value: object) -> None:
        if type(value) in MUTABLE_TYPES and not steps.is_private(value, 2, 1):
            _kernel.decide(site, None, None, True)  # both at once
        else:
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
                and (sys.getrefcount(obj) > _UNSHARED or kind is TEE)
            ):
                steps.pass_unsynchronised(site, used_by(obj), "next", canonical(below(obj)))
                return
            kernel = _kernel
            if kernel.countdown > 1:
                kernel.countdown -= 1
                return
            if iterates:
                end = below(obj)
                obj = obj if passes_points(end) else end
            kernel.decide(site, canonical(obj), None, site.kind is not Kind.READ)
        elif kind not in IMMUTABLE_TYPES and holds_state(kind):
            steps.pass_point(site, canonical(obj), None, site.form is Form.ITERATE)  # going on may change it

    def source(self, site: Site, obj: object) -> object:
        kind = type(obj)
        if kind is tuple or kind in INERT:
            return obj
        if kind not in _AT_ONCE[site.name] and (kind in MUTABLE_TYPES or kind in VIEWS):
            taken = given.taken(site, obj)
            if taken is not obj:
                return taken
        self.container(site, obj)
        return obj

    def delete_item(self, site: Site, obj: object, key: object) -> object:
        if type(obj) is list:
            passed, key = substitution.shift_down(site, obj, key)
            if passed:
                return key
        self.item(site, obj, key if issubclass(type(obj), dict) else None)
        return key

    def match_keys(self, site: Site, subject: Any, keys: Any) -> object:
        def read(mapping: object, key: object) -> None:
            if issubclass(type(mapping), _BASES):
                steps.pass_point(site, canonical(mapping), key if type(key) in INERT else None, False)

        return matching.values_of(subject, keys, read)

    def match_class(self, site: Site, subject: object, of: object, names: Any, positional: int) -> object:
        def read(obj: object, name: str) -> None:
            if _kernel.countdown > 1:
                _kernel.countdown -= 1
            else:
                decide_attribute(site, obj, name, False, None)

        return matching.attributes_of(subject, of, names, positional, read)

    def shown(self, site: Site, obj: object) -> object:
        return obj if type(obj) in INERT else texts.formatted(site, obj)

    def operator(self, site: Site, left: object, right: object) -> object:
        left_kind, right_kind = type(left), type(right)
        if left_kind in IMMUTABLE_TYPES:
            if left_kind is str and right_kind not in INERT:
                return texts.modulo(site, left, right) if site.name in _FORMATS else right
            if right_kind in IMMUTABLE_TYPES and not left_kind is right_kind is tuple:
                return right
        kernel = _kernel
        if site.kind is Kind.WRITE:
            done, right = substitution.in_place(site, left, right)
            if done:
                return right
        if left_kind in _WALKED or issubclass(left_kind, tuple):
            answer = comparing.compared(site, left, right)
            if answer is not None:
                return answer
        mutable = (
            left_kind in MUTABLE_TYPES or (left_kind not in IMMUTABLE_TYPES and issubclass(left_kind, _BASES))
        ) and (site.kind is Kind.WRITE or sys.getrefcount(left) > _UNSHARED)
        if right_kind in MUTABLE_TYPES and right is not left and sys.getrefcount(right) > _UNSHARED:
            if kernel.countdown > 1:
                kernel.countdown -= 1
            else:
                kernel.decide(site, canonical(right), None, False)
            if mutable and right_kind in _COPIED:
                right = right.copy()  # type: ignore[attr-defined] # read here: the next point is the left operand's
        if mutable:
            if kernel.countdown > 1:
                kernel.countdown -= 1
            elif site.kind is Kind.WRITE:
                decide_write(site, left, None, None)
            else:
                kernel.decide(site, canonical(left), None, False)
        elif left_kind in VIEWS:
            steps.pass_point(site, canonical(below(left)), None, False)
        elif left_kind not in IMMUTABLE_TYPES and holds_state(left_kind):
            steps.pass_point(site, canonical(left), None, site.kind is Kind.WRITE)
        if right_kind in VIEWS:
            steps.pass_point(site, canonical(below(right)), None, False)
        elif right_kind not in IMMUTABLE_TYPES and right is not left and holds_state(right_kind):
            steps.pass_point(site, canonical(right), None, False)
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
                if element is item:
                    return True
                if element == item if type(element) in INERT else comparing.same(site, element, item):
                    return True
                index += 1
            return False
        if issubclass(type(container), _BASES):
            if kernel.countdown > 1:
                kernel.countdown -= 1
            else:
                kernel.decide(site, canonical(container), item, False)
        elif type(container) in VIEWS:
            steps.pass_point(site, canonical(below(container)), None, False)
        elif type(container) not in IMMUTABLE_TYPES and holds_state(type(container)):
            steps.pass_point(site, canonical(container), None, False)
        if type(item) not in INERT:
            return comparing.contained(site, item, container)
        return item in container

    def call(self, site: Site, function: Any, first: object) -> object:
        kind = type(function)
        if kind is FunctionType or kind is MethodType:
            return function
        if kind is not BuiltinMethodType and kind is not KNOWS_ITS_CLASS:
            if kind is type and function not in FUNCTIONS:  # a class of the program's, most of the time
                return function
            return calls.of_object(site, function, first)
        owner = function.__self__
        owner_kind = type(owner)
        if owner_kind in MUTABLE_TYPES:  # before the others: xs.append is the call that programs make most
            effect = METHODS.get((owner_kind, function.__name__))
            if effect is None:
                return function
            kernel = _kernel
            if kernel.countdown > 1 and effect.steps == "one":
                kernel.countdown -= 1
                return function
            return calls.of_method(site, function, first, effect)
        if owner_kind is ModuleType:
            effect = FUNCTIONS.get(function)
            if function in ONE_READ:
                calls.announce(site, function.__name__, first, None, effect)  # type: ignore[arg-type]
                return function
            if effect is None:
                return function if function in HARMLESS else calls.of_unknown(site, function, first)
            return calls.of_function(site, function, first, effect)
        return calls.of_other_method(site, function, first)

    def enter(self, site: Site) -> None:
        raise InternalError("a point of the other granularity")

    def called(self, site: Site) -> None:
        raise InternalError("a point of the other granularity")


_GIVEN = Site(Kind.READ, Form.CALL, "", "", "", "", 0)  # to a thread, a timer, a pool or a future
given.Pointed.announce = KernelPoints().call
callbacks.announce = partial(KernelPoints().call, _GIVEN)
