"""Objects whose attributes or keys run code: properties, descriptors, slots, ``__getattr__``, ``__eq__``."""

from __future__ import annotations

from tests.litmus.corpus import Outcome, litmus
from tests.litmus.programs.together import beside_main, two


class Slotted:
    __slots__ = ("n",)

    def __init__(self) -> None:
        self.n = 0


class Property:
    def __init__(self) -> None:
        self.n = 0

    @property
    def value(self):
        return self.n

    @value.setter
    def value(self, number) -> None:
        self.n = number

    @property
    def double(self):
        return 2 * self.n


class Descriptor:
    def __get__(self, instance, owner):
        return instance.n

    def __set__(self, instance, number) -> None:
        instance.n = number


class Described:
    field = Descriptor()

    def __init__(self) -> None:
        self.n = 0


class Missing:
    def __getattr__(self, name):
        return 0


class Key:
    def __hash__(self) -> int:
        return 1

    def __eq__(self, other) -> bool:
        return isinstance(other, Key)


class Table:
    """A mapping in Python: each access is a function entry, then the item itself."""

    def __init__(self) -> None:
        self.rows = {0: 0}

    def __getitem__(self, key):
        return self.rows[key]

    def __setitem__(self, key, value) -> None:
        self.rows[key] = value


class Number:
    def __init__(self, n) -> None:
        self.n = n

    def __add__(self, other):
        return Number(self.n + other)

    def __bool__(self) -> bool:
        return self.n > 0


class Managed:
    """A context manager in Python that guards nothing."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_) -> None:
        return None


MANAGED = Managed()


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def increment_slot() -> Outcome:
    o = Slotted()

    def bump() -> None:
        o.n += 1

    two(bump, bump)
    return (o.n,)


@litmus(free_threaded={(1,), (2,)})
def increment_property() -> Outcome:
    """The setter's entry stands between the load and the store."""
    o = Property()

    def bump() -> None:
        o.value += 1

    beside_main(bump, bump)
    return (o.n,)


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def increment_what_a_property_reads() -> Outcome:
    """The getter's entry stands before the load."""
    o = Property()

    def bump() -> None:
        o.n = o.value + 1

    two(bump, bump)
    return (o.n,)


@litmus(free_threaded={(0,), (2,)})
def property_computes_from_one_load() -> Outcome:
    o = Property()
    seen = []

    def writer() -> None:
        o.n = 1

    def reader() -> None:
        seen.append(o.double)

    two(writer, reader)
    return tuple(seen)


@litmus(free_threaded={(1,), (2,)})
def increment_descriptor() -> Outcome:
    o = Described()

    def bump() -> None:
        o.field += 1

    beside_main(bump, bump)
    return (o.n,)


@litmus(free_threaded={(1,), (2,)})
def increment_missing_attribute() -> Outcome:
    """Both miss the attribute before ``__getattr__`` is entered."""
    o = Missing()

    def bump() -> None:
        o.level += 1

    two(bump, bump)
    return (o.level,)


@litmus(free_threaded={(1,), (2,)})
def insert_once_by_python_key() -> Outcome:
    """``__hash__`` is entered between the check and the store."""
    d = {}
    stored = []

    def insert() -> None:
        if Key() not in d:
            d[Key()] = 1
            stored.append(1)

    beside_main(insert, insert)
    return (len(stored),)


@litmus(free_threaded={(1,), (2,)})
def increment_item_of_python_mapping() -> Outcome:
    table = Table()

    def bump() -> None:
        table[0] += 1

    beside_main(bump, bump)
    return (table.rows[0],)


@litmus(free_threaded={(1,), (2,)})
def increment_python_number() -> Outcome:
    """``__add__`` is entered after the left operand was loaded."""
    o = Slotted()
    o.n = Number(0)

    def bump() -> None:
        o.n = o.n + 1

    beside_main(bump, bump)
    return (o.n.n,)


@litmus(free_threaded={(0,), (1,)})
def truth_of_python_object() -> Outcome:
    o = Number(0)
    seen = []

    def writer() -> None:
        o.n = 1

    def reader() -> None:
        seen.append(1 if o else 0)

    two(writer, reader)
    return tuple(seen)


@litmus(free_threaded={(1,), (2,)})
def check_truth_then_act() -> Outcome:
    """``__bool__`` is entered before its load; the store comes after a call."""
    o = Number(1)
    taken = []

    def take() -> None:
        if o:
            o.n = 1 - abs(1)
            taken.append(1)

    two(take, take)
    return (len(taken),)


@litmus(free_threaded={(1,), (2,)})
def increment_across_python_context_manager() -> Outcome:
    o = Slotted()

    def bump() -> None:
        seen = o.n
        with MANAGED:
            pass
        o.n = seen + 1

    beside_main(bump, bump)
    return (o.n,)
