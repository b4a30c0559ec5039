"""Programs like those that strangers write: long ones, and ones that use the library that the tool itself uses."""

import collections
import collections.abc
import threading
import typing


def run(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def cast():
    count = typing.cast(dict, {"n": 0})

    def add():
        n = count["n"]
        str(n)
        count["n"] = typing.cast(int, n) + 1

    run(add, add)
    assert count["n"] == 2


def long():
    """Needs two preemptions among hundreds of steps."""
    shared = {}

    def busy():
        for number in range(40):
            shared[threading.get_ident()] = str(number)

    def work():
        busy()
        shared.pop("n", None)
        busy()
        shared["n"] = 0
        busy()
        shared["n"] += 1

    run(work, work)


def ordered():
    kept = collections.OrderedDict()
    seen = {}

    def keep(key):
        for number in range(10):
            seen[key] = number
        kept[key] = key

    run(lambda: keep(1), lambda: keep(2))


class Bag:
    pass


def abstract():
    """Asks only in rare schedules what C code answers from its own memory the next time."""
    box = {"n": 0}
    bag = Bag()

    def add():
        n = box["n"]
        if box["n"] != n and not isinstance(bag, collections.abc.Collection):
            n = box["n"]
            assert box["n"] == n
        box["n"] = n + 1

    run(add, add, add)
