"""Attributes: what single loads and stores of ``o.x`` may see."""

from __future__ import annotations

from threading import Thread

from tests.litmus.corpus import Outcome, litmus
from tests.litmus.programs.together import three, two


class Pair:
    """Two fields that threads share, two that record what a thread saw."""

    def __init__(self, x: object, y: object = 0) -> None:
        self.x = x
        self.y = y
        self.a = self.b = None

    def get(self):
        return self.x


class Config:
    level = 0


class Fallback:
    level = 5


def succ(value):
    return value + 1


LETTERS = "abc"


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def increment_attribute() -> Outcome:
    o = Pair(0)

    def bump() -> None:
        o.x += 1

    two(bump, bump)
    return (o.x,)


@litmus(free_threaded={(1,), (2,), (3,)}, gil={(3,)})
def increment_attribute_three_times() -> Outcome:
    o = Pair(0)

    def bump() -> None:
        o.x += 1

    first, second = Thread(target=bump), Thread(target=bump)
    first.start()
    second.start()
    o.x += 1
    first.join()
    second.join()
    return (o.x,)


@litmus(free_threaded={("a",), ("b",), ("c",)})
def last_writer_of_three() -> Outcome:
    o = Pair(None)

    def write_a() -> None:
        o.x = "a"

    def write_b() -> None:
        o.x = "b"

    def write_c() -> None:
        o.x = "c"

    three(write_a, write_b, write_c)
    return (o.x,)


@litmus(free_threaded={(1,), (2,)})
def increment_through_function() -> Outcome:
    """Switch at the entry of a Python function that is called between the load and the store."""
    o = Pair(0)

    def bump() -> None:
        o.x = succ(o.x)

    two(bump, bump)
    return (o.x,)


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def increment_through_getter() -> Outcome:
    """Switch at the getter's entry only: that is before the load."""
    o = Pair(0)

    def bump() -> None:
        o.x = o.get() + 1

    two(bump, bump)
    return (o.x,)


@litmus(free_threaded={(1,), (2,)})
def increment_across_abs() -> Outcome:
    """Switch after a call of a C function, between the load and the store."""
    o = Pair(0)

    def bump() -> None:
        o.x = o.x + abs(-1)

    two(bump, bump)
    return (o.x,)


@litmus(free_threaded={(3,), (6,)}, gil={(6,)})
def increment_across_len() -> Outcome:
    """``len`` is specialised: no switch after it."""
    o = Pair(0)

    def bump() -> None:
        o.x = o.x + len(LETTERS)

    two(bump, bump)
    return (o.x,)


@litmus(free_threaded={(0, 0), (0, 1), (1, 1)}, gil={(0, 0), (1, 1)})
def message_passing() -> Outcome:
    """Whoever sees the flag sees the data that were stored before it."""
    o = Pair(0)

    def writer() -> None:
        o.x = 1
        o.y = 1

    def reader() -> None:
        o.a = o.y
        o.b = o.x

    two(writer, reader)
    return (o.a, o.b)


@litmus(free_threaded={(0, 1), (1, 0), (1, 1)}, gil={(0, 1), (1, 0)})
def store_buffering() -> Outcome:
    """Both reading 0 would need weaker memory than sequential consistency."""
    o = Pair(0)

    def left() -> None:
        o.x = 1
        o.a = o.y

    def right() -> None:
        o.y = 1
        o.b = o.x

    two(left, right)
    return (o.a, o.b)


@litmus(free_threaded={(0, 0), (0, 1), (1, 0)}, gil={(0, 1), (1, 0)})
def load_buffering() -> Outcome:
    o = Pair(0)

    def left() -> None:
        o.a = o.x
        o.y = 1

    def right() -> None:
        o.b = o.y
        o.x = 1

    two(left, right)
    return (o.a, o.b)


@litmus(
    free_threaded={(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)},
    gil={(0, 0), (2, 2)},
)
def read_twice() -> Outcome:
    """Never see an older value after a newer one."""
    o = Pair(0)

    def writer() -> None:
        o.x = 1
        o.x = 2

    def reader() -> None:
        o.a = o.x
        o.b = o.x

    two(writer, reader)
    return (o.a, o.b)


@litmus(free_threaded={(1, 2), (2, 1), (2, 2)}, gil={(1, 2), (2, 1)})
def write_crosswise() -> Outcome:
    o = Pair(0)

    def left() -> None:
        o.x = 1
        o.y = 2

    def right() -> None:
        o.y = 1
        o.x = 2

    two(left, right)
    return (o.x, o.y)


