"""Which shared locations an execution touches, under names that are the same in the next execution."""

from __future__ import annotations

from collections.abc import Iterable
from types import CodeType, FrameType

from torture.instrument.learn import TRUSTED
from torture.runtime.choice import SchedulingPoint
from torture.runtime.thread import VirtualThread
from torture.trace.site import NAMED, Form, Site

FIRST, EVERY = 16, 8  # executions that are learnt from: the first ones, and one of so many later on


class Locations:
    """Counts the operations of each thread on each location.

    A location is the type of the object touched with the name of the attribute, global or cell; all other objects of a
    type are one location, locks too. Where nothing is known of the operation (granularity ``gil``) its place is taken.
    """

    def __init__(self) -> None:
        self._numbers: dict[object, int] = {}
        self._by_site: dict[tuple[Site, type], int] = {}
        self._touched: dict[str, dict[int, int]] = {}  # thread path -> location -> operations so far
        self._written: set[int] = set()
        self._places: dict[object, int] = {}
        self._at_place: list[int] = []  # the location that is accessed there
        self._codes: dict[int, CodeType] = {}  # keeps alive what is known by its identity
        self._executions = 0
        self._learnt = 0  # executions that were learnt from
        self.learns = False  # from this one

    def begin(self) -> None:
        """Start an execution."""
        self.learns = self._executions < FIRST or self._executions % EVERY == 0
        self._executions += 1

    def watch(self, point: SchedulingPoint) -> None:
        """See also what threads execute while they are alone: the last thread would seem to do nothing."""
        self._threads = point.threads
        point.watcher = self

    def alone(self, index: int) -> bool:
        """Count an operation of a thread that is alone."""
        thread = self._threads[index]
        self.executed(thread, self.at(thread))
        return True

    def over(self, stop: str) -> None:
        pass

    def at(self, thread: VirtualThread) -> int:
        """Return the location that a thread's pending operation touches, -1 where it touches none."""
        pending = thread.pending
        if pending is None:
            return -1
        kind = type(pending[0])
        site = pending[3]
        number = self._by_site.get((site, kind))
        if number is None:
            number = self._number(site, kind)
        if pending[2]:
            self._written.add(number)
        return number

    def _number(self, site: Site, kind: type) -> int:
        if site.form is Form.SWITCH:
            name: object = site
        else:
            name = (kind.__module__, kind.__qualname__, site.name if site.form in NAMED else "")
        number = self._numbers.setdefault(name, len(self._numbers))
        self._by_site[site, kind] = number
        return number

    def executed(self, thread: VirtualThread, number: int) -> None:
        """Count an operation in an execution that is learnt from."""
        touched = self._touched.get(thread.path)
        if touched is None:
            touched = self._touched[thread.path] = {}
        touched[number] = touched.get(number, 0) + 1

    def end(self) -> None:
        """End an execution."""
        self._learnt += self.learns

    def shared(self) -> list[int]:
        """Return the locations that several threads touch and one writes."""
        threads: dict[int, int] = {}
        for touched in self._touched.values():
            for number in touched:
                threads[number] = threads.get(number, 0) + 1
        return sorted(number for number, count in threads.items() if count > 1 and number in self._written)

    def place(self, point: SchedulingPoint, thread: VirtualThread, location: int) -> int:
        """Return the number of the place in the program where a thread's pending operation stands, -1 for none.

        It is one of :meth:`places` once its location is known to be shared. A primitive's operation stands where the
        program called for it.
        """
        pending = thread.pending
        if pending is None:
            return -1
        site = pending[3]
        where: object = site
        if not site.function:
            frame = _caller(point.frame(thread))
            if frame is None:
                return -1
            code = frame.f_code  # by identity: comparing code compares its constants
            self._codes[id(code)] = code
            where = (id(code), frame.f_lasti)
        number = self._places.get(where)
        if number is None:
            number = self._places[where] = len(self._places)
            self._at_place.append(location)
        return number

    def places(self) -> list[int]:
        """Return the places where shared and written locations are accessed."""
        shared = frozenset(self.shared())
        return [place for place, location in enumerate(self._at_place) if location in shared]

    def expected(self, locations: Iterable[int]) -> dict[str, float]:
        """Return how many operations on the locations each thread has executed on average."""
        wanted = tuple(locations)
        total = {
            path: sum(touched.get(number, 0) for number in wanted) for path, touched in self._touched.items()
        }
        return {path: count / self._learnt for path, count in total.items() if count}


def _caller(frame: FrameType | None) -> FrameType | None:
    """Return the frame that called for a primitive's operation: neither torture's nor a trusted module's."""
    while frame is not None:
        top = str(frame.f_globals.get("__name__")).partition(".")[0]
        if top != "torture" and top not in TRUSTED:
            return frame
        frame = frame.f_back
    return None
