"""Sees what a program's modules gather: containers that grow from execution to execution while nothing is put back.

Said is what grew again and again to the end, by an entry in every other execution at least, and to more than what is
usually kept on purpose: not what is filled once, nor what has a bound.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from types import ModuleType
from typing import Any

from torture.parallel.held import Find, Held, held, size_of
from torture.parallel.leaks import is_own

_WARM_UP = 2  # executions that may fill what stays filled
_LOOK = 2  # executions after that: what is larger then is watched
_WINDOWS = 4  # parts of the time it is watched: it has to grow in each
_PLENTY = 200  # entries more: a smaller number may have a bound that was not reached ...
_LARGE = 1 << 20  # ... unless they are of so many bytes
_FRAMES = 5  # of an allocation that are kept
_TRACED = 500  # objects of a container whose size is added up: that takes time
_TOLD = 10  # containers, those with most entries more
_UNITS = {str: "characters", bytes: "bytes", bytearray: "bytes"}


@dataclass(slots=True)
class _Watched:
    """A container that was larger after a few executions."""

    name: str
    find: Find
    sizes: list[int]  # after each execution

    def more(self) -> int:
        """Return how much it has gathered, 0 if it did not grow all the time."""
        count = len(self.sizes) - 1
        ends = [self.sizes[count * part // _WINDOWS] for part in range(_WINDOWS + 1)]
        more = ends[-1] - ends[0]
        grew = count >= _WINDOWS and all(later > sooner for sooner, later in pairwise(ends))
        return more if grew and more >= count / 2 else 0


class Growth:
    """Watches the containers of modules, and of a function's closure, execution by execution.

    ``traced`` says where the entries were made and how large they are; it takes time in every allocation from the
    moment when something has grown.
    """

    def __init__(self, modules: Iterable[ModuleType], function: object, *, traced: bool) -> None:
        self._modules = list(modules)
        self._function = function
        self._traced = traced
        self._executions = 0
        self._first: dict[str, int] = {}
        self._watched: list[_Watched] = []

    def note(self) -> bool:
        """Look after an execution; return False once nothing is left to be seen."""
        self._executions += 1
        if self._executions == _WARM_UP:
            self._first = {each.name: each.size for each in self._held()}
        elif self._executions == _WARM_UP + _LOOK:
            self._watched = [
                _Watched(each.name, each.find, [each.size])
                for each in self._held()
                if each.size > self._first.get(each.name, each.size)
            ]
            if self._watched and self._traced:
                tracemalloc.start(_FRAMES)
        for each in self._watched if self._executions > _WARM_UP + _LOOK else ():
            each.sizes.append(size_of(each.find()))
        return self._executions < _WARM_UP + _LOOK or bool(self._watched)

    def leaks(self) -> list[str]:
        """Return a sentence about each container that has grown all the time."""
        gc.collect()
        for each in self._watched:
            each.sizes.append(size_of(each.find()))
        grown = [(each, more) for each in self._watched if (more := each.more())]
        grown.sort(key=lambda found: -found[1])
        return list(filter(None, (_said(each, more) for each, more in grown[:_TOLD])))

    def _held(self) -> list[Held]:
        gc.collect()  # what only waits for the collector is no growth
        return list(held(self._modules, self._function))


def _said(watched: _Watched, more: int) -> str:
    """Return what is to be said of a container that has grown, "" for nothing."""
    container = watched.find()
    unit = next((unit for kind, unit in _UNITS.items() if issubclass(type(container), kind)), "")
    size, place, is_cut = _traced(container) if tracemalloc.is_tracing() else (0, "", False)
    if (more < _LARGE if unit else more < _PLENTY) and size < _LARGE:
        return ""
    return (
        f"{watched.name} has {more:,} {unit or 'entries'} more after {len(watched.sizes) - 2:,} executions"
        + (f", {_size_text(size)}" if size else "")
        + (" at least" if is_cut else "")
        + (f", made at {place}" if place else "")
    )


def _traced(container: object) -> tuple[int, str, bool]:
    """Return the size of what a container holds of what was made lately, where most was, and whether there is more."""
    sizes: Counter[str] = Counter()
    left: list[Any] = gc.get_referents(container)
    seen: set[int] = set()
    while left and len(seen) < _TRACED:
        obj = left.pop()
        if id(obj) in seen:
            continue
        seen.add(id(obj))
        made = tracemalloc.get_object_traceback(obj)
        if made is None:  # it is older, or not made for this
            continue
        frames = (f"{frame.filename}:{frame.lineno}" for frame in reversed(made) if is_own(frame.filename))
        sizes[next(frames, "")] += sys.getsizeof(obj)
        left += gc.get_referents(obj)
    return sizes.total(), max(sizes, key=sizes.__getitem__, default=""), bool(left)


def _size_text(size: int) -> str:
    for unit, shift in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 1 << shift:
            return f"{size / (1 << shift):.1f} {unit}"
    return f"{size} bytes"
