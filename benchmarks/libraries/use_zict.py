"""pip install zict==2.2.0 heapdict  # thread-safe since 3.0

Two keys for a buffer that has room for one in its fast half; three for a cache of two.
"""

import threading

import zict


def run(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def buffer():
    kept = zict.Buffer({}, {}, n=1)

    def keep(key):
        kept[key] = key
        assert kept[key] == key

    run(lambda: keep(0), lambda: keep(1))
    assert len(kept) == 2


def cache():
    kept = zict.LRU(2, {})
    run(*[lambda key=key: kept.update({key: key}) for key in range(3)])
    assert len(kept) == 2
