"""Operations of several steps, step by step: plain Python with the C operation's result, exceptions and final state.

Only exact builtin containers have stand-ins, and only what another thread can see is a step of its own; arguments of
an unusual shape go to the C operation, in one step. Single elements are moved by the C operations themselves.

Rule: the point stands directly before the change. Where Python code is called back in between, the lock is not kept
and the change has a point of its own.
"""

from __future__ import annotations

import sys
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from itertools import chain, repeat
from types import GeneratorType
from typing import Any

from torture.exploration.comparing import pass_if_nested, same
from torture.exploration.given import pointed
from torture.exploration.resources import TEE, below, canonical, passes_points
from torture.exploration.steps import Call, Stepwise, paced, pass_snapshot
from torture.instrument.atomicity import (
    CALLS_BACK,
    IMMUTABLE_TYPES,
    ITERATORS,
    MUTABLE_TYPES,
    ONE_STEP_SOURCES,
    SHARED_ONLY,
    VIEWS,
)

_BASES = tuple(MUTABLE_TYPES)
_OF_PAIRS = frozenset({list, set, deque})  # what dict() does not take for a mapping
AS_LIST = ONE_STEP_SOURCES[list]
_AS_SET = ONE_STEP_SOURCES[set]
SETS = frozenset({set, frozenset})
_INERT = IMMUTABLE_TYPES - {tuple, frozenset, slice}
_KEEPS_LOCK = (
    (ITERATORS - CALLS_BACK) | (SHARED_ONLY - {GeneratorType}) | MUTABLE_TYPES | VIEWS | IMMUTABLE_TYPES
)


def _plain(values: Iterable[object]) -> bool:
    """Tell whether comparing or hashing the values calls no Python code."""
    return all(type(value) in _INERT for value in values)


# -- what an operation is given ------------------------------------------------------------------


def _source(call: Call, iterable: Any, *, private: bool = False) -> Any:
    """Return what to iterate instead of ``iterable``, so that each element is read when it is used."""
    kind = type(iterable)
    if kind in VIEWS or (issubclass(kind, _BASES) and (call.function is not dict or kind in _OF_PAIRS)):
        return iterable if private else Stepwise(call.site, call.name, iterable)
    if kind not in ITERATORS and kind not in SHARED_ONLY:
        if not private and issubclass(kind, _BASES):
            pass_snapshot(call.site, canonical(iterable), call.name)
        return iterable
    end = below(iterable)
    if private and (end is iterable or passes_points(end)):
        return iterable
    return Stepwise(call.site, call.name, iterable, shared_iterator=not private or kind is TEE)


def snapshot(call: Call, source: Any) -> Any:
    """Read all of a builtin container at once, as its lock allows."""
    if type(source) in MUTABLE_TYPES and not call.private_source:
        pass_snapshot(call.site, source, call.name)
        return source.copy()
    return source


def _each(call: Call, elements: Iterable[Any], change: Callable[[Any], object], *, keeps_lock: bool) -> None:
    """Change the container once for every element."""
    if not keeps_lock or type(elements) is Stepwise:
        for count, element in enumerate(elements):
            if paced(count):
                call.write()
            change(element)
        return
    call.write()
    with call.holding():
        for count, element in enumerate(elements):
            if count and paced(count):
                call.write()
            change(element)


# -- functions that read what they are given -----------------------------------------------------


def consume(call: Call, *args: Any, **kwargs: Any) -> Any:
    if call.function is dict and type(args[0]) is OrderedDict:
        return dict(_items(call, args[0]), **kwargs)
    if "key" in kwargs:
        kwargs["key"] = pointed(call.site, kwargs["key"])
    if len(args) > 1 and call.function in (min, max):
        return call.in_one(*args, **kwargs)
    return call.function(_source(call, args[0], private=call.private_source), *args[1:], **kwargs)


def _items(call: Call, mapping: Any) -> list[tuple[Any, Any]]:
    """Read what is not guarded by one lock: the keys, then the value of each."""
    found = []
    call.look(mapping, None)
    for key in list(mapping):
        call.look(mapping, key)
        found.append((key, mapping[key]))
    return found


