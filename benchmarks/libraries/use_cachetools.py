"""pip install cachetools==8.0.2

A cache without a lock, as its documentation forbids; with a condition, as it advises.
"""

import threading

import cachetools


def run(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def without_a_lock():
    kept = cachetools.LRUCache(maxsize=2)

    def keep(first):
        for key in range(first, first + 2):
            kept[key] = key

    run(lambda: keep(0), lambda: keep(2))
    assert kept.currsize == len(kept) <= 2


def with_a_condition():
    calls, answers = [], []

    @cachetools.cached(cachetools.LRUCache(maxsize=4), condition=threading.Condition())
    def double(number):
        calls.append(number)
        return number * 2

    run(*[lambda: answers.append(double(1))] * 2)
    assert (answers, calls) == ([2, 2], [1])
