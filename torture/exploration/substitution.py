"""Which stand-in does a builtin operation of several steps, and when one step is right all the same.

One step is right where no other thread can look in between: it cannot run, or nothing leads it to the object.
"""

from __future__ import annotations

import bisect
import collections
import functools
from collections import defaultdict, deque
from collections.abc import Callable
from functools import partial
from typing import Any

from torture.exploration.given import EAGER, call_back, count_each, eagerly, lazily, reduce_each
from torture.exploration.resources import below
from torture.exploration.standins import (
    AS_LIST,
    SETS,
    bisect_each,
    bytearray_read,
    consume,
    deque_copy,
    deque_extend,
    deque_extendleft,
    dict_update,
    list_count,
    list_extend,
    list_index,
    list_insert,
    list_pop,
    list_remove,
    list_reverse,
    list_sort,
    set_difference_update,
    set_symmetric_difference_update,
    set_update,
    snapshot,
)
from torture.exploration.steps import Call, Shape, is_alone, is_over, is_private, paced, pass_point
from torture.exploration.texts import join_each, printed, show_each, show_items, show_one
from torture.instrument.atomicity import (
    IMMUTABLE_TYPES,
    METHODS,
    MUTABLE_TYPES,
    ONE_STEP_SOURCES,
    VIEWS,
    WRAPPING,
)
from torture.runtime.kernel import KERNEL
from torture.trace.site import Kind, Site

_SLICE = Shape(list_extend)  # what it is announced like
_UPDATE = Shape(dict_update, 0, 1, keywords=True)
_METHODS: dict[tuple[type, str], Shape] = {
    (list, "index"): Shape(list_index, 1, 3),
    (list, "count"): Shape(list_count),
    (list, "insert"): Shape(list_insert, 2, 2),
    (list, "pop"): Shape(list_pop),
    (list, "remove"): Shape(list_remove),
    (list, "reverse"): Shape(list_reverse, 0, 0),
    (list, "sort"): Shape(list_sort, 0, 0, keywords=True),
    (list, "extend"): Shape(list_extend),
    (dict, "update"): _UPDATE,
    (defaultdict, "update"): _UPDATE,
    (set, "update"): Shape(set_update, 1, 9),
    (set, "difference_update"): Shape(set_difference_update, 1, 9),
    (set, "symmetric_difference_update"): Shape(set_symmetric_difference_update),
    (deque, "extend"): Shape(deque_extend),
    (deque, "extendleft"): Shape(deque_extendleft),
    (deque, "copy"): Shape(deque_copy, 0, 0),
    (deque, "__copy__"): Shape(deque_copy, 0, 0),
    **{
        (kind, name): Shape(bytearray_read, 0, 9, keywords=True)
        for (kind, name), effect in METHODS.items()
        if kind is bytearray and effect.kind is Kind.READ and effect.steps == "many" and name[:2] != "__"
    },
}
_READ_ARGUMENT = frozenset(
    {"extend", "extendleft", "update", "difference_update", "symmetric_difference_update"}
)
_COMPARE = frozenset({"index", "count", "remove"})
_CONSUMER = Shape(consume, 1, 99, keywords=True, method=False)
_SEARCH = Shape(bisect_each, 1, 99, keywords=True, method=False)
_FUNCTIONS: dict[object, Shape] = {
    **dict.fromkeys(ONE_STEP_SOURCES, _CONSUMER),
    **dict.fromkeys(
        (bisect.bisect_left, bisect.bisect_right, bisect.insort_left, bisect.insort_right), _SEARCH
    ),
}
# What is called with the site and the function before the arguments, whatever these are.
_WITH_ANY_ARGUMENTS: dict[object, Callable[..., Any]] = {
    **dict.fromkeys(WRAPPING, lazily),
    **dict.fromkeys(EAGER, eagerly),
    **dict.fromkeys((str, repr, ascii, format), show_one),
    print: printed,
    functools.reduce: reduce_each,
    vars(collections)["_count_elements"]: count_each,
}
# In place: the method that does it, what it takes, and the operand with which the operator changes nothing any more.
_OPERATORS: dict[tuple[type, str], tuple[str, frozenset[type] | None, object]] = {
    (list, "+="): ("extend", None, ()),
    (deque, "+="): ("extend", None, ()),
    (dict, "|="): ("update", None, {}),
    (defaultdict, "|="): ("update", None, {}),
    (set, "|="): ("update", SETS, frozenset()),
    (set, "-="): ("difference_update", SETS, frozenset()),
    (set, "^="): ("symmetric_difference_update", SETS, frozenset()),
}


def stand_in_for_function(site: Site, function: Any, first: Any) -> Callable[..., Any] | None:
    """Return what does the call ``function(first, ...)`` in its visible steps, None where one step is right.

    To be called by the callback of the call.
    """
    if not KERNEL.controls():
        return None
    calls_back = function is iter and type(first) not in MUTABLE_TYPES
    steps = call_back if calls_back else _WITH_ANY_ARGUMENTS.get(function)
    if steps is not None:
        # What is given to an iterator is read later, when other threads may be there.
        needless = steps is not lazily and not calls_back and is_over()
        return None if needless else partial(steps, site, function)
    shape = _FUNCTIONS.get(function)
    if shape is None:
        return None
    kind = type(first)
    key = site.name == "key"  # calls something back
    if not key and (kind in IMMUTABLE_TYPES or kind in ONE_STEP_SOURCES.get(function, ())):
        return None
    if is_over() if key else is_alone():
        return None
    # The numbers are the references that the program's stack, the callback and this function have.
    private = is_private(first, 4, 3)
    resource = first
    if kind in VIEWS:
        resource = below(first)
        private = private and is_private(resource, 2, 3)
    if private and not key and (kind in VIEWS or below(first) is first):
        return None
    return Call(site, function, first, shape, resource=resource, private_source=private)


