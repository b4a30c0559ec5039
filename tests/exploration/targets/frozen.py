"""A program that hides its functions from the collector, as servers do before they fork."""

import gc
import threading


class _Counter:
    def __init__(self) -> None:
        self.value = 0

    def add(self) -> None:
        self.value += 1


def lost_update() -> None:
    counter = _Counter()
    threads = [threading.Thread(target=counter.add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.value == 2


gc.freeze()
