"""Standard-library code that is opened and rewritten: ``collections.Counter``, ``logging``, ``contextlib``, ``functools``.

These modules use ``__dict__`` and ``setattr``, so every attribute load is a scheduling point: the programs with
two threads stay minimal, the others do their work on one thread at a time.
"""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock, Thread
from weakref import WeakSet, WeakValueDictionary

from tests.litmus.corpus import Outcome, litmus


def alone(body) -> None:
    """Run the body on a thread that nobody competes with."""
    thread = Thread(target=body)
    thread.start()
    thread.join()


class Memory(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record) -> None:
        self.lines.append(f"{record.threadName} {record.levelname} {record.getMessage()}")


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def increment_counter() -> Outcome:
    counts = Counter(k=0)

    def bump() -> None:
        counts["k"] += 1

    thread = Thread(target=bump)
    thread.start()
    bump()
    thread.join()
    return (counts["k"],)


@litmus(free_threaded={(1,), (2,)})
def increment_counter_of_missing_key() -> Outcome:
    """``__missing__`` is entered after the lookup failed."""
    counts = Counter()

    def bump() -> None:
        counts["k"] += 1

    thread = Thread(target=bump)
    thread.start()
    bump()
    thread.join()
    return (counts["k"],)


@litmus(free_threaded={("first INFO one", "MainThread WARNING two")})
def log_one_after_the_other() -> Outcome:
    logger = logging.Logger("litmus", logging.INFO)
    memory = Memory()
    logger.addHandler(memory)

    def log() -> None:
        logger.debug("not shown")
        logger.info("%s", "one")

    thread = Thread(target=log, name="first")
    thread.start()
    thread.join()
    logger.warning("two")
    return tuple(memory.lines)


@litmus(free_threaded={("second",)})
def log_exception() -> Outcome:
    logger = logging.Logger("litmus")
    memory = Memory()
    logger.addHandler(memory)

    def fail() -> None:
        try:
            raise ValueError("second")
        except ValueError as error:
            logger.exception("%s", error)

    alone(fail)
    return (memory.lines[0].split()[-1],)


@litmus(free_threaded={(1, True)})
def generator_as_context_manager() -> Outcome:
    lock = Lock()
    entered = []

    @contextmanager
    def locked():
        with lock:
            yield 1

    def work() -> None:
        with locked() as number:
            entered.append(number)

    alone(work)
    return (entered[0], lock.acquire(blocking=False))


@litmus(free_threaded={(1, True), (2, False)}, gil={(1, True), (2, False)})
def call_cached_function() -> Outcome:
    """It looks, calls without a lock, and keeps: a second caller in between calls, too."""
    calls: list[int] = []
    results: list[object] = []

    @lru_cache(maxsize=None)
    def make() -> object:
        calls.append(1)
        return object()

    thread = Thread(target=lambda: results.append(make()))
    thread.start()
    mine = make()
    thread.join()
    return (len(calls), results[0] is mine)


class Thing:
    pass


@litmus(free_threaded={(1,), (2,)}, gil={(1,), (2,)})
def make_weak_value_once() -> Outcome:
    things: WeakValueDictionary[str, Thing] = WeakValueDictionary()
    made: list[Thing] = []

    def get() -> None:
        if things.get("k") is None:
            thing = things["k"] = Thing()
            made.append(thing)

    thread = Thread(target=get)
    thread.start()
    get()
    thread.join()
    return (len(made),)


@litmus(free_threaded={(0,), (1,)}, gil={(0,), (1,)})
def iterate_weak_set_that_grows() -> Outcome:
    first, second = Thing(), Thing()
    things = WeakSet([first])
    refused: list[int] = []

    thread = Thread(target=things.add, args=(second,))
    thread.start()
    try:
        for _ in things:
            len(refused)
    except RuntimeError:
        refused.append(1)
    thread.join()
    return (len(refused),)
