"""The README's example: two threads count hits without a lock."""

import threading


class Hits:
    def __init__(self) -> None:
        self.count = 0

    def hit(self) -> None:
        self.count += 1


def race() -> None:
    hits = Hits()
    threads = [threading.Thread(target=hits.hit) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert hits.count == 2, hits.count
