"""pip install sortedcontainers==2.4.0

A list that two threads add to, as its documentation forbids.
"""

import threading

from sortedcontainers import SortedList


def run(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def added():
    numbers = SortedList()
    run(lambda: numbers.update([1, 3]), lambda: numbers.add(2))
    numbers._check()
    assert list(numbers) == [1, 2, 3]
