"""What modules gather from execution to execution, and what only looks like it."""

import functools
import threading

CACHE = {}
GROUPS = {"a": []}
SEEN = ()
LATEST = []
LAZY = {}
COUNTED = []
calls = 0


class Registry:
    made = []

    def __init__(self):
        self.waiting = set()


REGISTRY = Registry()


@functools.cache
def cached(_):
    return 1


@functools.lru_cache(8)
def bounded(_):
    return 1


def gathers():
    global calls, SEEN
    for _ in range(10):
        calls += 1
        CACHE[calls] = bytearray(1000)  # here
        GROUPS["a"].append(calls)
        SEEN = (*SEEN, calls)
        Registry.made.append(1)
        REGISTRY.waiting.add(calls)
        cached(calls)


def gathers_beside_a_thread_that_stays():
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    for _ in range(50):
        CACHE[len(CACHE)] = 1


def has_bounds():
    global calls
    calls += 1
    bounded(calls)
    cached(calls % 4)
    REGISTRY.waiting.add(calls % 3)
    LATEST.append(calls)
    del LATEST[:-100]
    GROUPS[f"{calls % 2}"] = LATEST
    if not LAZY:
        LAZY.update(dict.fromkeys(range(1000)))
    for _ in range(4):
        cycle = []
        cycle.append(cycle)


def counts_on_what_is_put_back():
    COUNTED.append(1)
    assert COUNTED == [1]
