"""What one thread changes, another one reads by an operation that seems to have to do with something else.

Each program has both outcomes, the one before and the one after the change: the proof must not lack one.
"""

from __future__ import annotations

import abc
import csv
import io
import queue
import re
import sys
import threading
import warnings
import weakref
from array import array
from collections import OrderedDict, deque
from collections.abc import Callable
from contextvars import Context, ContextVar
from functools import partial
from types import SimpleNamespace
from typing import Any

from tests.litmus.corpus import Outcome, litmus, raises
from tests.litmus.programs.together import beside_main

EITHER = {(False,), (True,)}


class Anything:
    """Has any attributes."""


def seen(change: Callable[[], object], look: Callable[[], object]) -> Outcome:
    """Return what ``look`` returned beside the change."""
    found: list[object] = []
    beside_main(change, lambda: found.append(look()))
    return (found[0],)


# -- errors --------------------------------------------------------------------------------------


def _changed_error(look: Callable[[Exception], object]) -> Outcome:
    error = ValueError(1)

    def change() -> None:
        error.args = (2,)

    return seen(change, lambda: look(error))


@litmus(free_threaded={("1",), ("2",)})
def text_of_an_error() -> Outcome:
    return _changed_error(str)


@litmus(free_threaded={("ValueError(1)",), ("ValueError(2)",)})
def error_shown() -> Outcome:
    return _changed_error(repr)


@litmus(free_threaded={("[Errno 1] x",), ("[Errno 2] x",)})
def text_of_an_error_of_the_system() -> Outcome:
    error = OSError(1, "x")

    def change() -> None:
        error.errno = 2

    return seen(change, lambda: f"{error}")


@litmus(
    free_threaded={(("a",),), (("b",),), (("a", "b"),), (("b", "a"),)}, gil={(("a", "b"),), (("b", "a"),)}
)
def notes_of_an_error() -> Outcome:
    """Who finds no notes makes a list of them."""
    error = ValueError()

    beside_main(lambda: error.add_note("a"), lambda: error.add_note("b"))
    return (tuple(error.__notes__),)


# -- contexts, partials, classes -----------------------------------------------------------------


@litmus(free_threaded={(2,), raises("RuntimeError")})
def context_entered_twice() -> Outcome:
    context, variable = Context(), ContextVar("variable", default=0)

    def count() -> None:
        variable.set(variable.get() + 1)

    beside_main(lambda: context.run(count), lambda: context.run(count))
    return (context[variable],)


@litmus(free_threaded={(None,), (1,)})
def variable_of_a_context() -> Outcome:
    context, variable = Context(), ContextVar[int]("variable")
    return seen(lambda: context.run(variable.set, 1), lambda: context.get(variable))


@litmus(free_threaded={(1,), (2,)})
def keywords_of_a_partial() -> Outcome:
    called = partial(lambda **named: named["x"], x=1)
    return seen(lambda: called.keywords.update(x=2), called)


@litmus(free_threaded={(0,), (1,)})
def subclasses() -> Outcome:
    class Base:
        pass

    kept = []

    def derive() -> None:
        class Derived(Base):
            pass

        kept.append(Derived)

    return seen(derive, lambda: len(Base.__subclasses__()))


@litmus(free_threaded=EITHER)
def registered_subclass() -> Outcome:
    class Base(abc.ABC):  # registered with
        pass

    class Other:
        pass

    return seen(lambda: Base.register(Other), lambda: isinstance(Other(), Base))


@litmus(free_threaded={(1,), (2,)})
def slot_by_its_descriptor() -> Outcome:
    class Slotted:
        __slots__ = ("x",)

    slotted = Slotted()
    slotted.x = 1
    return seen(lambda: Slotted.x.__set__(slotted, 2), lambda: slotted.x)


@litmus(free_threaded={(1,), (2,)})
def attribute_by_a_weak_proxy() -> Outcome:
    thing = Anything()
    thing.x = 1
    proxy = weakref.proxy(thing)

    def change() -> None:
        proxy.x = 2

    return seen(change, lambda: thing.x)


@litmus(free_threaded=EITHER)
def member_of_a_weak_set() -> Outcome:
    thing, things = Anything(), weakref.WeakSet[Anything]()
    return seen(lambda: things.add(thing), lambda: thing in things)


# -- comparisons of what is in containers --------------------------------------------------------


def _changed_element(look: Callable[[list[int]], object]) -> Outcome:
    inner = [1]
    return seen(lambda: inner.append(2), lambda: look(inner))


@litmus(free_threaded=EITHER)
def lists_in_lists() -> Outcome:
    return _changed_element(lambda inner: [inner] == [[1]])


@litmus(free_threaded=EITHER)
def lists_in_tuples() -> Outcome:
    return _changed_element(lambda inner: (inner, 0) < ([1], 1))


@litmus(free_threaded=EITHER)
def lists_in_dicts() -> Outcome:
    return _changed_element(lambda inner: {1: inner} == {1: [1]})


@litmus(free_threaded=EITHER)
def list_in_a_list() -> Outcome:
    return _changed_element(lambda inner: [1] in [inner])


@litmus(free_threaded=EITHER)
def list_in_a_tuple() -> Outcome:
    return _changed_element(lambda inner: [1] in (inner,))


