"""Builtin operations of several steps in other spellings, and of the bytearray: a free-threaded 3.13.5 shows each half done.

Half of ``operator.ior`` was seen in 617,486 of 1.6 M looks, of ``d.__ior__`` in 105,835 of 0.5 M, of ``dict.update(d, x)`` in
137,056 of 0.8 M, of ``update`` in a subclass in 79,697 of 0.5 M, of ``operator.iadd`` with an iterator in 338,508 of 1.9 M.
"""

from __future__ import annotations

import operator

from tests.litmus.corpus import Outcome, litmus
from tests.litmus.programs.together import beside_main


@litmus(free_threaded={(0,), (1,), (2,)}, gil={(0,), (2,)})
def merge_by_operator_seen_half_done() -> Outcome:
    d = {}
    seen = []

    beside_main(lambda: operator.ior(d, {"a": 1, "b": 1}), lambda: seen.append(len(d)))
    return tuple(seen)


@litmus(free_threaded={(0,), (1,), (2,)}, gil={(0,), (2,)})
def merge_by_slot_seen_half_done() -> Outcome:
    items = set()
    seen = []

    beside_main(lambda: items.__ior__({1, 2}), lambda: seen.append(len(items)))
    return tuple(seen)


@litmus(free_threaded={(0,), (1,), (2,)}, gil={(0,), (2,)})
def extension_by_operator_seen_half_done() -> Outcome:
    items = []
    seen = []

    beside_main(lambda: operator.iadd(items, iter((1, 2))), lambda: seen.append(len(items)))
    return tuple(seen)


@litmus(free_threaded={(0, 0), (1, 0), (0, 1), (1, 1)}, gil={(0, 0), (1, 1)})
def slice_assigned_by_operator() -> Outcome:
    items = [0, 0]
    seen = []

    beside_main(
        lambda: operator.setitem(items, slice(0, 2), [1, 1]), lambda: seen.append((items[0], items[1]))
    )
    return seen[0]


@litmus(free_threaded={(0,), (1,), (2,)}, gil={(0,), (2,)})
def method_of_the_class_seen_half_done() -> Outcome:
    d = {}
    seen = []

    beside_main(lambda: dict.update(d, {"a": 1, "b": 1}), lambda: seen.append(len(d)))
    return tuple(seen)


@litmus(free_threaded={("0000",), ("0100",), ("0101",), ("0001",)}, gil={("0000",), ("0101",)})
def bytes_are_read_one_by_one() -> Outcome:
    data = bytearray(2)
    seen = []

    def writer() -> None:
        data[0] = 1
        data[1] = 1

    beside_main(writer, lambda: seen.append(data.hex()))
    return tuple(seen)


class Plain(dict):
    def add(self, other):
        super().update(other)


@litmus(free_threaded={(0,), (1,), (2,)}, gil={(0,), (2,)})
def method_of_a_subclass_seen_half_done() -> Outcome:
    d = Plain()
    seen = []

    beside_main(lambda: d.add({"a": 1, "b": 1}), lambda: seen.append(len(d)))
    return tuple(seen)
