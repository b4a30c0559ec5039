"""Things that hold a number of permits: semaphores, queues. Which steps with them can come in another order.

All that take a permit are ordered among themselves, and so are all that give some: number n of the one kind comes
after number n - k of the other kind, where k is what there was at first. The state depends on nothing else, so a step
that takes and one that gives commute wherever both can be done. (Not where the latest item is taken first, or the
least: there all steps are ordered.)

For semaphores, and the tasks of a queue that are to be done, that is too much as long as no step finds nothing left:
then all of them commute. It shows in the order of the other things: every step that takes has a permit of its own
then, one of the first or one that was given before it whatever the order. As long as each execution is like this, no
other can be otherwise: to find nothing left, more steps that take have to come before some that give, and those orders
are among the ones that executions stand for.
"""

from __future__ import annotations

from torture.strategies.access import (
    BESIDE,
    GIVE,
    GIVE_LATER,
    PASS,
    REFUSED,
    TAKE_ALL,
    TASKS,
    WAIT_FOR_NONE,
    Access,
)

_GIVES = (GIVE, GIVE_LATER)


class Permits:
    """Who gave and who took the permits of one object, in the order in which that was done."""

    __slots__ = ("_demands", "_refused", "_room", "_value", "counts", "given", "opened", "taken")

    def __init__(self) -> None:
        self.given: list[int] = []  # a step as often as it gave permits
        self.taken: list[int] = []
        self.counts = 0
        self.opened = False  # the library's own code gives and takes, too
        self._refused = False
        self._value = -1  # what there was at first, -1 for not known yet
        self._room = -1
        self._demands: list[int] = []  # steps that give and must not come before others have taken

    def judge(self, access: Access, before: list[int]) -> tuple[list[int], list[int]]:
        """Return the steps that a new one races with, and those that it cannot come before.

        ``before`` are the last ones that conflict with it.
        """
        if access.action == WAIT_FOR_NONE:
            others = {*self.taken, *self.given}  # what it may come before: see HappensBefore.waits
            return [other for other in before if other not in others], [*self.taken, *self.given]
        needed = self._needed(access)
        if needed < 0 or access.counts == TASKS:
            return before, []
        if access.action not in (PASS, GIVE_LATER):
            return [*before, needed], []
        if needed in before:  # all are ordered, and the last one let it pass
            before.remove(needed)
            before += (self.given if access.action == GIVE_LATER else self.taken)[-1:]
        return before, [needed]

    def _needed(self, access: Access) -> int:
        """Return the step without which a step could not have been done, -1 where there is none."""
        if access.level < 0:
            return -1
        others = self.taken if access.action in _GIVES else self.given
        at = len(others) - access.level + access.amount - 1
        return others[at] if 0 <= at < len(others) else -1

    def note(self, access: Access, index: int) -> None:
        """Take in a step."""
        self.counts = access.counts or self.counts
        if access.action in _GIVES:
            if access.level >= 0:
                if self._room < 0:
                    self._room = access.level + len(self.given) - len(self.taken)
                self._demands += [index] * access.amount
            self.given += [index] * access.amount
        elif access.action == REFUSED:
            self._refused = True
        elif access.action < PASS:
            self.opened = self.opened or access.action > 0
        elif access.action == TAKE_ALL:
            self.taken += [index] * access.amount
        elif access.action not in (WAIT_FOR_NONE, BESIDE):
            if self._value < 0:
                self._value = access.level - len(self.given)
            self.taken.append(index)

    def may_run_out(self, clocks: list[int]) -> bool:
        """Tell whether in another order of steps that ``clocks`` do not order one may find nothing left, or no room."""
        return (
            self._refused
            or _without(self.taken, self.given, clocks) > max(self._value, 0)
            or _without(self._demands, self.taken, clocks) > max(self._room, 0)
        )


def _without(steps: list[int], others: list[int], clocks: list[int]) -> int:
    """Return how many steps do not have one of the others for themselves that comes before them."""
    free = others[:]
    found = 0
    for step in steps:
        clock = clocks[step]
        for at in range(len(free) - 1, -1, -1):
            if clock >> free[at] & 1:
                del free[at]
                break
        else:
            found += 1
    return found