@litmus(free_threaded={(1, 2), (2, 2), (2, 1), (1, 1)}, gil={(1, 2), (2, 1)})
def swap_seen_half_done() -> Outcome:
    o = Pair(1, 2)

    def swap() -> None:
        o.x, o.y = o.y, o.x

    def reader() -> None:
        o.a, o.b = o.x, o.y

    two(swap, reader)
    return (o.a, o.b)


@litmus(free_threaded={(1,), (-1,)})
def delete_while_read() -> Outcome:
    o = Pair(1)

    def remove() -> None:
        del o.x

    def reader() -> None:
        try:
            o.a = o.x
        except AttributeError:
            o.a = -1

    two(remove, reader)
    return (o.a,)


@litmus(free_threaded={("left",), ("right",)})
def delete_twice() -> Outcome:
    """Only one deletion succeeds."""
    o = Pair(1)

    def left() -> None:
        try:
            del o.x
            o.a = "left"
        except AttributeError:
            pass

    def right() -> None:
        try:
            del o.x
            o.a = "right"
        except AttributeError:
            pass

    two(left, right)
    return (o.a,)


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def increment_class_attribute() -> Outcome:
    Config.level = 0

    def bump() -> None:
        Config.level += 1

    two(bump, bump)
    return (Config.level,)


@litmus(free_threaded={(6,), (7,)}, gil={(7,)})
def increment_falls_back_to_class() -> Outcome:
    """The first load finds the class attribute, the store makes an instance attribute."""
    o = Fallback()

    def bump() -> None:
        o.level += 1

    two(bump, bump)
    return (o.level,)


@litmus(free_threaded={(1,), (5,)})
def delete_uncovers_class_attribute() -> Outcome:
    o = Fallback()
    o.level = 1
    seen = []

    def remove() -> None:
        del o.level

    def reader() -> None:
        seen.append(o.level)

    two(remove, reader)
    return tuple(seen)


@litmus(free_threaded={(10,), (11,)})
def replace_object_while_incremented() -> Outcome:
    """The increment goes to whichever object was there when it was looked up."""
    o = Pair(Pair(0))
    fresh = Pair(10)

    def bump() -> None:
        o.x.y += 1

    def replace() -> None:
        o.x = fresh

    fresh.y = 10
    two(bump, replace)
    return (o.x.y,)


@litmus(free_threaded={(1,), (3,)})
def replace_method_while_called() -> Outcome:
    o = Pair(abs)

    def caller() -> None:
        o.a = o.x(-1)

    def replace() -> None:
        o.x = lambda _: 3

    two(caller, replace)
    return (o.a,)


@litmus(free_threaded={("a",), ("b",), ("ab",), ("ba",)}, gil={("ab",), ("ba",)})
def concatenate_attribute() -> Outcome:
    o = Pair("")

    def left() -> None:
        o.x += "a"

    def right() -> None:
        o.x += "b"

    two(left, right)
    return (o.x,)


@litmus(free_threaded={(1, 2), (2, 1)})
def extend_list_attribute() -> Outcome:
    """``+=`` stores the same list again: nothing is lost."""
    o = Pair([])

    def left() -> None:
        o.x += [1]

    def right() -> None:
        o.x += [2]

    two(left, right)
    return tuple(o.x)


@litmus(free_threaded={(1,), (2,), (1, 2), (2, 1)}, gil={(1, 2), (2, 1)})
def extend_tuple_attribute() -> Outcome:
    """``+=`` stores a new tuple: an element is lost."""
    o = Pair(())

    def left() -> None:
        o.x += (1,)

    def right() -> None:
        o.x += (2,)

    two(left, right)
    return o.x


@litmus(free_threaded={(), (1,)})
def extend_list_while_replaced() -> Outcome:
    """The store of ``+=`` brings the old list back."""
    o = Pair([])

    def extend() -> None:
        o.x += [1]

    def replace() -> None:
        o.x = []

    two(extend, replace)
    return tuple(o.x)


@litmus(free_threaded={(0,), (1,), (2,)})
def main_and_two_writers() -> Outcome:
    """The main thread reads while both threads run."""
    o = Pair(0)

    def write_one() -> None:
        o.x = 1

    def write_two() -> None:
        o.x = 2

    first, second = Thread(target=write_one), Thread(target=write_two)
    first.start()
    second.start()
    seen = o.x
    first.join()
    second.join()
    return (seen,)
