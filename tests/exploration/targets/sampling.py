"""Bugs that need a sampler which knows what matters."""

import threading


class Shared:
    def __init__(self):
        self.ready = False
        self.noise = 0
        self.a = 0
        self.b = 0


def _together(*workers):
    threads = [threading.Thread(target=worker) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def slow_one_first():
    """Fails where one thread's single access comes before forty others of another thread have been made."""
    shared = Shared()

    def slow():
        for _ in range(20):
            shared.noise += 1
        shared.ready = True

    def quick():
        shared.noise = 1
        assert not shared.ready

    _together(quick, slow)


def one_of_thirty():
    shared = Shared()

    def setter():
        shared.a = 1
        shared.b = -1

    def checker():
        a = shared.a
        b = shared.b
        assert (a, b) in {(0, 0), (1, -1), (0, -1)}

    _together(*[setter] * 30, checker)


def second_lock_of_thirty():
    """Two values that belong together, each under its own lock."""
    shared, first, second = Shared(), threading.Lock(), threading.Lock()

    def writer():
        with first:
            shared.a = 1
        with second:
            shared.b = 2

    def reader():
        with first:
            a = shared.a
        if a:
            with second:
                assert shared.b == 2

    _together(*[writer] * 30, reader)


def silent():
    shared, lock = Shared(), threading.Lock()

    def work():
        with lock:
            shared.a += 1
            shared.b += 1

    _together(work, work)
    assert (shared.a, shared.b) == (2, 2)


def opposite_and_timed():
    """Correct: blocked threads, timed waits and threads that end early must not stop a sampler."""
    first, second, gate = threading.Lock(), threading.Lock(), threading.Event()

    def one():
        with first, second:
            gate.set()

    def other():
        gate.wait(0.05)
        with first, second:
            pass

    _together(one, other, one, lambda: None)
