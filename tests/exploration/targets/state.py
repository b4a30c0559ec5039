"""State that modules, classes and closures keep: each execution finds it as it was after the import."""

import functools
import itertools
import queue
import random
import threading
import weakref
from collections import OrderedDict, defaultdict, deque

_count = 0
_lock = threading.Lock()
_instance = None
_numbers = itertools.count(1)
_ordered = OrderedDict(a=1, b=2)
_last = deque([1, 2], maxlen=3)
_lists = defaultdict(list)
_names = {"x", "y"}
_random = random.Random(5)
_stopped = threading.Event()
_permits = threading.Semaphore(1)
_items = queue.Queue()
_alive = []
_weak = weakref.WeakValueDictionary()


class _Slotted:
    __slots__ = ("first", "second")

    def __init__(self):
        self.first = 1


_slotted = _Slotted()


class _Base:
    made = 0
    seen = []  # shared by all on purpose
    numbers = itertools.count()


class _Sub(_Base):
    pass


def _remember(kept=[]):  # noqa: B006 # on purpose
    kept.append(1)
    _remember.calls = getattr(_remember, "calls", 0) + 1
    return len(kept)


def _counter():
    number = 0

    def step():
        nonlocal number
        number += 1
        return number

    return step


_step = _counter()


@functools.lru_cache(None)
def _cached(key):
    _Base.made += 1
    return _Base.made


def _in_two_threads(work):
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def count_for_long():
    def work():
        global _count
        for _ in range(500):
            with _lock:
                _count += 1

    _in_two_threads(work)
    assert _count == 1000


def make_an_instance_once():
    made = []

    def get():
        global _instance
        if _instance is None:
            _instance = _Sub()
        made.append(_instance)

    _in_two_threads(get)
    assert made[0] is made[1]


def every_kind():
    _in_two_threads(lambda: None)
    assert next(_numbers) == 1
    assert not _weak
    _alive.append(_Sub())
    _weak["sub"] = _alive[0]
    _ordered.move_to_end("a")
    assert list(_ordered) == ["b", "a"]
    _ordered["c"] = 3
    _last.extend([7, 8])
    assert list(_last) == [2, 7, 8]
    _lists["k"].append(1)
    assert _lists == {"k": [1]}
    _names.add("z")
    _names.discard("x")
    assert len(_names) == 2
    assert _random.random() == random.Random(5).random()
    assert not _stopped.is_set()
    _stopped.set()
    assert _permits.acquire(blocking=False)
    _items.put(1)
    assert _items.qsize() == 1
    assert _slotted.first == 1
    assert not hasattr(_slotted, "second")
    _slotted.first = _slotted.second = 2
    assert (_Base.made, _Base.seen, next(_Base.numbers)) == (0, [], 0)
    assert _cached("a") == 1
    _Sub.made = 5
    _Base.seen.append(1)
    assert (_remember(), _remember.calls, _step()) == (1, 1, 1)
    assert "_fresh" not in globals()
    globals()["_fresh"] = 1


def imports_while_it_runs():
    import keeping

    def work():
        with _lock:
            keeping.step()

    _in_two_threads(work)
    assert keeping.count == 2


def chance():
    if random.random() < 0.5:
        _in_two_threads(lambda: None)
    else:
        _in_two_threads(lambda: _names.add(random.random()))
