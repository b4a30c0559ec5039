"""Bugs of different kinds that a script has to show on an ordinary interpreter."""

import queue
import threading
from concurrent.futures import ThreadPoolExecutor


def together(*functions):
    """Run the functions in a thread each."""
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Counter:
    def __init__(self):
        self.n = 0

    def add(self):
        self.n += 1


def lost_update():
    counter = Counter()
    together(counter.add, counter.add)
    assert counter.n == 2


total = 0


def _add_to_total():
    global total
    for _ in range(2):
        total = total + 1


def lost_update_of_global():
    global total
    total = 0
    together(_add_to_total, _add_to_total)
    assert total == 4


def deadlock_of_two_locks():
    first, second = threading.Lock(), threading.Lock()

    def forward():
        with first, second:
            pass

    def backward():
        with second, first:
            pass

    together(forward, backward)


def deadlock_of_three():
    forks = [threading.Lock() for _ in range(3)]

    def dine(seat):
        with forks[seat], forks[(seat + 1) % 3]:
            pass

    together(*(lambda seat=seat: dine(seat) for seat in range(3)))


def exception_in_thread():
    settings = {"mode": "fast"}

    def read():
        if "mode" in settings:
            settings["mode"].upper()

    def remove():
        settings.pop("mode", None)

    together(read, remove)


def check_then_act():
    made = []
    cache = {}

    def get():
        if "key" not in cache:
            cache["key"] = object()
            made.append(1)

    together(get, get)
    assert len(made) == 1


def lost_wakeup():
    condition = threading.Condition()
    ready = []

    def consume():
        if not ready:
            with condition:
                condition.wait()

    def produce():
        ready.append(1)
        with condition:
            condition.notify()

    together(consume, produce)


def item_in_closed_queue():
    items = queue.Queue()
    closed = []

    def put():
        if not closed:
            items.put(1)

    def close():
        closed.append(True)
        assert items.empty()
        closed.append(True)

    together(put, close)
    assert items.empty() or items.qsize() == 1
    assert len(closed) == 2


class Account:
    def __init__(self):
        self.lock = threading.Lock()
        self.balance = 100

    def withdraw(self, amount):
        with self.lock:
            enough = self.balance >= amount
        if enough:
            with self.lock:
                self.balance -= amount


def overdraft_in_pool():
    account = Account()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(account.withdraw, [60, 60]))
    assert account.balance >= 0


def iteration_of_growing_dict():
    known = {"a": 1, "b": 2}

    def add():
        known["c"] = 3

    def count():
        return sum(known[key] for key in known)

    together(add, count)


def torn_pair():
    class Pair:
        left = right = 0

    pair = Pair()
    seen = []

    def write():
        pair.left = 1
        pair.right = 1

    def read():
        seen.append((pair.left, pair.right))

    together(write, read)
    assert seen[0] in [(0, 0), (1, 1)]


def late_start():
    started = threading.Event()
    result = []

    def serve():
        started.set()
        result.append("ready")

    thread = threading.Thread(target=serve)
    thread.start()
    started.wait()
    assert result == ["ready"]
    thread.join()


def timed_out():
    done = threading.Event()
    thread = threading.Thread(target=done.set)
    thread.start()
    assert done.wait(0.05)
    thread.join()
