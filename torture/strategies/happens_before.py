"""Which steps of one execution come before which, and which could have come the other way round.

A set of steps is an integer with a bit for each: joining is ``|``, and step k begins a reversal at step i where
``clock[k] >> i == 1 << (k - i)``.

A blocking acquire comes after the release that lets it in, and that order cannot be reversed; what can is the order
of the two acquires. So it races with the acquire that the release belongs to, judged without that release. What waits
for a permit is of this kind, too.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from torture.runtime.choice import LAST_STEP, LATE
from torture.strategies.access import (
    ACQUIRE,
    EVERYTHING,
    FAILURE,
    OF_CLASS,
    PASS,
    RELEASE,
    SEMAPHORES,
    TAKE,
    TAKE_ONE,
    TIME,
    WAIT_FOR_NONE,
    Access,
)
from torture.strategies.permits import Permits

_ORDER = object()  # the part of a container that its ordered writes have in common
_HIDDEN = {TIME: -2, FAILURE: -3}  # numbers of resources
_CLASSES = -4


class Step:
    """One step of an execution. ``actor`` is the thread's index, or its complement for the timer of that thread."""

    __slots__ = ("access", "actor", "causes", "hidden", "name", "node")

    def __init__(self, actor: int, name: str, access: Access, node: int) -> None:
        self.actor = actor
        self.name = name  # the same in every execution
        self.access = access
        self.node = node  # depth of the choice that it was, -1 where there was none
        self.hidden = access.hidden
        self.causes: Sequence[tuple[int, int]] = ()  # in it


# Two dependent steps that nothing between them orders, and whether the later one could come first.
Race = tuple[int, int, bool]


class _Resource:
    """Who used it last, by key: what a new access has to be compared with."""

    __slots__ = ("permits", "reads", "released", "taken", "writes")

    def __init__(self) -> None:
        self.writes: dict[object, int] = {}
        self.reads: dict[object, dict[int, int]] = {}  # by key and actor
        self.taken = -1  # of a lock: when it was taken last
        self.released = -1  # and when it was released, if that is the last that was written
        self.permits: Permits | None = None

    def before(self, access: Access) -> list[int]:
        """Return the last steps that conflict with an access."""
        key = access.key
        if key is None:
            found = list(self.writes.values())
            if access.writes:
                for readers in self.reads.values():
                    found += readers.values()
            return found
        found = [self.writes.get(key, -1), self.writes.get(None, -1)]
        if access.writes:
            for part in (key, None):
                if part in self.reads:
                    found += self.reads[part].values()
        if access.ordered:
            found.append(self.writes.get(_ORDER, -1))
        return found

    def note(self, access: Access, actor: int, index: int) -> None:
        """Take in an access."""
        key = access.key
        if self.permits is not None:
            self.permits.note(access, index)
        if not access.writes:
            self.reads.setdefault(key, {})[actor] = index
            return
        if key is None:
            self.writes = {None: index}
            self.reads.clear()
        else:
            self.writes[key] = index
            self.reads.pop(key, None)
        if access.ordered:
            self.writes[_ORDER] = index
        self.released = index if access.action == RELEASE else -1
        if access.action in (ACQUIRE, TAKE, PASS, TAKE_ONE):
            self.taken = index


