"""DPOR: one schedule of each class of equivalent ones (Flanagan, Godefroid, POPL 2005), with source sets and sleep
sets (Abdulla, Aronis, Jonsson, Sagonas, POPL 2014).

Departs from the papers:
- Races are looked for at the end of an execution, also of one that was abandoned, and only those whose later step is
  new. An acquire that is still blocked then is a later step, too.
- What a step touches besides what it declared (the clock, a failure) is known once it was executed. A sleeping
  thread keeps what its step was seen to touch; what it declares is read from its pending operation.
- A timer that may fire early is one more thread, tried wherever it is awake: it depends on everything that touches
  the clock. When nothing can run and time goes on, that comes after everything.
- What the steps of semaphores and queues depend on: see permits.py.
- The end of the main thread ends the others: it depends on all that they do.
- Where a pending operation stands for all that follows (granularity ``gil``) everything is dependent: that is
  depth-first search.

Not seen, and so not proved: the order in which threads get their default names and identities, and in which objects
die; private attributes of the primitives. Not ``exhausted``: where a step limit, an endless spin, or time that went on
in spite of one cut an execution.
"""

from __future__ import annotations

from random import Random

from torture.runtime import queues, semaphores, threads
from torture.runtime.choice import ABANDON, FIRE_TIMER, IN_VAIN, SchedulingPoint
from torture.runtime.thread import SPIN_LIMIT
from torture.strategies.access import (
    EVERYTHING,
    FAILURE,
    SEMAPHORES,
    TASKS,
    TIME,
    TIMER,
    UNKNOWN,
    Access,
    Resources,
    arrival,
    dependent,
    overlap,
)
from torture.strategies.happens_before import HappensBefore, Step
from torture.trace.site import Kind, Site

_TIMER = "~"  # followed by the path of the thread whose timer it is
MOST_STEPS = 20_000  # of an execution: the analysis keeps a bit for each pair, which makes 50 MB
_RESTARTS = 2  # caches of the program that fill, a point that comes to be; more is nondeterminism


class _Node:
    """A choice on the present path. Names are of threads and timers, equal in every execution."""

    __slots__ = ("at", "backtrack", "chosen", "done", "enabled", "runnable", "site", "sleep", "timer")

    def __init__(self, enabled: list[str], sleep: dict[str, int], at: int) -> None:
        self.enabled = enabled
        self.runnable: list[int] = []  # who that was: after equal steps threads have equal indices
        self.timer = False
        self.sleep = sleep  # what was explored before this choice -> what its step touches
        self.at = at  # steps before it
        self.backtrack: list[str] = []  # to be explored, in the order in which that was found
        self.done: dict[str, int] = {}  # explored -> what its step touches
        self.chosen = ""
        self.site: Site | None = None  # of the chosen one's step