def stand_in_for_method(site: Site, method: Any, obj: Any, first: Any) -> Call | None:
    """Return what does the call ``method(first, ...)`` of ``obj`` in its visible steps, None where one step is right.

    To be called by the callback of the call.
    """
    shape = shape_of(type(obj), method.__name__)
    if shape is None or is_over() or not KERNEL.controls():
        return None
    if first is None and method.__name__ == "pop":  # without an argument: one step
        return None
    private = is_private(obj, 4, 3)
    private_source = is_private(first, 4, 3)
    reads = method.__name__ in _READ_ARGUMENT and type(first) not in IMMUTABLE_TYPES and not private_source
    reads = reads or site.name == "key"
    reads = reads or (method.__name__ in _COMPARE and type(first) not in IMMUTABLE_TYPES)
    if (private or is_alone()) and not reads:
        return None
    return Call(site, method, obj, shape, resource=obj, private_source=private_source, private=private)


_TEXT_METHODS: dict[str, Callable[..., Any]] = {
    "format": show_each,
    "format_map": show_items,
    "join": join_each,
}


def stand_in_for_text_method(site: Site, method: Any) -> Callable[..., Any] | None:
    """Return what does the call of a method of a text in its visible steps, None where one step is right."""
    shape = _TEXT_METHODS.get(method.__name__)
    if shape is None or is_over() or not KERNEL.controls():
        return None
    return partial(shape, site, method)


def shape_of(kind: type, name: str) -> Shape | None:
    """Return the stand-in for a method, also of a subclass that leaves everything of the builtin as it is."""
    shape = _METHODS.get((kind, name))
    if shape is not None or kind in MUTABLE_TYPES:
        return shape
    for count, base in enumerate(kind.__mro__):
        if base in MUTABLE_TYPES:
            own = set().union(*(vars(each) for each in kind.__mro__[:count]))
            return None if own & vars(base).keys() - _HARMLESS else _METHODS.get((base, name))
    return None


_HARMLESS = frozenset(
    {"__init__", "__new__", "__doc__", "__repr__", "__hash__", "__eq__", "__class_getitem__"}
)


def in_place(site: Site, left: Any, right: Any) -> tuple[bool, Any]:
    """Perform ``left += right`` or the like in its visible steps; tell whether, and the operand that is left to do."""
    if not has_steps(left, site.name) or is_private(left, 3, 2):
        return False, right
    return perform(site, site.name, left, right, private_source=is_private(right, 3, 2))


def has_steps(left: Any, symbol: str) -> bool:
    """Tell whether an operator in place has visible steps on an object."""
    return (type(left), symbol) in _OPERATORS


def perform(
    site: Site, symbol: str, left: Any, right: Any, *, private_source: bool = False
) -> tuple[bool, Any]:
    """Do the same for any spelling of the operator."""
    name, kinds, rest = _OPERATORS[type(left), symbol]
    one_step = type(left) is list and type(right) in AS_LIST
    if one_step or (kinds is not None and type(right) not in kinds) or is_alone() or not KERNEL.controls():
        return False, right
    method = getattr(left, name)
    Call(site, method, left, _METHODS[type(left), name], resource=left, private_source=private_source)(right)
    return True, rest


def assign_slice(site: Site, items: Any, bounds: slice, value: Any) -> None:
    """Perform all of ``items[bounds] = value`` but its last step, for which the same assignment can stand.

    Does nothing where it would not be the same, and where one step is right.
    """
    if type(items) is not list or type(value) not in (list, tuple) or value is items or not value:
        return
    plain = all(type(bound) in (int, type(None)) for bound in (bounds.start, bounds.stop, bounds.step))
    if not plain or bounds.step not in (None, 1) or is_alone() or is_private(items, 3, 2):
        return
    call = Call(site, items.extend, items, _SLICE, resource=items, private_source=False)
    source = list(snapshot(call, value))
    call.write()
    start, stop, _ = bounds.indices(len(items))
    stop = max(start, stop)
    more = len(source) - (stop - start)
    if more and (bounds.stop is not None or bounds.start not in (None, start)):
        return  # with another length the bounds would mean other places
    with call.holding():
        if more > 0:
            items[stop:] = source[-more:]
        elif more:
            del items[stop + more :]
        for count, element in enumerate(source):
            items[start + count] = element
            if paced(count + 1):
                call.write()


def shift_down(site: Site, items: list[Any], key: Any) -> tuple[bool, Any]:
    """Perform all of ``del items[key]`` but its last step.

    Return whether a point was passed before that step, and the key whose deletion is that step.
    """
    if type(key) is not int or key == -1 or is_alone() or not KERNEL.controls() or is_private(items, 3, 2):
        return False, key
    call = Call(site, items.pop, items, _SLICE, resource=items, private_source=False)
    call.write()
    size = len(items)
    if not -size <= key < size - 1:
        return True, key
    with call.holding():
        for count, index in enumerate(range(key % size, size - 1)):
            if count and paced(count):
                call.write()
            items[index] = items[index + 1]
        call.write()
    return True, -1


def fill_missing(site: Site, items: defaultdict[Any, Any], key: Any) -> None:
    """Do what a defaultdict does where ``key`` is missing: call the factory, then store, in two steps."""
    factory = items.default_factory
    if factory is not None and key not in items:
        value = factory()
        pass_point(site, items, key, True)
        items[key] = value