class _Sequence:
    """A list as the C code of ``bisect`` sees it: one read for each element it looks at."""

    __slots__ = ("_call",)

    def __init__(self, call: Call) -> None:
        self._call = call

    def __len__(self) -> int:
        self._call.read()
        return len(self._call.obj)

    def __getitem__(self, index: int) -> Any:
        self._call.read()
        return self._call.obj[index]

    def insert(self, index: int, value: Any) -> None:
        list_insert(self._call, self._call.obj, index, value)


def bisect_each(call: Call, items: Any, *args: Any, **kwargs: Any) -> Any:
    if type(items) is not list:
        return call.in_one(items, *args, **kwargs)
    return call.function(_Sequence(call), *args, **kwargs)


# -- list ----------------------------------------------------------------------------------------


def list_index(call: Call, items: list[Any], value: Any, *bounds: Any) -> Any:
    if any(type(bound) is not int for bound in bounds):
        return call.in_one(value, *bounds)
    if any(bound < 0 for bound in bounds):
        call.read()
    size = len(items)
    start, stop = [max(bound + size, 0) if bound < 0 else bound for bound in bounds] + _EVERYWHERE[
        len(bounds) :
    ]
    index = start
    while index < stop:
        if paced(index - start):
            call.read()
        if index >= len(items):
            break
        element = items[index]
        if same(call.site, element, value):
            return index
        index += 1
    return [].index(value)  # raises what the C operation does


_EVERYWHERE = [0, sys.maxsize]


def list_count(call: Call, items: list[Any], value: Any) -> int:
    found = 0
    for element in Stepwise(call.site, call.name, items):
        if same(call.site, element, value):
            found += 1
    return found


def list_insert(call: Call, items: list[Any], index: Any, value: Any) -> None:
    call.write()
    size = len(items)
    if type(index) is not int or not size or index >= size:
        items.insert(index, value)
        return
    index = max(index + size, 0) if index < 0 else index
    with call.holding():
        items.append(items[-1])
        for count, at in enumerate(range(size - 1, index, -1)):
            if paced(count):
                call.write()
            items[at] = items[at - 1]
        call.write()
        items[index] = value


def list_pop(call: Call, items: list[Any], index: Any = -1) -> Any:
    call.write()
    size = len(items)
    if type(index) is not int or index == -1 or not -size <= index < size - 1:
        return items.pop(index)
    with call.holding():
        return _take(call, items, index + size if index < 0 else index)


def _take(call: Call, items: list[Any], index: int) -> Any:
    """Move down all that stands behind ``index``; the first point has been passed."""
    taken = items[index]
    last = len(items) - 1
    for count, at in enumerate(range(index, last)):
        if count and paced(count):
            call.write()
        items[at] = items[at + 1]
    if index < last:
        call.write()
    items.pop()
    return taken


def list_remove(call: Call, items: list[Any], value: Any) -> None:
    call.write()
    calls_back = not _plain((value, *items))
    with call.holding(calls_back=calls_back):
        for index, element in enumerate(items):
            if same(call.site, element, value):
                if calls_back:
                    call.write()
                    del items[index : index + 1]  # as the C code does, whatever stands there now
                else:
                    _take(call, items, index)
                return
    [].remove(value)  # raises what the C operation does


def list_reverse(call: Call, items: list[Any]) -> None:
    call.write()
    with call.holding():
        low, high = 0, len(items) - 1
        while low < high:
            first = items[low]
            if low and paced(low):
                call.write()
            items[low] = items[high]
            if paced(low):
                call.write()
            items[high] = first
            low, high = low + 1, high - 1


def list_sort(call: Call, items: list[Any], **options: Any) -> None:
    pass_if_nested(call.site, items)
    call.write()
    if "key" in options:
        options["key"] = pointed(call.site, options["key"])
    with call.holding(calls_back=options.get("key") is not None or not _plain(items)):
        taken = items[:]
        items.clear()
        try:
            taken.sort(**options)
            call.write()
            if items:
                raise ValueError("list modified during sort")
        finally:
            items[:] = taken


