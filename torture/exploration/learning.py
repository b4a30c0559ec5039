"""Learns which points cannot matter, so that samplers need not be asked there.

What is left out is a unit: the name of an attribute, a global or a cell, or one form of nameless operation (items,
iteration, truth, ...) in one function; but no calls, for something else may have to be called. A unit is cold where no
object that it touched was both used by several threads and written while there were several. A name is not cold,
either, while a place that uses it was not executed and may be in another execution, for there the conflicting access
may stand. (Leaving out without that rule lost bugs for good, in the prototype.)

What was never shared may be so in an execution that nobody has watched. So one batch in four has every point: what
learning hides is found later, not never. Exhaustive strategies get every point: what they prove would be false.
"""

from __future__ import annotations

from torture.instrument.functions import Instrumenter
from torture.instrument.writer import Unit, unit_of
from torture.runtime.kernel import KERNEL
from torture.runtime.thread import VirtualThread
from torture.trace.site import NAMED, Form, Site

BATCH = 16  # executions
PERIOD = 256  # batches of which the first is watched, and
COMPLETE = 4  # of which one has every point
_WHOLE = ""  # instead of a name: all of an object


class _Use:
    """What one execution did with an attribute, or with a whole object."""

    __slots__ = ("shared", "thread", "units", "written")

    def __init__(self, thread: int) -> None:
        self.thread = thread
        self.shared = False
        self.written = False
        self.units: set[Unit] = set()


class AccessLog:
    """A :class:`torture.runtime.hooks.Recorder` that notes what threads share. Keeps no object alive: where a new
    object gets the address of one that died, the two seem to be one, and more is kept than need be."""

    def __init__(self) -> None:
        self._executed: set[Site] = set()
        self._hot: set[Unit] = set()
        self._uses: dict[tuple[int, str], _Use] = {}

    def record(
        self, thread: VirtualThread, site: Site, obj: object, key: object, writes: bool, value: object
    ) -> None:
        """Note one operation."""
        if site.form is Form.PRIMITIVE or obj is None:
            return
        self._executed.add(site)
        if site.form in NAMED:
            self._note(thread.index, obj, site.name, site.name, writes)
            self._note(thread.index, obj, _WHOLE, site.name, False)  # another spelling may write all of it
        else:
            self._note(thread.index, obj, _WHOLE, unit_of(site), writes)

    def _note(self, thread: int, obj: object, name: str, unit: Unit, writes: bool) -> None:
        use = self._uses.get((id(obj), name))
        if use is None:
            use = self._uses[id(obj), name] = _Use(thread)
        use.units.add(unit)
        use.shared = use.shared or use.thread != thread
        use.written = use.written or (writes and len(KERNEL.threads) > 1)

    def end(self) -> None:
        """Take in what the execution shared."""
        for use in self._uses.values():
            if use.shared and use.written:
                self._hot |= use.units
        self._uses.clear()

    def cold(self, instrumenter: Instrumenter) -> frozenset[Unit]:
        """Return what cannot matter as far as it was seen."""
        outside = instrumenter.names_written_outside()
        entered = {(site.module, site.function) for site in self._executed}
        cold = {unit_of(site) for site in self._executed if site.form is not Form.CALL} - self._hot
        if outside is None:  # any name may be written
            return frozenset(unit for unit in cold if not isinstance(unit, str))
        for site in instrumenter.near(entered):
            if site.form in NAMED and site not in self._executed:
                cold.discard(site.name)
        return frozenset(cold) - outside


class Learning:
    """Says of each execution of a sampler whether it is watched, and what points it runs without."""

    def __init__(self) -> None:
        self.log = AccessLog()
        self._cold: frozenset[Unit] = frozenset()
        self._executions = 0

    @property
    def watches(self) -> bool:
        """Tell whether the next execution is watched."""
        return self._executions // BATCH % PERIOD == 0

    @property
    def left_out(self) -> frozenset[Unit]:
        """Return what the next execution runs without."""
        complete = self._executions // BATCH % COMPLETE == 0
        return frozenset() if complete else self._cold

    def count(self, instrumenter: Instrumenter) -> None:
        """Count an execution; learn where it was the last of those that are watched."""
        watched = self.watches
        if watched:
            self.log.end()
        self._executions += 1
        if watched and not self.watches:
            self._cold = self.log.cold(instrumenter)
