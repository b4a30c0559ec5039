"""One resource under several spellings: ``setattr``, ``getattr``, ``vars``, ``globals``."""

from __future__ import annotations

from tests.litmus.corpus import Outcome, litmus
from tests.litmus.programs.together import beside_main, two

counter = 0


class Bag:
    def __init__(self) -> None:
        self.x = 0


@litmus(free_threaded={(1,), (2,)})
def increment_by_setattr_getattr() -> Outcome:
    """``getattr`` is a C call: switch after it."""
    o = Bag()

    def bump() -> None:
        setattr(o, "x", getattr(o, "x") + 1)

    beside_main(bump, bump)
    return (o.x,)


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def increment_by_setattr() -> Outcome:
    """The only switch is after the store."""
    o = Bag()

    def bump() -> None:
        setattr(o, "x", o.x + 1)

    two(bump, bump)
    return (o.x,)


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def increment_attribute_and_vars() -> Outcome:
    """``o.x`` and ``vars(o)["x"]`` are one resource."""
    o = Bag()

    def by_attribute() -> None:
        o.x += 1

    def by_vars() -> None:
        vars(o)["x"] += 1

    two(by_attribute, by_vars)
    return (o.x,)


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def increment_global_and_globals() -> Outcome:
    global counter
    counter = 0

    def by_name() -> None:
        global counter
        counter += 1

    def by_dict() -> None:
        globals()["counter"] += 1

    two(by_name, by_dict)
    return (counter,)


@litmus(free_threaded={(1,), (2,)})
def create_attribute_once() -> Outcome:
    """``hasattr`` is a C call: switch between the check and the store."""
    o = Bag()
    stored = []

    def create() -> None:
        if not hasattr(o, "y"):
            o.y = 1
            stored.append(1)

    two(create, create)
    return (len(stored),)


@litmus(free_threaded={(0,), (-1,)})
def delattr_while_read() -> Outcome:
    o = Bag()
    seen = []

    def remove() -> None:
        delattr(o, "x")

    def reader() -> None:
        seen.append(getattr(o, "x", -1))

    two(remove, reader)
    return tuple(seen)


@litmus(free_threaded={(0,), (1,)})
def setattr_while_read() -> Outcome:
    o = Bag()
    seen = []

    def writer() -> None:
        setattr(o, "x", 1)

    def reader() -> None:
        seen.append(o.x)

    two(writer, reader)
    return tuple(seen)
