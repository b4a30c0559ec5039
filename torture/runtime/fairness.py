"""Fairness: a thread that spins or yields in vain lets the others go first, so that correct spin loops end."""

from __future__ import annotations

from torture.runtime.thread import VirtualThread

SPIN_LIMIT = 1_000  # steps in a row after which a thread has to let another one go, the first time
FRUITLESS = (
    256  # steps in a row, of several threads, that change nothing: those threads have to let the others go
)
_HALVINGS = 6  # of the two: each time it is half as many
VAIN_LIMIT = (
    8  # yields after which time goes on although threads could run: they wait for somebody who sleeps
)
PROGRESS = 50  # steps without a yield after which a thread no longer counts as spinning
YIELD_LIMIT = 2  # yields in a row after which the others go first


class Turns:
    """Who has to wait for the others. ``in_vain`` counts yields and spins since time went on."""

    __slots__ = ("_fruitless", "_spinning", "_spun", "in_vain", "waiting")

    def __init__(self) -> None:
        self.in_vain = 0
        self.waiting: list[int] = []
        self._spinning: list[int] = []  # those of ``waiting`` that wait until something changes
        self._spun = 0  # steps of spins that are not in ``in_vain`` yet
        self._fruitless = FRUITLESS

    def yielded(self, thread: VirtualThread, now: int) -> None:
        """Note that a thread has nothing to do at step ``now``."""
        self.in_vain += 1
        thread.yields = thread.yields + 1 if now - thread.yielded_at < PROGRESS else 1
        thread.yielded_at = now
        if thread.yields >= YIELD_LIMIT:
            self.waiting.append(thread.index)

    @staticmethod
    def limit(thread: VirtualThread) -> int:
        """Return how many steps in a row a thread may take while others could run.

        Of three threads two may spin for what the third one does, which takes one step after each of their turns:
        were those all of the same length, a few lines would need a step limit's worth of them.
        """
        return SPIN_LIMIT >> min(thread.spins, _HALVINGS)

    def spun(self, thread: VirtualThread, *, changed: bool) -> None:
        """Note that a thread took as many steps in a row as it may; ``changed`` if they did something meanwhile."""
        self.span(self.limit(thread), [thread.index])
        thread.spins += not changed

    def span(self, steps: int, indices: list[int]) -> None:
        """Let threads wait for the others after so many steps in vain."""
        self._spun += steps
        if self._spun >= SPIN_LIMIT:
            self._spun -= SPIN_LIMIT
            self.in_vain += 1
        self.waiting += indices
        self._spinning += indices

    def fruitless(self, steps: int) -> bool:
        """Tell whether threads that take turns spin, after so many steps that changed nothing."""
        if steps < self._fruitless:
            return False
        self._fruitless = max(self._fruitless // 2, FRUITLESS >> (_HALVINGS - 2))
        return True

    def moved(self, thread: VirtualThread, now: int, *, changed: bool) -> None:
        """Note that a thread took steps: where it does not spin, nobody has to wait for it any more.

        But a thread that spins does until something was ``changed``: the steps may be those of one more that spins.
        """
        spins = thread.yields >= YIELD_LIMIT and now - thread.yielded_at < PROGRESS
        if thread.index not in self.waiting and not spins:
            if changed:
                self._spinning.clear()
            self.waiting[:] = self._spinning

    def whose(self, enabled: list[int]) -> list[int]:
        """Leave out the threads that wait."""
        first = [index for index in enabled if index not in self.waiting]
        if not first:
            del self.waiting[:-1]  # all wait: start again, the latest comes last
            self._spinning.clear()
            first = [index for index in enabled if index not in self.waiting]
        return first or enabled
