"""Programs for real threads: each function is a target."""

import ctypes
import os
import queue
import random
import sys
import threading
import time


def together(*functions):
    threads = [threading.Thread(target=function, name=function.__name__) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Counter:
    def __init__(self):
        self.value = 0
        self.lock = threading.Lock()


def more(number):
    return number + 1


def lost_update():
    counter = Counter()

    def first():
        counter.value = more(counter.value)

    def second():
        counter.value = more(counter.value)

    together(first, second)
    assert counter.value == 2, counter.value


def locked_update():
    counter = Counter()

    def first():
        with counter.lock:
            counter.value = more(counter.value)

    def second():
        with counter.lock:
            counter.value = more(counter.value)

    together(first, second)
    assert counter.value == 2, counter.value


def lock_order():
    one, other = Counter(), Counter()

    def transfer(source, destination):
        with source.lock:
            time.sleep(0.02)
            with destination.lock:
                destination.value += 1

    def there():
        transfer(one, other)

    def back():
        transfer(other, one)

    together(there, back)


def nobody_puts():
    queue.Queue().get()


def endless():
    while True:
        pass


def crash():
    ctypes.string_at(0)


def leave():
    os._exit(7)


def stop():
    sys.exit(5)


def greedy():
    kept = []
    while True:
        kept.append(bytearray(1 << 20))


def thread_raises_and_main_waits():
    def broken():
        raise ValueError("no such thing")

    threading.Thread(target=broken, name="broken").start()
    queue.Queue().get()


def left_running():
    threading.Thread(target=time.sleep, args=(60,), name="sleeper", daemon=True).start()


def start_after_the_first_has_answered():
    answered = threading.Event()

    def first():
        answered.set()

    threads = [threading.Thread(target=first), threading.Thread(target=first)]
    threads[0].start()
    assert answered.wait(10)
    threads[1].start()
    for thread in threads:
        thread.join()


def own_run_method():
    class Worker(threading.Thread):
        def run(self):
            self.seen = "run" in self.__dict__

    worker = Worker()
    worker.start()
    worker.join()
    assert worker.seen is False


_calls = []


def called_at_once():
    _calls.append(threading.current_thread().name)
    time.sleep(0.01)
    assert threading.current_thread() is not threading.main_thread()


class Sleeper:
    def nap(self):
        time.sleep(0.01)

    def twice(self):
        self.nap()
        self.nap()


class Timed:
    """A target that says what its component is, as a scenario does."""

    __module__ = __name__
    component = Sleeper

    def __call__(self):
        sleeper = self.component()
        assert type(sleeper).__name__ == "Sleeper"
        assert isinstance(sleeper, Sleeper)
        sleeper.nap()
        sleeper.twice()


def timed():
    return Timed()


def draws_lots():
    drawn = []

    def draw():
        drawn.append(random.Random(1).randrange(10))

    together(draw, draw)
    assert len(drawn) == 2


class Box:
    """A register that is set in two steps."""

    def __init__(self):
        self.value, self.note = 0, Counter()

    def put(self, value, *, loudly=False):
        if value is None:
            raise ValueError("nothing to put")
        self.value = value
        return self.note

    def get(self):
        return self.value


def box_is_used():
    box = Box()

    def putter():
        box.put([1, {"k": b"\x01"}], loudly=True)

    def refused():
        try:
            box.put(None)
        except ValueError:
            pass

    together(putter, refused)
    box.get()


class Queue:
    """First in, first out, with a lock."""

    def __init__(self):
        self.items, self.lock = [], threading.Lock()

    def push(self, item):
        with self.lock:
            self.items.append(item)

    def pop(self):
        with self.lock:
            return self.items.pop(0) if self.items else None


class RacyQueue(Queue):
    def pop(self):
        if not self.items:
            return None
        item = self.items[0]
        self.items = self.items[1:]
        return item


def queue_is_used(queue_type=None):
    shared = (queue_type or Queue)()
    for item in range(4):
        shared.push(item)

    def first():
        shared.pop()
        shared.pop()

    def second():
        shared.pop()
        shared.pop()

    together(first, second)


def racy_queue_is_used():
    queue_is_used(RacyQueue)


class Fragile(Box):
    """A register that can be the last thing that a process does."""

    ends = []

    def end(self, how, note):
        self.ends.append(note)
        if len(self.ends) == 3:
            how()
        return note


def used_until(how):
    box = Fragile()
    box.put(box.note, loudly=True)
    together(lambda: box.end(how, box.note))


def box_crashes():
    used_until(lambda: ctypes.string_at(0))


def box_blocks():
    used_until(threading.Event().wait)
