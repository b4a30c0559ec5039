"""What C code is given: callables that it calls, containers and iterators that it reads; and patterns."""

from __future__ import annotations

import itertools
import struct
from collections import deque
from concurrent.futures import Future
from functools import reduce
from operator import iadd, itemgetter
from threading import Thread
from types import MappingProxyType

from tests.litmus.corpus import Outcome, litmus
from tests.litmus.programs.together import beside_main

TORN = {(0, 0), (0, 1), (1, 0), (1, 1)}
WHOLE = {(0, 0), (1, 1)}


class Point:
    """Two attributes."""

    __match_args__ = ("x", "y")

    def __init__(self) -> None:
        self.x = 0
        self.y = 0


# -- callables -----------------------------------------------------------------------------------


@litmus(free_threaded=TORN, gil=WHOLE)
def method_called_by_map() -> Outcome:
    d = {1: 0, 2: 0}
    seen = []

    def writer() -> None:
        d[1] = 1
        d[2] = 1

    beside_main(writer, lambda: seen.append(tuple(map(d.get, (1, 2)))))
    return seen[0]


@litmus(free_threaded={(1, 2), (2, 1)})
def method_called_for_keys() -> Outcome:
    d = {1: 0, 2: 1}
    seen = []

    def writer() -> None:
        d[1] = 3
        d[2] = 2

    beside_main(writer, lambda: seen.append(tuple(sorted((1, 2), key=d.get))))
    return seen[0]


@litmus(free_threaded={(0,), (1,), (2,)}, gil={(0,), (2,)})
def operator_called_by_reduce() -> Outcome:
    items = []
    seen = []

    beside_main(lambda: reduce(iadd, ([1], [2]), items), lambda: seen.append(len(items)))
    return tuple(seen)


@litmus(free_threaded=TORN, gil=WHOLE)
def getter_of_two_items() -> Outcome:
    items = [0, 0]
    both = itemgetter(0, 1)
    seen = []

    def writer() -> None:
        items[0] = 1
        items[1] = 1

    beside_main(writer, lambda: seen.append(both(items)))
    return seen[0]


@litmus(free_threaded={(0,), (1,), (2,)}, gil={(0,), (2,)})
def method_called_by_a_thread() -> Outcome:
    d = {}
    thread = Thread(target=d.update, args=({1: 1, 2: 2},))
    thread.start()
    seen = len(d)
    thread.join()
    return (seen,)


@litmus(free_threaded={(0,), (1,)})
def method_called_by_a_future() -> Outcome:
    future = Future()
    items = []
    seen = []
    future.add_done_callback(items.append)

    beside_main(lambda: future.set_result(1), lambda: seen.append(len(items)))
    return tuple(seen)


# -- iterators -----------------------------------------------------------------------------------


@litmus(free_threaded=TORN, gil=WHOLE)
def chain_reads_each_element() -> Outcome:
    items = [0, 0]
    seen = []

    def writer() -> None:
        items[0] = 1
        items[1] = 1

    beside_main(writer, lambda: seen.append(tuple(itertools.chain(items, ()))))
    return seen[0]


@litmus(free_threaded={((0,), (0,)), ((1,), (0,)), ((1,), (1,))}, gil={((0,), (0,)), ((1,), (1,))})
def product_reads_a_list_at_once() -> Outcome:
    items = [0, 0]
    seen = []

    def writer() -> None:
        items[0] = 1
        items[1] = 1

    beside_main(writer, lambda: seen.extend(itertools.product(items)))
    return tuple(seen)


# -- containers ----------------------------------------------------------------------------------


@litmus(free_threaded={(0,), (1,), (257,)}, gil={(0,), (257,)})
def bytes_read_by_a_module_in_c() -> Outcome:
    """C code that no table knows is one step."""
    data = bytearray(2)
    seen = []

    def writer() -> None:
        data[0] = 1
        data[1] = 1

    beside_main(writer, lambda: seen.extend(struct.unpack("<h", data)))
    return tuple(seen)


@litmus(free_threaded=TORN, gil=WHOLE)
def read_only_view_of_a_dict() -> Outcome:
    d = {1: 0, 2: 0}
    view = MappingProxyType(d)
    seen = []

    def writer() -> None:
        d[1] = 1
        d[2] = 1

    beside_main(writer, lambda: seen.append((view[1], view[2])))
    return seen[0]


