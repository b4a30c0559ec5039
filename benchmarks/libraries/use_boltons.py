"""pip install boltons==26.2.0

Two tasks for a queue; a property that is to be computed once; a cache with a lock.
"""

import threading

from boltons.cacheutils import LRU, cachedproperty
from boltons.queueutils import PriorityQueue


def run(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def queue():
    tasks = PriorityQueue()
    run(lambda: tasks.add("a", 1), lambda: tasks.add("b", 2))
    assert [tasks.pop(), tasks.pop()] == ["b", "a"]


def once():
    class Page:
        @cachedproperty
        def head(self):
            return object()

    page, heads = Page(), []
    run(*[lambda: heads.append(page.head)] * 2)
    assert heads[0] is heads[1]


def cache():
    kept = LRU(max_size=2)

    def keep(key):
        kept[key] = key
        kept.get(key)

    run(lambda: keep(0), lambda: keep(1), lambda: keep(2))
    assert len(kept) == 2
