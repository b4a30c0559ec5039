"""How the builtin containers are filled anew, whatever methods a subclass has of its own."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any


def _fill_dict(mapping: dict[Any, Any], items: list[Any]) -> None:
    dict.clear(mapping)
    dict.update(mapping, items)


def _fill_ordered(mapping: OrderedDict[Any, Any], items: list[Any]) -> None:
    OrderedDict.clear(mapping)
    for key, value in items:
        OrderedDict.__setitem__(mapping, key, value)


def _fill_list(sequence: list[Any], items: list[Any]) -> None:
    list.__setitem__(sequence, slice(None), items)


def _fill_set(members: set[Any], items: list[Any]) -> None:
    set.clear(members)
    set.update(members, items)


def _fill_deque(sequence: deque[Any], items: list[Any]) -> None:
    deque.clear(sequence)
    deque.extend(sequence, items)


def _fill_bytes(sequence: bytearray, items: list[Any]) -> None:
    bytearray.__setitem__(sequence, slice(None), bytes(items))


FILL: dict[type, Callable[[Any, list[Any]], None]] = {
    OrderedDict: _fill_ordered,
    dict: _fill_dict,
    list: _fill_list,
    set: _fill_set,
    deque: _fill_deque,
    bytearray: _fill_bytes,
}
