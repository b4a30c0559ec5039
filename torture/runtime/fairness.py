"""Fairness: a thread that spins or yields in vain lets the others go first, so that correct spin loops end."""

from __future__ import annotations

from torture.runtime.thread import VirtualThread

SPIN_LIMIT = 1_000  # steps in a row after which a thread has to let another one go, the first time
_HALVINGS = 6  # of it: each time it is half as many
STARVED = 2_000  # steps of others after which a thread that could run has to, the first time
_STARVED_AT_LEAST = 250  # the same after some times: each time it is half as many
VAIN_LIMIT = (
    8  # yields after which time goes on although threads could run: they wait for somebody who sleeps
)
PROGRESS = 50  # steps without a yield after which a thread no longer counts as spinning
YIELD_LIMIT = 2  # yields in a row after which the others go first


class Turns:
    """Who has to wait for the others. ``in_vain`` counts yields and spins since time went on.

    Depends on nothing but who took how many steps: it has to be the same whether the strategy is asked at every step
    or now and then.
    """

    __slots__ = ("_spinning", "_spun", "_starved", "check_at", "in_vain", "waiting")

    def __init__(self) -> None:
        self.in_vain = 0
        self.waiting: list[int] = []
        self._spinning: list[int] = []  # those of ``waiting`` that wait for a thread that does not spin
        self._spun = 0  # steps of spins that are not in ``in_vain`` yet
        self._starved = STARVED
        self.check_at = STARVED  # the step at which ``starve`` has to be asked next

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

    def most(self, thread: VirtualThread, now: int, taken: int) -> int:
        """Return how many steps a thread may take, after so many in a row, before the next look at the others."""
        return min(self.limit(thread) - taken, self.check_at - now)

    def spun(self, thread: VirtualThread) -> None:
        """Note that a thread took as many steps in a row as it may."""
        self._wait([thread], self.limit(thread))

    def starve(self, enabled: list[VirtualThread], now: int) -> bool:
        """Let threads wait that took all turns for too long, if one that could run got none; tell whether."""
        first = min(thread.ran for thread in enabled)
        starved = now - first >= self._starved
        if starved:
            spun = [thread for thread in enabled if thread.ran != first]
            self._wait(spun, self._starved)
            for thread in enabled:
                thread.ran = now
            first = now
            self._starved = max(self._starved // 2, _STARVED_AT_LEAST)
        self.check_at = first + self._starved
        return starved

    def _wait(self, spun: list[VirtualThread], steps: int) -> None:
        self._spun += steps
        if self._spun >= SPIN_LIMIT:
            self._spun -= SPIN_LIMIT
            self.in_vain += 1
        for thread in spun:
            thread.spins += 1
            self.waiting.append(thread.index)
            self._spinning.append(thread.index)

    def moved(self, thread: VirtualThread, now: int) -> None:
        """Note that a thread took steps: where it does not spin, nobody has to wait for it any more."""
        if thread.index in self.waiting or (
            thread.yields >= YIELD_LIMIT and now - thread.yielded_at < PROGRESS
        ):
            return
        if not thread.spins:
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
