"""Comparison of lists, tuples and dicts, and of what is in them: one read of each for every pair of elements.

Lists are read without a lock: the sizes, then each pair. A dict is read at once; its values are compared after that.
What C code compares in other ways is one step, on which everything depends where elements are mutable themselves.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable, Iterable
from types import MappingProxyType, SimpleNamespace
from typing import Any

from torture.exploration.given import INERT
from torture.exploration.resources import below, canonical
from torture.exploration.steps import is_over, is_private, paced, pass_point, pass_snapshot
from torture.instrument.atomicity import MUTABLE_TYPES, VIEWS
from torture.instrument.natives import holds_state
from torture.runtime.kernel import KERNEL
from torture.trace.site import Site

_BASES = tuple(MUTABLE_TYPES)
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
}
_EXACT = frozenset({operator.eq, operator.ne})
_BY_HASH: tuple[type, ...] = (dict, set, frozenset, type({}.keys()), MappingProxyType)
_DEEPEST = 3  # containers in containers, where they are looked for
_HAS_ELEMENTS = frozenset({list, set, frozenset, deque})


class _Answer:
    """What something is compared with once the answer is known."""

    __slots__ = ("_answer",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def _say(self, _other: object) -> Any:
        return self._answer

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _say


def compared(site: Site, left: Any, right: Any) -> Any:
    """Return what ``left`` is to be compared with, so that the answer is that of a comparison in steps; else None."""
    compare = _COMPARISONS.get(site.name)
    if compare is None:
        return None
    if type(left) is type(right) is SimpleNamespace:
        for each in (left, right):
            pass_point(site, each, None, False)
        return None
    if not _is_walked(left, right, compare):
        return None
    if type(left) is not list and not (is_nested(left, 1) and is_nested(right, 1)):
        return None
    if is_over() or not KERNEL.controls():
        return None
    shared = [each for each in (left, right) if not is_private(each, 3, 2)]
    return _Answer(_compare(site, left, right, compare, shared))


def same(site: Site, mine: Any, other: Any) -> bool:
    """Tell whether two elements are the same or equal, in steps."""
    if mine is other:
        return True
    if type(mine) in INERT or type(other) in INERT:
        return bool(mine == other)
    return bool(_compare(site, mine, other, operator.eq, [mine, other]))


def contained(site: Site, item: Any, container: Any) -> bool:
    """Tell whether an item is in what has elements, of which the point was passed."""
    if issubclass(type(container), tuple) and type(container).__contains__ is tuple.__contains__:
        return any(same(site, each, item) for each in container)
    if not issubclass(type(container), _BY_HASH):  # no container that changes has a hash
        pass_if_nested(site, container)
    return item in container


def pass_if_nested(site: Site, container: Any) -> None:
    """Declare that elements are compared: where they are mutable, it depends on everything."""
    if is_nested(below(container)):
        pass_point(site, None, None, True)


def is_nested(container: Any, depth: int = _DEEPEST) -> bool:
    """Tell whether an element is mutable, or may have one in it that is."""
    kind = type(container)
    elements: Iterable[Any] = container.values() if kind is dict else container
    return (kind in _HAS_ELEMENTS or kind is dict or issubclass(kind, tuple)) and any(
        depth == 0 or _is_mutable(each) or is_nested(each, depth - 1)
        for each in tuple(elements)
        if type(each) not in INERT
    )


def _is_mutable(value: Any) -> bool:
    kind = type(value)
    return issubclass(kind, _BASES) or kind in VIEWS or kind is SimpleNamespace or holds_state(kind)


def _is_walked(left: Any, right: Any, compare: Callable[[Any, Any], Any]) -> bool:
    kind, other = type(left), type(right)
    if kind is list or kind is dict:
        return other is kind and (kind is list or compare in _EXACT)
    return (
        issubclass(kind, tuple) and issubclass(other, tuple) and kind.__eq__ is other.__eq__ is tuple.__eq__
    )


def _compare(site: Site, left: Any, right: Any, compare: Callable[[Any, Any], Any], shared: list[Any]) -> Any:
    if not _is_walked(left, right, compare):
        for each in shared:
            if _is_mutable(each):
                pass_point(site, canonical(below(each)), None, False)
        return compare(left, right)
    if type(left) is dict:
        return _compare_dicts(site, left, right, shared) is (compare is operator.eq)
    return _compare_sequences(site, left, right, compare, shared)


def _compare_dicts(site: Site, left: dict[Any, Any], right: dict[Any, Any], shared: list[Any]) -> bool:
    copies = []
    for each in (left, right):
        if any(each is other for other in shared):
            pass_snapshot(site, canonical(each), None)
        copies.append(each.copy())
    mine, others = copies
    return len(mine) == len(others) and all(
        key in others and same(site, value, others[key]) for key, value in mine.items()
    )


def _compare_sequences(
    site: Site, left: Any, right: Any, compare: Callable[[Any, Any], Any], shared: list[Any]
) -> Any:
    def read() -> None:
        for items in shared:
            if type(items) is list:
                pass_point(site, items, None, False)

    exactly = compare in _EXACT
    read()
    if exactly and len(left) != len(right):
        return compare is operator.ne
    index = 0
    while index < len(left) and index < len(right):
        if index and paced(index):
            read()
            if not (index < len(left) and index < len(right)):
                break
        mine, other = left[index], right[index]
        if not same(site, mine, other):
            if exactly:
                return compare is operator.ne
            return _compare(site, mine, other, compare, [mine, other])
        index += 1
    return compare(len(left), len(right))
