"""Preemption-bounded search: Musuvathi, Qadeer, PLDI 2007 (iterative context bounding).

Executes every schedule once, those with fewer preemptions first; a timer that fires early counts as a preemption. As in
the paper, what a bound cuts off waits for the next bound, so that no schedule is executed again. Departure: the paper
keeps states, which Python cannot copy; here the choices up to the branch are kept, and made again.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from random import Random

from torture.runtime.choice import FIRE_TIMER, SchedulingPoint


@dataclass(slots=True)
class _Branches:
    """What was not chosen in one execution. Numbers in arrays: there is one for each execution still of use."""

    path: array[int] = field(default_factory=lambda: array("h"))  # all its choices
    depths: array[int] = field(default_factory=lambda: array("l"))
    choices: array[int] = field(default_factory=lambda: array("h"))

    def add(self, depth: int, choice: int) -> None:
        """Note a choice that could have been made at a depth."""
        self.depths.append(depth)
        self.choices.append(choice)

    def pop(self) -> tuple[array[int], int]:
        """Take the deepest branch: the choices up to it, its own one."""
        return self.path[: self.depths.pop()], self.choices.pop()


class Bounded:
    """Exhausts the schedules without a preemption, then those with one, with two, ... Stops by itself."""

    def __init__(self) -> None:
        self._bound = -1  # of the schedules that are executed now
        self._now: list[_Branches] = []  # of which these are left
        self._later: list[_Branches] = []  # those that cost one preemption more
        self._diverged = False

    def begin(self, rng: Random) -> bool:
        plan = array("h")
        if self._bound < 0:
            self._bound = 0
        else:
            if not self._now:
                if not self._later:
                    return False
                self._bound += 1
                self._now, self._later = self._later, []
            plan, choice = self._now[-1].pop()
            plan.append(choice)
            if not self._now[-1].depths:
                self._now.pop()
        self._plan = plan
        self._depth = 0
        self._free = _Branches(plan)
        self._costly = _Branches(plan)
        return True

    def choose(self, point: SchedulingPoint) -> int:
        depth = self._depth
        self._depth = depth + 1
        runnable, current = point.runnable, point.current
        if depth < len(self._plan):
            planned = self._plan[depth]
            if planned in runnable or (planned == FIRE_TIMER and point.timer):
                return planned
            del self._plan[
                depth:
            ]  # the program is nondeterministic: the plan does not fit, nothing is proved
            self._diverged = True
        if current in runnable:
            chosen, others = current, self._costly
        else:
            chosen, others = next((i for i in runnable if i > current), runnable[0]), self._free
        for index in runnable:
            if index != chosen:
                others.add(depth, index)
        if point.timer:
            self._costly.add(depth, FIRE_TIMER)
        self._plan.append(chosen)
        return chosen

    def end(self, steps: int) -> None:
        if self._free.depths:
            self._now.append(self._free)
        if self._costly.depths:
            self._later.append(self._costly)

    @property
    def exhausted(self) -> bool:
        """Tell whether every schedule has been executed, whatever its preemptions."""
        return not (self._bound < 0 or self._now or self._later or self._diverged)

    @property
    def bound(self) -> int | None:
        """Return the number of preemptions up to which every schedule has been executed, None where there is none."""
        done = self._bound - bool(self._now)
        return None if done < 0 or self._diverged else done