class HappensBefore:
    """Orders the steps of an execution; ``races`` are those whose later step is at least ``fresh``.

    ``careful``: the permits of semaphores may run out.
    """

    def __init__(
        self, steps: list[Step], causes: Sequence[tuple[int, int]], fresh: int, *, careful: bool = True
    ) -> None:
        self.clocks: list[int] = []
        self.races: list[Race] = []
        self.late: list[
            tuple[int, int]
        ] = []  # an actor's last step before a timer fired, and the step it then was
        # Who waits until nothing is left can come before what was given, once what was there before is gone: the steps
        # that gave, and the wait. Others may have to come first, so the wait may be none that begins the reversal.
        self.waits: list[tuple[int, int]] = []
        self._fresh = fresh
        self._careful = careful
        self._threads: dict[int, int] = {}  # what comes before the next step of a thread
        self._resources: dict[int, _Resource] = {}
        self._last: dict[int, int] = {}  # step of each actor
        self._steps_of: dict[int, list[int]] = {}
        self._unknown = -1
        self._class_names = {
            step.access.key for step in steps if step.access.owner == OF_CLASS and step.access.writes
        }
        self._cause(causes)
        for step in steps:
            self._add(step)
            if step.causes:
                self._cause(step.causes)

    def clock(self, actor: int) -> int:
        """Return what comes before the next step of a thread."""
        return self._threads.get(actor, 0)

    def may_run_out(self, counts: int) -> bool:
        """Tell whether a step that takes a permit may find none in another order, of semaphores or of tasks.

        Where the library's own code takes and gives some, that is not known.
        """
        found = (resource.permits for resource in self._resources.values())
        return any(
            permits is not None
            and (permits.opened or (permits.counts == counts and permits.may_run_out(self.clocks)))
            for permits in found
        )

    def taker(self, number: int) -> int:
        """Return the step that took a lock, which is held, or the last permit; -1 where there is none."""
        known = self._resources.get(number)
        return -1 if known is None else known.taken

    def given(self, number: int, clock: int) -> list[int]:
        """Return the steps that gave something and are not among those of a clock."""
        known = self._resources.get(number)
        given = () if known is None or known.permits is None else known.permits.given
        return [step for step in given if not clock >> step & 1]

    def giver(self, number: int) -> int:
        """Return the step that put the last item, -1 where there is none."""
        known = self._resources.get(number)
        return -1 if known is None or known.permits is None else (known.permits.given or [-1])[-1]

    def conflicts(self, access: Access, clock: int) -> list[tuple[int, bool]]:
        """Return the steps that a pending operation races with, and whether it could come before each."""
        found = self._resource(access.resource).before(access) if access.resource else []
        if access.hidden & EVERYTHING:
            found += self._last.values()
        races = []
        for other in sorted(set(found), reverse=True):
            if other >= 0 and not clock >> other & 1:
                races.append((other, clock >> other == 0))
                clock |= self.clocks[other]
        return races

    def beginnings(self, first: int, end: int) -> list[int]:
        """Return the steps before ``end`` that can begin what is reversed at step ``first``, in their order.

        Each is the first one of its actor after ``first``, so the others need not be looked at.
        """
        clocks = self.clocks
        found = []
        for indices in self._steps_of.values():
            at = bisect_right(indices, first)
            if at < len(indices):
                index = indices[at]
                if index < end and clocks[index] >> first == 1 << (index - first):
                    found.append(index)
        found.sort()
        return found

    def _cause(self, causes: Sequence[tuple[int, int]]) -> None:
        for who, whom in causes:
            if who >= 0:
                clock = self.clock(who)
            elif who == LAST_STEP:
                clock = self.clocks[-1] if self.clocks else 0
            else:
                if who == LATE:
                    self._note_late(self.clock(whom))
                clock = (1 << len(self.clocks)) - 1  # the others wait for the woken thread, or for its kind
            self._threads[whom] = self._threads.get(whom, 0) | clock

    def _note_late(self, clock: int) -> None:
        """Note that a timer fired when nothing could run: earlier, it would have to be before somebody's last step."""
        now = len(self.clocks)
        for other in self._last.values():
            if now > self._fresh and not clock >> other & 1 and clock >> other:
                self.late.append((other, now))

    def last_steps(self, index: int) -> list[int]:
        """Return the last step of each actor among those that come before a step."""
        return [other for other in self._last.values() if other != index and self.clocks[index] >> other & 1]

    def _add(self, step: Step) -> None:
        index = len(self.clocks)
        actor = step.actor
        clock = self._threads.get(actor, 0)
        if actor < 0:
            clock |= self._threads.get(~actor, 0)
        accesses = self._accesses(step)
        taken = -1
        let_in: list[int] = []
        found = [self._unknown]
        if step.hidden & EVERYTHING:
            found += self._last.values()
        for resource, access in accesses:
            before = resource.before(access)
            if access.action == ACQUIRE and resource.released >= 0:
                let_in, taken = [resource.released], resource.taken
                before.remove(resource.released)
            elif access.action >= PASS:
                if resource.permits is None:
                    resource.permits = Permits()
                if access.counts == SEMAPHORES and not self._careful:
                    continue
                if access.action == WAIT_FOR_NONE and index >= self._fresh:
                    self.waits += [(other, index) for other in self.given(access.resource, clock)]
                before, others = resource.permits.judge(access, before)
                let_in = let_in or others
            found += before
        # Nearly always nothing is left, or one step.
        if found := [other for other in found if other >= 0 and not clock >> other & 1]:
            if len(found) > 1:
                found = sorted(set(found), reverse=True)
            for other in found:
                clock = self._join(clock, other, index)
        self._join(clock, taken, index)
        for other in let_in:
            clock |= self.clocks[other]
        clock |= 1 << index
        self.clocks.append(clock)
        self._threads[actor] = clock
        self._last[actor] = index
        steps = self._steps_of.get(actor)
        if steps is None:
            self._steps_of[actor] = [index]
        else:
            steps.append(index)
        if step.hidden & EVERYTHING:
            self._unknown = index
        for resource, access in accesses:
            resource.note(access, actor, index)

    def _join(self, clock: int, other: int, index: int) -> int:
        if other < 0 or clock >> other & 1:
            return clock
        if index >= self._fresh:
            self.races.append((other, index, clock >> other == 0))
        return clock | self.clocks[other]

    def _accesses(self, step: Step) -> list[tuple[_Resource, Access]]:
        access = step.access
        accesses = [(self._resource(access.resource), access)] if access.resource else []
        also = access.also
        while also is not None:
            accesses.append((self._resource(also.resource), also))
            also = also.also
        if not step.hidden and not self._class_names:
            return accesses
        for bit, number in _HIDDEN.items():
            if step.hidden & bit:
                accesses.append((self._resource(number), Access(number, None, True)))
        names = self._class_names
        if names and access.owner and (access.key in names or access.key is None or None in names):
            writes = access.writes and access.owner == OF_CLASS
            accesses.append((self._resource(_CLASSES), Access(_CLASSES, access.key, writes)))
        return accesses

    def _resource(self, number: int) -> _Resource:
        found = self._resources.get(number)
        if found is None:
            found = self._resources[number] = _Resource()
        return found