def list_extend(call: Call, items: list[Any], iterable: Any) -> None:
    kind = type(iterable)
    if kind in AS_LIST:
        source = iterable if iterable is items else snapshot(call, iterable)
        call.write()
        items.extend(source)
        return
    source = _source(call, iterable, private=call.private_source)
    _each(call, source, items.append, keeps_lock=kind in _KEEPS_LOCK)


# -- dict and set --------------------------------------------------------------------------------


def dict_update(call: Call, d: dict[Any, Any], *args: Any, **kwargs: Any) -> None:
    def change(pair: tuple[Any, Any]) -> None:
        d[pair[0]] = pair[1]

    source = args[0] if args else ()
    kind = type(source)
    if kind in (dict, defaultdict):
        pairs = list(snapshot(call, source).items()) if source is not d else []
        pairs += kwargs.items()
        _each(call, pairs, change, keeps_lock=_plain(key for key, _ in pairs))
    elif kind is OrderedDict:
        _each(call, [*_items(call, source), *kwargs.items()], change, keeps_lock=False)
    elif kind in _PAIRS:
        elements = _pairs(_source(call, source, private=call.private_source))
        _each(call, chain(elements, kwargs.items()), change, keeps_lock=False)
    else:
        call.in_one(*args, **kwargs)


_PAIRS = frozenset({list, tuple, *VIEWS, *ITERATORS, *SHARED_ONLY})
_NO_KEY = object()


def _pairs(iterable: Iterable[Any]) -> Iterable[tuple[Any, Any]]:
    """Return the pairs of a sequence of pairs, with the C operation's exceptions."""
    for count, pair in enumerate(iterable):
        if type(pair) is tuple and len(pair) == 2:
            yield pair
        else:
            one: dict[Any, Any] = {}
            one.update(chain(repeat((_NO_KEY, None), count), (pair,)))
            yield one.popitem()


def set_update(call: Call, items: set[Any], *others: Any) -> None:
    for other in others:
        if type(other) in _AS_SET:
            elements = list(snapshot(call, other)) if other is not items else []
            _each(call, elements, items.add, keeps_lock=_plain(elements))
        else:
            source = _source(call, other, private=call.private_source and len(others) == 1)
            _each(call, source, items.add, keeps_lock=False)


def set_difference_update(call: Call, items: set[Any], *others: Any) -> None:
    if any(other is items or type(other) not in _AS_SET for other in others):
        call.in_one(*others)
        return
    for other in others:
        elements = list(snapshot(call, other))
        _each(call, elements, items.discard, keeps_lock=_plain(elements))


def set_symmetric_difference_update(call: Call, items: set[Any], other: Any) -> None:
    if other is items or type(other) not in SETS:
        call.in_one(other)
        return
    elements = [(element,) for element in snapshot(call, other)]
    _each(call, elements, items.symmetric_difference_update, keeps_lock=_plain(other))


# -- deque ---------------------------------------------------------------------------------------


def deque_extend(call: Call, items: deque[Any], iterable: Any) -> None:
    _deque_each(call, items, iterable, items.append)


def deque_extendleft(call: Call, items: deque[Any], iterable: Any) -> None:
    _deque_each(call, items, iterable, items.appendleft)


def _deque_each(call: Call, items: deque[Any], iterable: Any, add: Callable[[Any], None]) -> None:
    if iterable is items:
        call.in_one(iterable)
        return
    source = _source(call, iterable, private=call.private_source)
    _each(call, source, add, keeps_lock=type(iterable) in _KEEPS_LOCK)


def deque_copy(call: Call, items: deque[Any]) -> deque[Any]:
    return deque(Stepwise(call.site, call.name, items), items.maxlen)


# -- bytearray -----------------------------------------------------------------------------------


def bytearray_read(call: Call, items: bytearray, *args: Any, **kwargs: Any) -> Any:
    """Read the bytes one by one, whatever is made of them."""
    read = bytearray(Stepwise(call.site, call.name, items))
    return getattr(read, call.name)(*args, **kwargs)
