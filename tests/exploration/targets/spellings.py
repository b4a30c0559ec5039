"""One fault each: something is changed between a look at it and its use. The programs differ in how they spell that."""

import collections
import dataclasses
import operator
import queue
import sqlite3
import threading
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any


def _together(*functions: Callable[[], object]) -> None:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Box:
    def __init__(self) -> None:
        self.count = 0


@dataclasses.dataclass
class Version:
    number: int


def slots_of_a_list() -> None:
    shared = [0]

    def work() -> None:
        shared.__setitem__(0, shared.__getitem__(0) + 1)

    _together(work, work)
    assert shared == [2]


def methods_of_the_class() -> None:
    shared: dict[str, int] = {}

    def work() -> None:
        dict.__setitem__(shared, "n", dict.get(shared, "n", 0) + 1)

    _together(work, work)
    assert shared == {"n": 2}


def methods_of_the_superclass() -> None:
    class Counts(dict[str, int]):
        def add(self, key: str) -> None:
            super().__setitem__(key, super().get(key, 0) + 1)

    shared = Counts()
    _together(lambda: shared.add("n"), lambda: shared.add("n"))
    assert shared == {"n": 2}


def slots_of_attributes() -> None:
    box = Box()

    def work() -> None:
        object.__setattr__(box, "count", object.__getattribute__(box, "count") + 1)

    _together(work, work)
    assert box.count == 2


def functions_of_operator() -> None:
    shared = [0]

    def work() -> None:
        operator.setitem(shared, 0, operator.getitem(shared, 0) + 1)

    _together(work, work)
    assert shared == [2]


def getters_of_operator() -> None:
    box, shared = Box(), [0]
    count, first = operator.attrgetter("count"), operator.itemgetter(0)

    def work() -> None:
        box.count = count(box) + 1
        shared[0] = first(shared) + 1

    _together(work, work)
    assert (box.count, shared) == (2, [2])


def method_callers() -> None:
    shared = {0: 0}
    get, update = operator.methodcaller("get", 0), operator.methodcaller("update")

    def work() -> None:
        shared[0] = get(shared) + 1
        update(shared)

    _together(work, work)
    assert shared == {0: 2}


def partial_functions() -> None:
    shared: dict[str, int] = {}
    get, put = partial(shared.get, "n", 0), partial(shared.__setitem__, "n")

    def work() -> None:
        put(get() + 1)

    _together(work, work)
    assert shared == {"n": 2}


def views_of_memory() -> None:
    shared = bytearray(1)
    view = memoryview(shared)

    def work() -> None:
        view[0] += 1

    _together(work, work)
    assert shared[0] == 2


def weak_references() -> None:
    kept: list[Any] = [Box()]
    reference = weakref.ref(kept[0])

    def look() -> None:
        if reference() is not None:
            assert reference() is not None

    _together(look, kept.clear)


def numbers_of_threads() -> None:
    thread = threading.Thread(target=Box)
    thread.start()
    number, names = threading.active_count(), [other.name for other in threading.enumerate()]
    thread.join()
    assert (number, len(names)) == (2, 2)


def how_many_wait_at_a_barrier() -> None:
    barrier, seen = threading.Barrier(2), []

    def look() -> None:
        seen.append(barrier.n_waiting)
        barrier.wait()

    _together(barrier.wait, look)
    assert seen == [0]


def whether_a_simple_queue_is_empty() -> None:
    tasks: queue.SimpleQueue[int] = queue.SimpleQueue()
    tasks.put(1)

    def work() -> None:
        if not tasks.empty():
            tasks.get_nowait()

    _together(work, work)


def copies_of_a_record() -> None:
    latest = [Version(0)]

    def work() -> None:
        latest[0] = dataclasses.replace(latest[0], number=latest[0].number + 1)

    _together(work, work)
    assert latest == [Version(2)]


def subclasses_of_containers() -> None:
    class Numbers(list[int]):
        pass

    class Letters(collections.UserDict[str, int]):
        pass

    numbers, letters = Numbers([0]), Letters(n=0)

    def work() -> None:
        numbers[0] += 1
        letters["n"] += 1

    _together(work, work)
    assert (numbers[0], letters["n"]) == (2, 2)


def rows_of_a_database() -> None:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.execute("create table counts (number)")
    connection.execute("insert into counts values (0)")

    def work() -> None:
        number = connection.execute("select number from counts").fetchone()[0]
        connection.execute("update counts set number = ?", (number + 1,))

    _together(work, work)
    assert connection.execute("select number from counts").fetchone() == (2,)
