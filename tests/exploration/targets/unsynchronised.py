"""Builtins that nothing guards, used by two threads at once, and by one after the other."""

from __future__ import annotations

import heapq
from threading import Lock, Thread
from typing import Any


def _both(work: Any) -> None:
    threads = [Thread(target=work, name=name) for name in ("left", "right")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def pushes_on_one_heap() -> None:
    heap: list[int] = []

    def push() -> None:
        heapq.heappush(heap, 1)

    _both(push)


def swallows_every_exception() -> None:
    numbers = iter([1, 2])

    def take() -> None:
        try:
            next(numbers)
        except Exception:
            pass

    _both(take)


def takes_turns() -> None:
    heap: list[int] = []
    numbers = iter([1, 2])
    lock = Lock()

    def work() -> None:
        with lock:
            heapq.heappush(heap, next(numbers))

    _both(work)
    assert sorted(heap) == [1, 2]
