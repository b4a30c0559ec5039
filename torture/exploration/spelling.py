"""Other spellings of what has a stand-in: ``dict.update(d, x)``, ``d.__ior__(x)``, ``operator.ior(d, x)``, methods of a subclass.

Each comes down to a method of an exact builtin or to an operator in place. Whether the operands are private cannot be
told here, for they are not all known yet: the operation is done in its visible steps wherever another thread can run.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any

from torture.exploration import substitution
from torture.exploration.steps import Call, is_alone, pass_point
from torture.instrument.atomicity import ATTRIBUTE_SLOTS, DESCRIPTOR_SLOTS, FUNCTIONS, METHODS, Effect
from torture.runtime.kernel import KERNEL
from torture.trace.site import Site

_SLOTS = {"__iadd__": "+=", "__ior__": "|=", "__isub__": "-=", "__ixor__": "^="}
_FUNCTIONS: dict[object, str] = {
    operator.iadd: "+=",
    operator.iconcat: "+=",
    operator.ior: "|=",
    operator.isub: "-=",
    operator.ixor: "^=",
}
_DESCRIPTORS = frozenset({MemberDescriptorType, GetSetDescriptorType})
_ASSIGNS = frozenset({"__setitem__", "setitem"})


def slot(function: Any, bound: bool, first: Any) -> tuple[Effect | None, Any, object]:
    """Return what a call of a C slot or of an unbound C method does, to what, and to which part of it."""
    name = function.__name__
    if name == "__next__":
        return FUNCTIONS[next], function.__self__ if bound else first, None
    if bound and type(function.__self__) in _DESCRIPTORS:
        effect = DESCRIPTOR_SLOTS.get(name)
        return effect, first, None
    obj, key = (function.__self__, first) if bound else (first, None)
    effect = ATTRIBUTE_SLOTS.get(name) or effect_of(type(obj), name)
    return effect, obj, key if effect is not None and effect.keyed else None


def effect_of(kind: type, name: str) -> Effect | None:
    """Return what a C method does, looked up in the class that it was inherited from."""
    for base in kind.__mro__:
        effect = METHODS.get((base, name))
        if effect is not None:
            return effect
    return None


def stand_in(site: Site, function: Any, obj: Any, first: Any) -> Callable[..., Any] | None:
    """Return what does a call that changes ``obj`` in its visible steps, None where one step is right.

    ``first`` is the call's first argument: where it is not ``obj``, the function is bound to that.
    """
    if is_alone() or not KERNEL.controls():
        return None
    name, bound = function.__name__, obj is not first
    fewer = 0 if bound else 1  # arguments that go before those of the method

    def in_one(*args: Any) -> Any:
        pass_point(site, obj, None, True, name)
        return function(*args)

    symbol = _SLOTS.get(name) or _FUNCTIONS.get(function)
    if symbol is not None and substitution.has_steps(obj, symbol):

        def in_place(*args: Any) -> Any:
            done = len(args) == fewer + 1 and substitution.perform(site, symbol, obj, args[-1])[0]
            return obj if done else in_one(*args)

        return in_place
    if name in _ASSIGNS and type(obj) is list and (not bound or type(first) is slice):

        def assign(*args: Any) -> Any:
            if len(args) == fewer + 2 and type(args[-2]) is slice:
                substitution.assign_slice(site, obj, args[-2], args[-1])
            return in_one(*args)

        return assign
    shape = substitution.shape_of(type(obj), name)
    if shape is None:
        return None
    call = Call(site, getattr(obj, name), obj, shape, resource=obj, private_source=False)
    return lambda *args, **kwargs: call(*args[fewer:], **kwargs)
