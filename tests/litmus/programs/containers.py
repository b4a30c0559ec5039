"""Containers: items, methods of one step, truth and length."""

from __future__ import annotations

from collections import deque

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


@litmus(free_threaded={(1, 2)})
def add_to_set_from_both() -> Outcome:
    items = set()

    two(lambda: items.add(1), lambda: items.add(2))
    return tuple(sorted(items))


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