class Dpor:
    """Reverses races until none is left. Stops by itself.

    Gives up, without having seen everything, at an execution of more than MOST_STEPS.
    """

    def __init__(self) -> None:
        self._nodes: list[_Node] = []
        self._done = False
        self._complete = True
        self._restarts = 0
        self._executed = False  # at least once
        self._order_of_attributes = False
        self._semaphores_run_out = self._tasks_run_out = False

    @property
    def exhausted(self) -> bool:
        """Tell whether every class of schedules has been executed."""
        return self._done and self._complete

    def begin(self, rng: Random) -> bool:
        self._depth = 0
        self._steps: list[Step] = []
        self._first_causes: list[tuple[int, int]] = []
        self._sleep: dict[str, int] = {}
        self._index: dict[str, int] = {}
        self._resources = Resources(
            order_of_attributes=self._order_of_attributes,
            semaphores_run_out=self._semaphores_run_out,
            tasks_run_out=self._tasks_run_out,
        )
        self._diverged = False
        self._starts_again = False
        self._run = (-1, 0)  # who took the last choices, and how many
        self._uses = self._failures = 0
        self._point: SchedulingPoint | None = None
        self._fresh = self._nodes[-1].at if self._nodes else 0  # the steps before it are those of last time
        return not self._done

    # -- during an execution -----------------------------------------------------------------------

    def choose(self, point: SchedulingPoint) -> int:
        if self._point is None:
            self._point = point
            if not point.coarse:
                point.watcher = self
        if not point.coarse:
            self._close()
        depth = self._depth
        if depth == len(self._nodes):
            node = self._new_node(point)
            if node is None:
                return ABANDON
        else:
            node = self._nodes[depth]
            if (
                node.runnable != point.runnable
                or node.timer != point.timer
                or node.at != len(self._steps)
                or (point.timer and node.enabled[-1] != _timer_name(point))
            ):
                return self._diverge()
            if depth == len(self._nodes) - 1 and not point.coarse:
                self._sleep = {**node.sleep, **node.done}
                self._sleep.pop(node.chosen, None)
        self._depth = depth + 1  # now: the program's recursion may end anywhere above
        return self._go(point, node)

    def _new_node(self, point: SchedulingPoint) -> _Node | None:
        enabled = [point.threads[index].path for index in point.runnable]
        if point.timer:
            enabled.append(_timer_name(point))
        node = _Node(enabled, self._sleep, len(self._steps))
        node.runnable = point.runnable[:]
        node.timer = point.timer
        sleep = self._sleep
        awake = [name for name in enabled if name not in sleep]
        if not awake:
            return None
        current = point.threads[point.current].path
        node.chosen = current if current in awake else awake[0]
        node.backtrack.append(node.chosen)
        others = [name for name in awake if name != node.chosen]
        node.backtrack += others if point.coarse else [name for name in others if name[0] == _TIMER]
        self._nodes.append(node)
        return node

    def _go(self, point: SchedulingPoint, node: _Node) -> int:
        name = node.chosen
        timer = name[0] == _TIMER
        index = point.clock.timers[0][2] if timer else point.runnable[node.enabled.index(name)]
        pending = None if timer else point.threads[index].pending
        site = None if pending is None else pending[3]
        if name not in node.done:
            node.site = site
        elif node.site is not site:
            return self._diverge()
        self._run = (index, self._run[1] + 1 if self._run[0] == index else 1)
        if self._run[1] >= SPIN_LIMIT:
            self._complete = False
        if point.coarse:
            node.done[name] = EVERYTHING
        else:
            self._step(index, name, timer=timer, node=self._depth - 1)
        return FIRE_TIMER if timer else index

    def _step(self, index: int, name: str, *, timer: bool, node: int) -> None:
        """Note the step that is taken next, and wake the sleeping threads that it is seen to concern."""
        point = self._point
        assert point is not None
        all_threads = point.threads
        access = TIMER if timer else self._resources.access(all_threads[index])
        self._steps.append(Step(~index if timer else index, name, access, node))
        if self._sleep:
            for number in range(len(self._index), len(all_threads)):
                self._index[all_threads[number].path] = number
            self._sleep = {
                other: touched
                for other, touched in self._sleep.items()
                if other != name
                and not dependent(
                    access,
                    TIMER if other[0] == _TIMER else self._resources.access(all_threads[self._index[other]]),
                )
            }

    def alone(self, index: int) -> bool:
        point = self._point
        assert point is not None
        self._close()
        name = point.threads[index].path
        if name in self._sleep:
            return False
        self._step(index, name, timer=False, node=-1)
        return True

    def _close(self) -> None:
        """Take in what the last step turned out to do."""
        point = self._point
        assert point is not None
        causes = point.causes
        uses, failures = point.clock.uses, len(threads.failures)
        if not self._steps:
            self._first_causes += causes
        else:
            step = self._steps[-1]
            hidden = step.hidden
            if uses != self._uses:
                hidden |= TIME
            if failures != self._failures:
                hidden |= FAILURE
            if step.actor >= 0 and point.threads[step.actor].uses is not None:
                hidden |= arrival(point.threads[step.actor])
            step.hidden = hidden
            if step.node >= 0:
                self._nodes[step.node].done[step.name] = hidden
            if hidden and self._sleep:
                asleep = self._sleep.items()
                self._sleep = {name: seen for name, seen in asleep if not overlap(seen, hidden)}
            if causes:
                step.causes = causes[:]
        self._uses, self._failures = uses, failures
        if causes:
            if any(who == IN_VAIN for who, _ in causes):
                self._complete = False
            causes.clear()

    def _diverge(self) -> int:
        """Stop an execution that does not go as the one before it did."""
        self._diverged = True
        return ABANDON

    # -- at its end ------------------------------------------------------------------------------

    def over(self, stop: str) -> None:
        point = self._point
        if point is None or self._diverged:
            return
        self._close()
        if stop == "step-limit":
            self._complete = False
        if len(self._steps) > MOST_STEPS:
            self._nodes.clear()
            self._complete = False
            self._depth = 0
            self._steps.clear()
        if not self._steps:
            return
        last = self._steps[-1]
        if not stop:
            nobody = len(point.threads)  # the end is a step of its own, after those of the main thread
            last.causes = [*last.causes, (0, nobody)]
            self._steps.append(Step(nobody, "0", UNKNOWN, last.node))
            if last.node >= 0:
                self._nodes[last.node].done[last.name] = EVERYTHING
        order = self._order()
        if not self._tasks_run_out and order.may_run_out(TASKS):
            self._tasks_run_out = self._starts_again = True
        if not self._semaphores_run_out and (order.may_run_out(SEMAPHORES) or self._waits_for_permit()):
            self._semaphores_run_out = True
            self._starts_again = self._starts_again or self._executed
            order = self._order()
        if self._starts_again:
            return
        for first, second, could_begin in order.races:
            begins = [self._steps[second].name] if could_begin else []
            self._reverse(order, first, second, begins)
        for first, now in order.late:
            self._reverse(order, first, now, [])
        for first, wait in order.waits:
            self._reverse_wait(order, first, wait, self._steps[wait].name)
        self._reverse_pending(order, ended=not stop)

    def _order(self) -> HappensBefore:
        return HappensBefore(self._steps, self._first_causes, self._fresh, careful=self._semaphores_run_out)

    def _waits_for_permit(self) -> bool:
        assert self._point is not None
        pending = [thread.pending for thread in self._point.threads if not thread.enabled]
        return any(waits is not None and waits[3] is semaphores.ACQUIRE for waits in pending)

    def _reverse_pending(self, order: HappensBefore, *, ended: bool) -> None:
        """Reverse what the operations that never were executed race with."""
        point = self._point
        assert point is not None
        for thread in point.threads:
            pending = thread.pending
            if thread.finished or (thread.enabled and not ended):
                continue
            clock = order.clock(thread.index)
            end = len(order.clocks)
            if thread.enabled:  # the main thread ended first, in one go with the step before
                for before in order.last_steps(end - 1):
                    if not clock >> before & 1:
                        begins = [thread.path] if clock >> before == 0 else []
                        self._reverse(order, before, end - 1, begins)
            kind = None if pending is None else pending[3].kind
            if pending is not None and kind in (Kind.ACQUIRE, Kind.GET, Kind.PUT):
                number = self._resources.lock_number(pending[0])
                taken = order.giver(number) if kind is Kind.PUT else order.taker(number)
                if taken >= 0 and not clock >> taken & 1:
                    begins = [thread.path] if clock >> taken == 0 else []
                    self._reverse(order, taken, end, begins)
            elif pending is not None and pending[3] is queues.JOIN:
                tasks = self._resources.access(thread).resource
                for first in order.given(tasks, clock):
                    self._reverse_wait(order, first, end, thread.path)
            elif not thread.enabled and thread.waits_for is None:  # for the lock inside a container
                access = self._resources.access(thread)
                for before, could_begin in order.conflicts(access, clock):
                    begins = [thread.path] if could_begin else []
                    self._reverse(order, before, end, begins, access)

    def _reverse_wait(self, order: HappensBefore, first: int, wait: int, name: str) -> None:
        """See to it that a wait until nothing is left is also explored before step ``first``, which gave something."""
        if self._steps[first].node < 0:
            return  # nothing else could run then
        node = self._nodes[self._steps[first].node]
        begins = [self._steps[index].name for index in order.beginnings(first, wait)]
        if name in node.enabled and all(step.name != name for step in self._steps[first:wait]):
            begins.insert(0, name)
        if begins:
            self._add(node, begins)

    def _reverse(
        self,
        order: HappensBefore,
        first: int,
        second: int,
        begins: list[str],
        pending: Access | None = None,
    ) -> None:
        """See to it that one of those is explored instead of step ``first`` that can begin its reversal.

        ``begins`` has the name of the later step where that can; where it could not run then, because the earlier
        one's thread excluded it, the exclusion is reversed: a step before. ``pending`` is what the later step would
        touch where it was not executed.
        """
        steps = self._steps
        depth = steps[first].node
        for name in begins:
            while name[0] != _TIMER and (depth < 0 or name not in self._nodes[depth].enabled):
                first = self._exclusion(first, second, pending)
                if first < 0:
                    return
                depth = steps[first].node
        if depth < 0:
            return  # nothing else could run then
        begins += [self._steps[index].name for index in order.beginnings(first, second)]
        self._add(self._nodes[depth], begins)

    def _exclusion(self, first: int, second: int, pending: Access | None) -> int:
        """Return the step before ``first`` of the same thread that ``second`` depends on, -1 where there is none."""
        steps = self._steps
        if pending is not None:
            later, hidden = pending, pending.hidden
        elif second < len(steps):
            later, hidden = steps[second].access, steps[second].hidden
        else:
            return -1
        for index in range(first - 1, -1, -1):
            step = steps[index]
            if step.actor == steps[first].actor and (
                dependent(step.access, later) or overlap(step.hidden, hidden)
            ):
                return index
        return -1

    @staticmethod
    def _add(node: _Node, begins: list[str]) -> None:
        if any(name in node.backtrack or name in node.sleep for name in begins):
            return
        for name in begins:
            if name in node.enabled:
                node.backtrack.append(name)
                return
        if begins and all(name[0] == _TIMER for name in begins):
            return  # wherever a timer may fire, that is tried
        node.backtrack += [name for name in node.enabled if name not in node.backtrack]

    def end(self, steps: int) -> None:
        self._executed = True
        if self._resources.attributes_listed and not self._order_of_attributes:
            self._order_of_attributes = self._starts_again = True
        if self._starts_again:
            self._nodes.clear()
            return
        if self._diverged or self._depth < len(self._nodes):
            self._restarts += 1
            if self._restarts > _RESTARTS:
                self._complete = False
            self._nodes.clear()
            return
        while self._nodes:
            node = self._nodes[-1]
            for name in node.backtrack:
                if name not in node.done and name not in node.sleep:
                    node.chosen = name
                    return
            self._nodes.pop()
        self._done = True


def _timer_name(point: SchedulingPoint) -> str:
    """Return the name of the timer that may fire early."""
    return _TIMER + point.threads[point.clock.timers[0][2]].path
