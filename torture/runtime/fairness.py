"""Fairness: a thread that spins or yields in vain lets the others go first, so that correct spin loops end."""

from __future__ import annotations

from torture.runtime.thread import VirtualThread

SPIN_LIMIT = 1_000  # steps in a row after which a thread has to let another one go
VAIN_LIMIT = (
    8  # yields after which time goes on although threads could run: they wait for somebody who sleeps
)
PROGRESS = 50  # steps without a yield after which a thread no longer counts as spinning
YIELD_LIMIT = 2  # yields in a row after which the others go first


class Turns:
    """Who has to wait for the others. ``in_vain`` counts yields and spins since time went on."""

    __slots__ = ("in_vain", "waiting")

    def __init__(self) -> None:
        self.in_vain = 0
        self.waiting: list[int] = []

    def yielded(self, thread: VirtualThread, now: int) -> None:
        """Note that a thread has nothing to do at step ``now``."""
        self.in_vain += 1
        thread.yields = thread.yields + 1 if now - thread.yielded_at < PROGRESS else 1
        thread.yielded_at = now
        if thread.yields >= YIELD_LIMIT:
            self.waiting.append(thread.index)

    def spun(self, index: int) -> None:
        """Note that a thread took SPIN_LIMIT steps in a row."""
        self.in_vain += 1
        self.waiting.append(index)

    def moved(self, thread: VirtualThread, now: int) -> None:
        """Note that a thread took steps: where it does not spin, nobody has to wait any more."""
        spins = thread.yields >= YIELD_LIMIT and now - thread.yielded_at < PROGRESS
        if thread.index not in self.waiting and not spins:
            self.waiting.clear()

    def whose(self, enabled: list[int]) -> list[int]:
        """Leave out the threads that wait."""
        first = [index for index in enabled if index not in self.waiting]
        if not first:
            del self.waiting[:-1]  # all wait: start again, the latest comes last
            first = [index for index in enabled if index not in self.waiting]
        return first or enabled
