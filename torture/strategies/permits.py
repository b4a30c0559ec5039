"""Things that hold a number of permits: semaphores. Which steps with them can come in another order.

All that take one are ordered among themselves, and so are all that give some: number n of the one kind comes after
number n - k of the other kind, where k is what there was at first. That order of their kinds is all that the state
depends on, so a step that takes and one that gives commute wherever both can be done.

It is too much where no step ever finds nothing left: then all of them commute. Whether it is so shows in the order of
the other things: every step that takes has a permit of its own then, one of the first or one that was given before it
whatever the order. As long as each execution is like this, no other can be otherwise: to find nothing left, more steps
that take have to come before some that give, and those orders are among the ones that executions stand for.
"""

from __future__ import annotations

from torture.strategies.access import GIVE, REFUSED, Access


class Permits:
    """Who gave and who took the permits of one object, in the order in which that was done."""

    __slots__ = ("_demands", "_room", "_value", "given", "refused", "taken")

    def __init__(self) -> None:
        self.given: list[int] = []  # a step as often as it gave permits
        self.taken: list[int] = []
        self.refused = False
        self._value = -1  # what there was at first, -1 for not known yet
        self._room = -1
        self._demands: list[int] = []  # steps that give and must not come before others have taken

    def needed(self, access: Access) -> int:
        """Return the step without which a step could not have been done, -1 where there is none."""
        if access.level < 0:
            return -1
        others = self.taken if access.action == GIVE else self.given
        at = len(others) - access.level + access.amount - 1
        return others[at] if at >= 0 else -1

    def note(self, access: Access, index: int) -> None:
        """Take in a step."""
        if access.action == REFUSED:
            self.refused = True
        elif access.action == GIVE:
            if access.level >= 0:
                if self._room < 0:
                    self._room = access.level + len(self.given) - len(self.taken)
                self._demands += [index] * access.amount
            self.given += [index] * access.amount
        else:
            if self._value < 0:
                self._value = access.level - len(self.given)
            self.taken.append(index)

    def may_run_out(self, clocks: list[int]) -> bool:
        """Tell whether in another order of steps that ``clocks`` do not order one may find nothing left, or no room."""
        return (
            self.refused
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
