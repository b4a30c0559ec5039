"""The programs that point.py measures: a module of their own, because all of its code gets scheduling points."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

STEPS = 5_000  # of each thread in ``writes``


class Shared:
    """What the measured operations touch."""

    def __init__(self) -> None:
        self.n = 0
        self.items = {"k": 0}
        self.lock = threading.Lock()


def _two_threads(work: Callable[[Shared], None]) -> Callable[[], None]:
    def target() -> None:
        shared = Shared()
        threads = [threading.Thread(target=work, args=(shared,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return target


def _write(shared: Shared) -> None:
    for _ in range(STEPS):
        shared.n = 1


def _increment(shared: Shared) -> None:
    shared.n += 1


def _increment_locked(shared: Shared) -> None:
    for _ in range(3):
        with shared.lock:
            shared.n += 1


def queue_of_two() -> None:
    """Hand three tasks over."""
    tasks: queue.Queue[int] = queue.Queue(2)
    thread = threading.Thread(target=lambda: [tasks.get() for _ in range(3)])
    thread.start()
    for number in range(3):
        tasks.put(number)
    thread.join()


writes = _two_threads(_write)
PROGRAMS = {
    "2 threads, 1 increment": _two_threads(_increment),
    "2 threads, 3 locked increments": _two_threads(_increment_locked),
    "queue, 3 tasks": queue_of_two,
}