@litmus(free_threaded={(0, 0), (1, 0), (1, 1)}, gil=WHOLE)
def view_that_was_made_before() -> Outcome:
    """The dict is read when the view is, at once."""
    d = {1: 0, 2: 0}
    values = d.values()
    seen = []

    def writer() -> None:
        d[1] = 1
        d[2] = 1

    beside_main(writer, lambda: seen.append(list(values)))
    return tuple(seen[0])


@litmus(free_threaded=TORN, gil=WHOLE)
def view_unpacked() -> Outcome:
    d = {1: 0, 2: 0}
    seen = []

    def writer() -> None:
        d[1] = 1
        d[2] = 1

    def reader() -> None:
        left, right = d.values()
        seen.append((left, right))

    beside_main(writer, reader)
    return seen[0]


@litmus(free_threaded={(0,), (1,), (2,)}, gil={(0,), (2,)})
def argument_of_a_container_of_ones_own() -> Outcome:
    items = [0, 0]
    seen = []

    def writer() -> None:
        items[0] = 1
        items[1] = 1

    def reader() -> None:
        mine = []
        mine.extend(items)
        seen.append(mine[0] + mine[1])

    beside_main(writer, reader)
    return tuple(seen)


@litmus(free_threaded=TORN, gil=WHOLE)
def unpacking_reads_each_element() -> Outcome:
    items = [0, 0]
    seen = []

    def writer() -> None:
        items[0] = 1
        items[1] = 1

    def reader() -> None:
        left, right = items
        seen.append((left, right))

    beside_main(writer, reader)
    return seen[0]


@litmus(free_threaded={(1,), (2,), (-1,)}, gil={(1,), (2,)})
def arguments_from_a_deque() -> Outcome:
    items = deque([1])
    seen = []

    def count(*arguments) -> int:
        return len(arguments)

    def reader() -> None:
        try:
            seen.append(count(*items))
        except RuntimeError:
            seen.append(-1)

    beside_main(reader, lambda: items.append(2))
    return tuple(seen)


@litmus(free_threaded={(True,), (False,)}, gil={(False,)})
def comparison_reads_each_element() -> Outcome:
    """The list is never equal to the other one."""
    items, other = [0, 1], [0, 0]
    seen = []

    def writer() -> None:
        items[0] = 1
        items[1] = 0

    beside_main(writer, lambda: seen.append(items == other))
    return tuple(seen)


@litmus(free_threaded={(1, 2), (1, 3), (2, 2), (2, 3)}, gil={(1, 2), (2, 3)})
def deletion_in_front_seen_half_done() -> Outcome:
    items = [1, 2, 3]
    seen = []

    def writer() -> None:
        del items[0]

    beside_main(writer, lambda: seen.append((items[0], items[1])))
    return seen[0]


# -- patterns ------------------------------------------------------------------------------------


@litmus(free_threaded=TORN, gil=WHOLE)
def pattern_of_a_mapping() -> Outcome:
    d = {"a": 0, "b": 0}
    seen = []

    def writer() -> None:
        d["a"] = 1
        d["b"] = 1

    def reader() -> None:
        match d:
            case {"a": left, "b": right}:
                seen.append((left, right))

    beside_main(writer, reader)
    return seen[0]


@litmus(free_threaded=TORN, gil=WHOLE)
def pattern_of_a_class() -> Outcome:
    point = Point()
    seen = []

    def writer() -> None:
        point.x = 1
        point.y = 1

    def reader() -> None:
        match point:
            case Point(x, y=y):
                seen.append((x, y))

    beside_main(writer, reader)
    return seen[0]


@litmus(free_threaded={(1,), (2,), (-1,)}, gil={(1,), (2,)})
def pattern_of_a_sequence() -> Outcome:
    """Its length is read before its elements."""
    items = [1]
    seen = []

    def reader() -> None:
        try:
            match items:
                case [one]:
                    seen.append(one)
                case [_, two]:
                    seen.append(two)
        except ValueError:
            seen.append(-1)

    beside_main(reader, lambda: items.append(2))
    return tuple(seen)
