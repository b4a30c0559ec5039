"""Check, then act: initialise once, take the last one, publish, exclude each other by flags."""

from __future__ import annotations

from threading import Lock

from tests.litmus.corpus import Outcome, litmus
from tests.litmus.programs.together import two


class State:
    def __init__(self, value: object = None) -> None:
        self.value = value
        self.ready = False
        self.left = self.right = 0


class Connection:
    def __init__(self, made) -> None:
        made.append(1)


@litmus(free_threaded={(1,), (2,)}, gil={(1,)})
def initialise_once() -> Outcome:
    o = State()
    made = []

    def get() -> None:
        if o.value is None:
            o.value = 1
            made.append(1)

    two(get, get)
    return (len(made),)


@litmus(free_threaded={(1,), (2,)})
def initialise_once_by_class() -> Outcome:
    """The constructor is entered between the check and the store."""
    o = State()
    made = []

    def get() -> None:
        if o.value is None:
            o.value = Connection(made)

    two(get, get)
    return (len(made),)


@litmus(free_threaded={(1,)})
def initialise_under_lock() -> Outcome:
    """Check, lock, check again."""
    o = State()
    lock = Lock()
    made = []

    def get() -> None:
        if o.value is None:
            with lock:
                if o.value is None:
                    made.append(1)
                    o.value = 1

    two(get, get)
    return (len(made),)


@litmus(free_threaded={(1,), (2,)})
def initialise_checked_outside_lock() -> Outcome:
    """Check, lock, forget to check again: the blocked one comes second."""
    o = State()
    lock = Lock()
    made = []

    def get() -> None:
        if o.value is None:
            with lock:
                made.append(abs(1))
                o.value = 1

    two(get, get)
    return (len(made),)


@litmus(free_threaded={(1,), (2,)}, gil={(1,)})
def insert_once() -> Outcome:
    d = {}
    stored = []

    def insert() -> None:
        if 1 not in d:
            d[1] = 1
            stored.append(1)

    two(insert, insert)
    return (len(stored),)


@litmus(free_threaded={(1, 2), (2, 1)})
def insert_once_by_setdefault() -> Outcome:
    """``setdefault`` is one step: both append to the same list."""
    d = {}

    def left() -> None:
        d.setdefault("k", []).append(1)

    def right() -> None:
        d.setdefault("k", []).append(2)

    two(left, right)
    return tuple(d["k"])


@litmus(free_threaded={(0,), (-1,)}, gil={(0,)})
def withdraw_twice() -> Outcome:
    o = State(1)

    def withdraw() -> None:
        if o.value >= 1:
            o.value -= 1

    two(withdraw, withdraw)
    return (o.value,)


@litmus(free_threaded={(1,), (2,)}, gil={(1,)})
def close_twice() -> Outcome:
    o = State("open")
    closed = []

    def close() -> None:
        if o.value == "open":
            o.value = "closed"
            closed.append(1)

    two(close, close)
    return (len(closed),)


@litmus(free_threaded={(1,)})
def close_by_swapping_out() -> Outcome:
    """``pop`` decides in one step who closes."""
    d = {"handle": 1}
    closed = []

    def close() -> None:
        if d.pop("handle", None) is not None:
            closed.append(1)

    two(close, close)
    return (len(closed),)


@litmus(free_threaded={(-1,), (1,)})
def publish_after_data() -> Outcome:
    o = State(0)
    seen = []

    def writer() -> None:
        o.value = 1
        o.ready = True

    def reader() -> None:
        seen.append(o.value if o.ready else -1)

    two(writer, reader)
    return tuple(seen)


@litmus(free_threaded={(-1,), (0,), (1,)}, gil={(-1,), (1,)})
def publish_before_data() -> Outcome:
    o = State(0)
    seen = []

    def writer() -> None:
        o.ready = True
        o.value = 1

    def reader() -> None:
        seen.append(o.value if o.ready else -1)

    two(writer, reader)
    return tuple(seen)


@litmus(free_threaded={(0,), (1,)}, gil={(1,)})
def raise_flag_then_look() -> Outcome:
    """Both may give way; never do both go in."""
    o = State()
    inside = []

    def go_left() -> None:
        o.left = 1
        if not o.right:
            inside.append(1)

    def go_right() -> None:
        o.right = 1
        if not o.left:
            inside.append(1)

    two(go_left, go_right)
    return (len(inside),)


@litmus(free_threaded={(1,), (2,)}, gil={(1,)})
def look_then_raise_flag() -> Outcome:
    o = State()
    inside = []

    def go_left() -> None:
        if not o.right:
            o.left = 1
            inside.append(1)

    def go_right() -> None:
        if not o.left:
            o.right = 1
            inside.append(1)

    two(go_left, go_right)
    return (len(inside),)


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def compare_and_swap_in_two_steps() -> Outcome:
    """A comparison that is not atomic with its store loses an update that a retry would not."""
    o = State(0)

    def bump() -> None:
        old = o.value
        if o.value == old:
            o.value = old + 1

    def add() -> None:
        o.value += 1

    two(bump, add)
    return (o.value,)


@litmus(free_threaded={("both",), ("left",), ("right",)}, gil={("left",), ("right",)})
def book_last_seat() -> Outcome:
    seats = {1}
    booked = []

    def book(who) -> None:
        if 1 in seats:
            seats.discard(1)
            booked.append(who)

    two(lambda: book("left"), lambda: book("right"))
    return ("both",) if len(booked) == 2 else tuple(booked)
