"""Races in objects of C that no table of containers knows."""

from __future__ import annotations

import threading
from collections import deque
from hashlib import md5
from random import Random


def hashed_in_order() -> None:
    digest = md5()
    threads = [threading.Thread(target=digest.update, args=(text,)) for text in (b"a", b"b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert digest.hexdigest() == md5(b"ab").hexdigest()


def drawn_in_order() -> None:
    generator, drawn = Random(1), deque[float]()
    other = threading.Thread(target=lambda: drawn.append(generator.random()))
    other.start()
    drawn.appendleft(generator.random())
    other.join()
    again = Random(1)
    assert list(drawn) == [again.random(), again.random()]


def increased_at_once() -> None:
    import numpy

    numbers = numpy.zeros(1)

    def increase() -> None:
        mine = numbers
        mine += 1

    other = threading.Thread(target=increase)
    other.start()
    seen = float(numbers[0])
    other.join()
    assert seen == 1  # it was increased before it was read
