"""Plain depth-first search over all schedules: for tests and tiny programs."""

from __future__ import annotations

from random import Random

from torture.runtime.choice import FIRE_TIMER, SchedulingPoint


class Dfs:
    """Tries every choice at every scheduling point, the running thread first. Stops by itself."""

    def __init__(self) -> None:
        self._path: list[list[int]] = []  # the untried choices at each depth, the current one last
        self._depth = 0
        self._done = False
        self._diverged = False

    def begin(self, rng: Random) -> bool:
        self._depth = 0
        return not self._done

    def choose(self, point: SchedulingPoint) -> int:
        depth = self._depth
        self._depth = depth + 1
        if depth < len(self._path):
            planned = self._path[depth][-1]
            if planned in point.runnable or (planned == FIRE_TIMER and point.timer):
                return planned
            del self._path[
                depth:
            ]  # the program is nondeterministic: the plan does not fit, nothing is proved
            self._diverged = True
        options = [FIRE_TIMER] if point.timer else []
        options += [index for index in reversed(point.runnable) if index != point.current]
        if point.current in point.runnable:
            options.append(point.current)
        self._path.append(options)
        return options[-1]

    def end(self, steps: int) -> None:
        path = self._path
        del path[self._depth :]
        while path:
            path[-1].pop()
            if path[-1]:
                return
            path.pop()
        self._done = True

    @property
    def exhausted(self) -> bool:
        """Tell whether every schedule has been executed."""
        return self._done and not self._diverged
