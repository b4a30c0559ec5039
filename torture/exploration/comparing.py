"""Comparison of two lists: the sizes, then one read of each for every pair of elements, without a lock."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from torture.exploration.steps import is_over, is_private, paced, pass_point
from torture.runtime.kernel import KERNEL
from torture.trace.site import Site

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
}


class _Answer:
    """What a list is compared with once the answer is known."""

    __slots__ = ("_answer",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def _say(self, _other: object) -> Any:
        return self._answer

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _say


def compared(site: Site, left: list[Any], right: list[Any]) -> Any:
    """Return what ``left`` is to be compared with, so that the answer is that of a comparison in steps; else None."""
    compare = _COMPARISONS.get(site.name)
    if compare is None or is_over() or not KERNEL.controls():
        return None
    shared = [items for items in (left, right) if not is_private(items, 3, 2)]
    return _Answer(_compare(site, left, right, compare, shared))


def _compare(
    site: Site, left: list[Any], right: list[Any], compare: Callable[[Any, Any], Any], shared: list[Any]
) -> Any:
    def read() -> None:
        for items in shared:
            pass_point(site, items, None, False)

    exactly = compare is operator.eq or compare is operator.ne
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
        same = mine is other or bool(mine == other)
        if not same:
            return compare is operator.ne if exactly else compare(mine, other)
        index += 1
    return compare(len(left), len(right))
