"""Containers read as a whole: iteration, containment, copies, and what takes several steps."""

from __future__ import annotations

from collections import deque
from threading import Thread

from tests.litmus.corpus import Outcome, litmus
from tests.litmus.programs.together import two


@litmus(free_threaded={(), (1,), (1, 2)}, gil={(), (1, 2)})
def append_twice_while_copied() -> Outcome:
    """``append`` is specialised: no switch after it."""
    items = []
    seen = []

    def writer() -> None:
        items.append(1)
        items.append(2)

    def reader() -> None:
        seen.append(items[:])

    two(writer, reader)
    return tuple(seen[0])


@litmus(free_threaded={(), (1,), (1, 2)})
def add_twice_while_copied() -> Outcome:
    """``add`` is a C call like any other: switch after it."""
    items = set()
    seen = []

    def writer() -> None:
        items.add(1)
        items.add(2)

    def reader() -> None:
        seen.append(items.copy())

    two(writer, reader)
    return tuple(sorted(seen[0]))


@litmus(free_threaded={(), (1, 2)})
def extend_by_list_while_copied() -> Outcome:
    """Extending by a list is one step."""
    items = []
    seen = []

    two(lambda: items.extend([1, 2]), lambda: seen.append(items[:]))
    return tuple(seen[0])


@litmus(free_threaded={(), (1,), (1, 2)}, gil={(), (1, 2)})
def extend_by_iterator_while_copied() -> Outcome:
    """Extending by an iterator is one step per element, and one C call for the GIL."""
    items = []
    seen = []

    two(lambda: items.extend(iter((1, 2))), lambda: seen.append(items[:]))
    return tuple(seen[0])


@litmus(free_threaded={(), (1,), (1, 2)})
def extend_by_generator_while_copied() -> Outcome:
    """A generator is Python code: entered for each element."""
    items = []
    seen = []

    two(lambda: items.extend(n for n in (1, 2)), lambda: seen.append(items[:]))
    return tuple(seen[0])


@litmus(free_threaded={(1,), (1, 2)})
def iterate_list_while_appended() -> Outcome:
    items = [1]
    seen = []

    def reader() -> None:
        for item in items:
            seen.append(item)

    two(reader, lambda: items.append(2))
    return tuple(seen)


@litmus(free_threaded={(), (1,), (1, 2)})
def iterate_list_while_cleared() -> Outcome:
    items = [1, 2]
    seen = []

    def reader() -> None:
        for item in items:
            seen.append(item)

    two(reader, items.clear)
    return tuple(seen)


@litmus(free_threaded={(1,), (1, 2), (-1,)})
def iterate_dict_while_inserted() -> Outcome:
    """A change of size raises, unless it came before or after the whole loop."""
    d = {1: 1}
    seen = []

    def reader() -> None:
        try:
            for key in d:
                seen.append(key)
        except RuntimeError:
            seen[:] = [-1]

    def writer() -> None:
        d[2] = 2

    two(reader, writer)
    return tuple(seen)


@litmus(free_threaded={(1,), (3,), (-1,)})
def iterate_set_while_added() -> Outcome:
    items = {1}
    seen = []

    def reader() -> None:
        total = 0
        try:
            for item in items:
                total += item
            seen.append(total)
        except RuntimeError:
            seen.append(-1)

    two(reader, lambda: items.add(2))
    return tuple(seen)


@litmus(free_threaded={(1,), (1, 2)})
def copy_keys_while_inserted() -> Outcome:
    """``list(d)`` is one step: it never raises."""
    d = {1: 1}
    seen = []

    def writer() -> None:
        d[2] = 2

    two(lambda: seen.append(list(d)), writer)
    return tuple(seen[0])


@litmus(free_threaded={((1, 1),), ((1, 1), (2, 2))})
def copy_items_while_inserted() -> Outcome:
    d = {1: 1}
    seen = []

    def writer() -> None:
        d[2] = 2

    two(lambda: seen.append(list(d.items())), writer)
    return tuple(seen[0])


@litmus(free_threaded={(1,), (1, 2), (-1,)}, gil={(1,), (1, 2)})
def tuple_of_keys_while_inserted() -> Outcome:
    """``tuple(d)`` reads key by key."""
    d = {1: 1}
    seen = []

    def reader() -> None:
        try:
            seen.append(tuple(d))
        except RuntimeError:
            seen.append((-1,))

    def writer() -> None:
        d[2] = 2

    two(reader, writer)
    return seen[0]


@litmus(free_threaded={(0,), (1,), (2,)}, gil={(0,), (2,)})
def sum_while_stored() -> Outcome:
    """``sum`` reads element by element."""
    items = [0, 0]
    seen = []

    def writer() -> None:
        items[0] = 1
        items[1] = 1

    two(writer, lambda: seen.append(sum(items)))
    return tuple(seen)


@litmus(free_threaded={(True,), (False,)}, gil={(True,)})
def contains_misses_what_is_always_there() -> Outcome:
    """``in`` reads element by element; 2 moves from the back to the front behind its back."""
    items = [1, 2]
    seen = []

    def writer() -> None:
        items[0] = 2
        items[1] = 1

    two(writer, lambda: seen.append(2 in items))
    return tuple(seen)


@litmus(free_threaded={(True,), (False,)}, gil={(True,)})
def index_misses_what_is_always_there() -> Outcome:
    items = [1, 2]
    seen = []

    def writer() -> None:
        items[0] = 2
        items[1] = 1

    def reader() -> None:
        try:
            seen.append(items.index(2) < 2)
        except ValueError:
            seen.append(False)

    two(writer, reader)
    return tuple(seen)


@litmus(free_threaded={(0, 0), (0, 1), (1, 0), (1, 1)}, gil={(0, 0), (1, 1)})
def update_seen_half_done() -> Outcome:
    """``update`` is one step per key."""
    d = {"a": 0, "b": 0}
    fresh = {"a": 1, "b": 1}
    seen = []

    def reader() -> None:
        seen.append((d["a"], d["b"]))

    two(lambda: d.update(fresh), reader)
    return seen[0]


@litmus(free_threaded={(0,), (2,)}, gil={(2,)})
def sort_seen_empty() -> Outcome:
    items = [2, 1]
    seen = []

    two(lambda: items.sort(), lambda: seen.append(len(items)))
    return tuple(seen)


@litmus(free_threaded={(True,), (False,)})
def contains_while_discarded() -> Outcome:
    items = {1}
    seen = []

    two(lambda: items.discard(1), lambda: seen.append(1 in items))
    return tuple(seen)


@litmus(free_threaded={(1,), (3,), (-1,)})
def iterate_deque_while_appended() -> Outcome:
    line = deque([1])
    seen = []

    def reader() -> None:
        total = 0
        try:
            for item in line:
                total += item
            seen.append(total)
        except RuntimeError:
            seen.append(-1)

    two(reader, lambda: line.append(2))
    return tuple(seen)


@litmus(free_threaded={(3,), (3, 1), (3, 2), (3, 1, 2), (3, 2, 1)})
def star_copy_while_appended() -> Outcome:
    """``[*items]`` is one step."""
    items = [3]
    one, other = Thread(target=items.append, args=(1,)), Thread(target=items.append, args=(2,))
    one.start()
    other.start()
    seen = [*items]
    one.join()
    other.join()
    return tuple(seen)
