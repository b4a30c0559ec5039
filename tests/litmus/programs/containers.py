"""Containers: items, methods, containment, iteration, truth and length."""

from __future__ import annotations

from collections import deque
from threading import Thread

from tests.litmus.corpus import Outcome, litmus, raises
from tests.litmus.programs.together import two

ONE, TWO = frozenset((1,)), frozenset((2,))


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def increment_dict_item() -> Outcome:
    d = {"k": 0}

    def bump() -> None:
        d["k"] += 1

    two(bump, bump)
    return (d["k"],)


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def increment_list_item() -> Outcome:
    items = [0]

    def bump() -> None:
        items[0] += 1

    two(bump, bump)
    return (items[0],)


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def increment_byte() -> Outcome:
    data = bytearray(1)

    def bump() -> None:
        data[0] += 1

    two(bump, bump)
    return (data[0],)


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def increment_nested_item() -> Outcome:
    d = {"outer": {"inner": 0}}

    def bump() -> None:
        d["outer"]["inner"] += 1

    two(bump, bump)
    return (d["outer"]["inner"],)


@litmus(free_threaded={(1, 1)})
def increment_different_keys() -> Outcome:
    d = {"a": 0, "b": 0}

    def left() -> None:
        d["a"] += 1

    def right() -> None:
        d["b"] += 1

    two(left, right)
    return (d["a"], d["b"])


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def increment_equal_keys() -> Outcome:
    """1, 1.0 and True are one key."""
    d = {1: 0}

    def left() -> None:
        d[1.0] += 1

    def right() -> None:
        d[True] += 1

    two(left, right)
    return (d[1],)


@litmus(free_threaded={(1,), (2,)})
def increment_by_get() -> Outcome:
    """``get`` is a C call: switch after it."""
    d = {}

    def bump() -> None:
        d["k"] = d.get("k", 0) + 1

    two(bump, bump)
    return (d["k"],)


@litmus(free_threaded={(1, 2), (2, 1)})
def append_from_both() -> Outcome:
    items = []

    two(lambda: items.append(1), lambda: items.append(2))
    return tuple(items)


@litmus(free_threaded={(0,), (1,)})
def append_while_measured() -> Outcome:
    items = []
    seen = []

    two(lambda: items.append(1), lambda: seen.append(len(items)))
    return tuple(seen)


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


@litmus(free_threaded={(1, 2), (2, 1)})
def pop_from_both() -> Outcome:
    items = [1, 2]
    popped = {}

    def left() -> None:
        popped["left"] = items.pop()

    def right() -> None:
        popped["right"] = items.pop()

    two(left, right)
    return (popped["left"], popped["right"])


@litmus(free_threaded={(1, -1), (-1, 1)})
def pop_the_last_one() -> Outcome:
    items = [1]
    popped = {}

    def take(name) -> None:
        try:
            popped[name] = items.pop()
        except IndexError:
            popped[name] = -1

    two(lambda: take("left"), lambda: take("right"))
    return (popped["left"], popped["right"])


@litmus(free_threaded={raises("KeyError")})
def pop_key_twice() -> Outcome:
    """One of the threads dies."""
    d = {"k": 1}

    two(lambda: d.pop("k"), lambda: d.pop("k"))
    return ()


@litmus(free_threaded={(1,), (-1,)})
def delete_key_while_read() -> Outcome:
    d = {"k": 1}
    seen = []

    def remove() -> None:
        del d["k"]

    def reader() -> None:
        try:
            seen.append(d["k"])
        except KeyError:
            seen.append(-1)

    two(remove, reader)
    return tuple(seen)


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


@litmus(free_threaded={(1, 2)})
def add_to_set_from_both() -> Outcome:
    items = set()

    two(lambda: items.add(1), lambda: items.add(2))
    return tuple(sorted(items))


@litmus(free_threaded={(True,), (False,)})
def contains_while_discarded() -> Outcome:
    items = {1}
    seen = []

    two(lambda: items.discard(1), lambda: seen.append(1 in items))
    return tuple(seen)


@litmus(free_threaded={(1, 2), (2, 1)})
def append_to_both_ends() -> Outcome:
    """The order in the deque does not depend on who came first; what the reader pops does."""
    ends = deque([0])
    seen = []

    def left() -> None:
        ends.appendleft(1)
        seen.append(1)

    def right() -> None:
        ends.append(2)
        seen.append(2)

    two(left, right)
    return tuple(seen) if tuple(ends) == (1, 0, 2) else ()


@litmus(free_threaded={(1, 2), (2, 1)})
def popleft_from_both() -> Outcome:
    line = deque([1, 2])
    popped = {}

    def left() -> None:
        popped["left"] = line.popleft()

    def right() -> None:
        popped["right"] = line.popleft()

    two(left, right)
    return (popped["left"], popped["right"])


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


@litmus(free_threaded={(0,), (1,)}, gil={(0,)})
def truth_then_pop() -> Outcome:
    """Both may see one element before either takes it."""
    items = [1]
    errors = []

    def take() -> None:
        if items:
            try:
                items.pop()
            except IndexError:
                errors.append(1)

    two(take, take)
    return (len(errors),)


@litmus(free_threaded={(0,), (1,)}, gil={(0,)})
def length_then_pop() -> Outcome:
    items = [1]
    errors = []

    def take() -> None:
        if len(items) > 0:
            try:
                items.pop()
            except IndexError:
                errors.append(1)

    two(take, take)
    return (len(errors),)


@litmus(free_threaded={(1, 2)})
def union_in_place() -> Outcome:
    """``|=`` keeps the set: nothing is lost."""
    d = {"k": set()}

    def left() -> None:
        d["k"] |= {1}

    def right() -> None:
        d["k"] |= {2}

    two(left, right)
    return tuple(sorted(d["k"]))


@litmus(free_threaded={(1,), (2,), (1, 2)}, gil={(1, 2)})
def union_of_frozen_sets() -> Outcome:
    d = {"k": frozenset()}

    def left() -> None:
        d["k"] |= ONE

    def right() -> None:
        d["k"] |= TWO

    two(left, right)
    return tuple(sorted(d["k"]))
