"""Globals, closure cells, generators: variables that threads share without an object."""

from __future__ import annotations

from functools import partial
from threading import Thread

from tests.litmus.corpus import UNSAFE, Outcome, litmus
from tests.litmus.programs.together import beside_main, two

counter = 0
current = 0
shared: list[int] = []


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def increment_global() -> Outcome:
    global counter
    counter = 0

    def bump() -> None:
        global counter
        counter += 1

    two(bump, bump)
    return (counter,)


@litmus(free_threaded={(0,), (1,)})
def replace_global_while_read() -> Outcome:
    global current
    current = 0
    seen = []

    def writer() -> None:
        global current
        current = 1

    def reader() -> None:
        seen.append(current)

    two(writer, reader)
    return tuple(seen)


@litmus(free_threaded={(7,), (-1,)})
def delete_global_while_read() -> Outcome:
    global temporary
    temporary = 7
    seen = []

    def remove() -> None:
        global temporary
        del temporary

    def reader() -> None:
        try:
            seen.append(temporary)
        except NameError:
            seen.append(-1)

    two(remove, reader)
    return tuple(seen)


@litmus(free_threaded={(1, 2), (2, 1)})
def append_to_global_list() -> Outcome:
    shared.clear()

    two(lambda: shared.append(1), lambda: shared.append(2))
    return tuple(shared)


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def increment_cell() -> Outcome:
    n = 0

    def bump() -> None:
        nonlocal n
        n += 1

    two(bump, bump)
    return (n,)


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def increment_cell_two_levels_down() -> Outcome:
    n = 0

    def outer() -> None:
        def inner() -> None:
            nonlocal n
            n += 1

        inner()

    two(outer, outer)
    return (n,)


@litmus(free_threaded={(0,), (1,)})
def cell_read_by_lambda() -> Outcome:
    n = 0
    seen = []

    def writer() -> None:
        nonlocal n
        n = 1

    two(writer, lambda: seen.append(n))
    return tuple(seen)


@litmus(free_threaded={(7,), (-1,)})
def delete_cell_while_read() -> Outcome:
    n = 7
    seen = []

    def remove() -> None:
        nonlocal n
        del n

    def reader() -> None:
        try:
            seen.append(n)
        except NameError:
            seen.append(-1)

    two(remove, reader)
    return tuple(seen)


@litmus(free_threaded={(0,)})
def default_argument_is_a_copy() -> Outcome:
    n = 0
    seen = []

    def reader(n=n) -> None:
        seen.append(n)

    def writer() -> None:
        nonlocal n
        n = 1

    two(writer, reader)
    return tuple(seen)


@litmus(free_threaded={(0, 1), (1, 0), (1, 1)}, gil={(0, 1), (1, 1)})
def loop_variable_captured_late() -> Outcome:
    """The first thread reads the loop variable before or after it moved on."""
    seen = []
    started = []
    for number in (0, 1):
        thread = Thread(target=lambda: seen.append(number))
        thread.start()
        started.append(thread)
    started[0].join()
    started[1].join()
    return tuple(seen)


@litmus(free_threaded={(0, 1), (1, 0)})
def loop_variable_bound_by_partial() -> Outcome:
    seen = []
    one, other = partial(seen.append, 0), partial(seen.append, 1)

    two(one, other)
    return tuple(seen)


@litmus(free_threaded={UNSAFE}, gil={(1, 2), (-1, 1)})
def shared_generator() -> Outcome:
    """A generator that runs refuses a second caller, if the GIL keeps it from running twice."""
    n = 0

    def numbers():
        nonlocal n
        while True:
            n += 1
            yield n

    stream = numbers()
    seen = []

    def take() -> None:
        try:
            seen.append(next(stream))
        except ValueError:
            seen.append(-1)

    beside_main(take, take)
    return tuple(sorted(seen))


@litmus(free_threaded={(1, 1)})
def generator_per_thread() -> Outcome:
    seen = []

    def numbers():
        yield 1

    def take() -> None:
        seen.extend([*numbers()])

    beside_main(take, take)
    return tuple(seen)


@litmus(free_threaded={(0, 0), (0, 1), (1, 1)}, gil={(0, 0), (1, 1)})
def cell_publishes_global() -> Outcome:
    """Cells and globals are ordered like attributes."""
    global current
    current = 0
    ready = 0
    seen = []

    def writer() -> None:
        nonlocal ready
        global current
        current = 1
        ready = 1

    def reader() -> None:
        first = ready
        seen.append((first, current))

    two(writer, reader)
    return seen[0]
