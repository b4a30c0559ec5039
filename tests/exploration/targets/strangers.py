"""Programs like those that strangers write: long ones, and ones that use the library that the tool itself uses."""

import collections
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