@litmus(free_threaded=EITHER)
def list_in_a_deque() -> Outcome:
    return _changed_element(lambda inner: [1] in deque((inner,)))


@litmus(free_threaded={(0,), (1,)})
def lists_counted() -> Outcome:
    return _changed_element(lambda inner: [inner].count([1]))


@litmus(free_threaded={(0,), (1,)})
def lists_counted_in_a_tuple() -> Outcome:
    return _changed_element(lambda inner: (inner,).count([1]))


@litmus(free_threaded={(1,), (2,)})
def least_of_lists() -> Outcome:
    return _changed_element(lambda inner: len(min((inner, [1, 1]))))


@litmus(free_threaded=EITHER)
def namespaces() -> Outcome:
    space = SimpleNamespace(x=1)

    def change() -> None:
        space.x = 2

    return seen(change, lambda: space == SimpleNamespace(x=1))


@litmus(free_threaded=EITHER)
def right_view_of_a_dict() -> Outcome:
    d = {1: 1}
    view = d.keys()
    return seen(d.clear, lambda: {1} <= view)


# -- what C code reads ---------------------------------------------------------------------------


def _changed_bytes(look: Callable[[bytearray], object]) -> Outcome:
    data = bytearray(b"1")

    def change() -> None:
        data[0] = ord("2")

    return seen(change, lambda: look(data))


@litmus(free_threaded={(1,), (2,)})
def number_in_bytes() -> Outcome:
    return _changed_bytes(int)


@litmus(free_threaded={("x",), ("y",)})
def table_of_a_translation() -> Outcome:
    table = {ord("a"): "x"}

    def change() -> None:
        table[ord("a")] = "y"

    return seen(change, lambda: "a".translate(table))


@litmus(free_threaded={("1",), ("2",)})
def bytes_written_to_a_file() -> Outcome:
    file = io.BytesIO()

    def write(data: bytearray) -> str:
        file.write(data)
        return file.getvalue().decode()

    return _changed_bytes(write)


@litmus(free_threaded={("1",), ("2",)})
def buffer_of_a_file() -> Outcome:
    file = io.BytesIO(b"1")
    view = file.getbuffer()

    def change() -> None:
        view[0] = ord("2")

    return seen(change, lambda: file.getvalue().decode())


@litmus(free_threaded={("a\n",), ("b",)})
def next_line_of_a_file() -> Outcome:
    file = io.StringIO("a\nb")
    return seen(file.readline, lambda: next(file))


@litmus(free_threaded=EITHER)
def file_closed_at_the_end_of_a_block() -> Outcome:
    file = io.StringIO()

    def close() -> None:
        with file:
            pass

    return seen(close, lambda: file.closed)


@litmus(free_threaded=EITHER)
def matched_in_either_order() -> Outcome:
    scanner: Any = re.compile("a").scanner("a")  # type: ignore[attr-defined]
    return seen(scanner.match, lambda: scanner.match() is None)


@litmus(free_threaded={(3,), (4,), (5,), (6,)}, gil={(3,), (6,)})
def sum_of_an_array() -> Outcome:
    numbers = array("b", (1, 2))

    def change() -> None:
        numbers[0] = 2
        numbers[1] = 4

    return seen(change, lambda: sum(numbers))


@litmus(free_threaded={(1, 1), (1, 2), (2, 1), (2, 2)}, gil={(1, 1), (2, 2)})
def ordered_dict_copied() -> Outcome:
    d = OrderedDict(a=1, b=1)
    copies = []

    def change() -> None:
        d["a"] = 2
        d["b"] = 2

    beside_main(change, lambda: copies.append(dict(d)))
    return tuple(copies[0].values())


@litmus(free_threaded=EITHER)
def setting_of_the_process() -> Outcome:
    before = csv.field_size_limit()
    outcome = seen(lambda: csv.field_size_limit(1), lambda: csv.field_size_limit() == 1)
    csv.field_size_limit(before)
    return outcome


@litmus(free_threaded=EITHER)
def warnings_caught() -> Outcome:
    """Who leaves last puts back what was there when it entered."""
    before = warnings.filters

    def catch() -> None:
        with warnings.catch_warnings():
            pass

    beside_main(catch, catch)
    outcome = (warnings.filters is before,)
    warnings.filters = before
    return outcome


@litmus(free_threaded={("",), ("x\n",)})
def printed_to_what_was_replaced() -> Outcome:
    text, before = io.StringIO(), sys.stdout

    def replace() -> None:
        sys.stdout = text

    sys.stdout = io.StringIO()
    beside_main(replace, lambda: print("x"))
    sys.stdout = before
    return (text.getvalue(),)


# -- the inside of queues and semaphores ---------------------------------------------------------


@litmus(free_threaded={(1,), (2,)})
def hook_of_a_queue() -> Outcome:
    items = queue.Queue[int]()

    def change() -> None:
        items._put = lambda item: items.queue.append(2 * item)

    beside_main(change, lambda: items.put(1))
    return (items.get(),)


@litmus(free_threaded={(0,), (1,)})
def tasks_of_a_queue() -> Outcome:
    items = queue.Queue[int]()
    return seen(lambda: items.put(1), lambda: items.unfinished_tasks)


@litmus(free_threaded={(0,), (1,)})
def permits_of_a_semaphore() -> Outcome:
    permits = threading.Semaphore()
    return seen(permits.acquire, lambda: permits._value)
