"""Runs bodies on real threads, without a loop or a container: those would be scheduling points."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread


def two(one: Callable[[], object], other: Callable[[], object]) -> None:
    """Start both bodies, then join both."""
    first, second = Thread(target=one), Thread(target=other)
    first.start()
    second.start()
    first.join()
    second.join()


def beside_main(one: Callable[[], object], mine: Callable[[], object]) -> None:
    """Start one body, run the other here, then join: fewer schedules than :func:`two`."""
    thread = Thread(target=one)
    thread.start()
    mine()
    thread.join()


def three(one: Callable[[], object], other: Callable[[], object], last: Callable[[], object]) -> None:
    """Start all three bodies, then join all three."""
    first, second, third = Thread(target=one), Thread(target=other), Thread(target=last)
    first.start()
    second.start()
    third.start()
    first.join()
    second.join()
    third.join()
