"""What stand-ins for builtin operations of several steps are made of: points, the object's lock, paced reads.

An interpreter without a GIL guards the containers' writes by a lock in the object (operations L of the atomicity
model), lets reads of one element look in, and guards iterators, generators and some modules' functions by nothing:
two threads about to use one of those at the same time are a finding. Here the lock exists only while an operation
is between two of its steps: it holds off the other writes and the snapshots of that object.
"""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import repeat
from operator import is_
from types import GeneratorType, TracebackType
from typing import Any, Self

from torture.errors import CheckFailed
from torture.exploration.resources import below, canonical, used_by
from torture.instrument.atomicity import IMMUTABLE_TYPES, MUTABLE_TYPES, VIEWS
from torture.runtime.kernel import KERNEL
from torture.runtime.thread import VirtualThread
from torture.trace.site import Site

_kernel = KERNEL
_BASES = tuple(MUTABLE_TYPES)
_PACE = 64  # the first steps of an operation that are all visible; later ones are seen ever more rarely
_NEAR_FRAMES = 3

# The objects whose lock is held between two steps, by id: who holds it, and who waits for it.
held: dict[int, tuple[VirtualThread, list[VirtualThread]]] = {}
# Who is about to use something that nothing guards.
using: list[VirtualThread] = []
# Every overlapping use of something unsynchronised in this execution, also where the program swallowed the error.
overlaps: list[tuple[VirtualThread, BaseException]] = []


def reset() -> None:
    """Forget what an earlier execution left, threads that could not be ended included."""
    held.clear()
    using.clear()
    overlaps.clear()
    _kernel.closely = False


# -- points --------------------------------------------------------------------------------------


def pass_point(site: Site, obj: object, key: object, writes: bool, value: object = None) -> None:
    """Declare one step on a container; return when it is the thread's turn."""
    kernel = _kernel
    if kernel.countdown > 1:
        kernel.countdown -= 1
        return
    if held and writes:
        await_lock(obj)
    kernel.decide(site, obj, key, writes, value)


def pass_snapshot(site: Site, obj: object, value: object) -> None:
    """Declare a read of all of a container that takes its lock."""
    kernel = _kernel
    if kernel.countdown > 1:
        kernel.countdown -= 1
        return
    if held:
        await_lock(obj)
    me = kernel.current
    me.copies = obj
    kernel.decide(site, obj, None, False, value)
    me.copies = None


def await_lock(obj: object) -> None:
    """Keep the current thread from being chosen while another one holds the object's lock."""
    holding = held.get(id(obj))
    me = _kernel.current
    if holding is not None and holding[0] is not me and not _kernel.killing:
        holding[1].append(me)
        _kernel.disable([me])


def pass_unsynchronised(site: Site, used: object, name: str, resource: object) -> None:
    """Declare the use of something that nothing guards; raise CheckFailed if another thread is about to use it, too.

    ``used`` is what the threads must not share, ``resource`` what the operation is announced to touch.
    """
    kernel = _kernel
    me = kernel.current
    if not kernel.killing and kernel.controls():
        for other in kernel.threads:
            if other.uses is used and other is not me and other.pending is not None:
                _refuse(used, name, other, other.pending[3])
        if type(used) is GeneratorType and used.gi_running:
            _refuse_running(used, name)
    if kernel.countdown > 1:
        kernel.countdown -= 1
        return
    me.uses = used
    using.append(me)
    kernel.closely = True  # whoever runs meanwhile must not pass its own use of it unseen
    try:
        kernel.decide(site, resource, None, True, name)
    finally:
        me.uses = None
        using.remove(me)
        kernel.closely = bool(held or using)


def _refuse_running(generator: GeneratorType[Any, Any, Any], name: str) -> None:
    """Refuse a generator that runs, unless it called itself: that is its own error."""
    for other in _kernel.threads:
        frame = _kernel.frame(other) if other is not _kernel.current else None
        while frame is not None:
            if frame is generator.gi_frame:
                _refuse(generator, name, other, None)
            frame = frame.f_back


def _refuse(used: object, name: str, other: VirtualThread, where: Site | None) -> None:
    me = _kernel.current
    place = f" (the latter in {where.function})" if where is not None and where.function else ""
    error = CheckFailed(
        "unsafe-builtin",
        f"{me.name} and {other.name} use the same {type(used).__name__} at the same time{place}: "
        f"{name if ' ' in name else name + '()'} is not synchronised, it needs a lock",
    )
    overlaps.append((me, error))
    _kernel.clock.uses += 1  # this step depends on those that use it: see torture.strategies.access
    raise error


class Holding:
    """The object's lock, from one step of an operation to its last."""

    __slots__ = ("_obj", "_waiting")

    def __init__(self, obj: object) -> None:
        self._obj = obj

    def __enter__(self) -> Self:
        kernel = _kernel
        obj, me = self._obj, kernel.current
        self._waiting = [
            thread
            for thread in kernel.threads
            if thread is not me
            and thread.enabled
            and thread.pending is not None
            and thread.pending[0] is obj
            and (thread.pending[2] or thread.copies is obj)
        ]
        if not kernel.killing:
            kernel.disable(self._waiting)
        held[id(obj)] = (me, self._waiting)
        kernel.closely = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        held.pop(id(self._obj), None)
        _kernel.closely = bool(held or using)
        for thread in self._waiting:
            _kernel.wake(thread)


# -- one operation -------------------------------------------------------------------------------


class Call:
    """Stands in for one call of a builtin: ``steps`` gets this, the container of a method, and the arguments."""

    __slots__ = ("function", "name", "obj", "private", "private_source", "resource", "shape", "site")

    def __init__(
        self,
        site: Site,
        function: Callable[..., Any],
        obj: Any,
        shape: Shape,
        *,
        resource: object,
        private_source: bool,
        private: bool = False,
    ) -> None:
        self.site = site
        self.function = function
        self.name: str = function.__name__
        self.obj = obj
        self.shape = shape
        self.resource = (
            resource  # what is announced: the container below a view, an instance for its __dict__
        )
        self.private = private  # nobody else has the container
        self.private_source = private_source  # nobody else has the first argument

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        shape = self.shape
        if not shape.fewest <= len(args) <= shape.most or (kwargs and not shape.keywords):
            return self.in_one(*args, **kwargs)
        if shape.method:
            return shape.steps(self, self.obj, *args, **kwargs)
        return shape.steps(self, *args, **kwargs)

    def in_one(self, *args: Any, **kwargs: Any) -> Any:
        """Do it in one step, which may read whatever it is given."""
        others = (*args[not self.shape.method :], *kwargs.values())
        if all(type(other) in IMMUTABLE_TYPES and type(other) is not tuple for other in others):
            self.write()
        else:
            pass_point(self.site, None, None, True, self.name)
        return self.function(*args, **kwargs)

    def read(self) -> None:
        """Pass the point of a step that looks at the container, also while its lock is held."""
        if not self.private:
            pass_point(self.site, self.resource, None, False, self.name)

    def look(self, other: object, key: object) -> None:
        """Pass the point of a step that looks at another container, which the operation was given."""
        if not self.private_source:
            pass_point(self.site, canonical(other), key, False, self.name)

    def write(self) -> None:
        """Pass the point of a step that changes the container."""
        if not self.private:
            pass_point(self.site, self.resource, None, True, self.name)

    def holding(self, *, calls_back: bool = False) -> Holding | _Free:
        """Return the container's lock; an operation that calls Python code back does not keep it."""
        return _FREE if calls_back or self.private else Holding(self.resource)


@dataclass(frozen=True, slots=True)
class Shape:
    """A stand-in, and the calls it stands in for: any other goes to the C operation, in one step."""

    steps: Callable[..., Any]
    fewest: int = 1
    most: int = 1
    keywords: bool = False
    method: bool = True


class _Free:
    """The lock of an operation that gives it back all the time."""

    __slots__ = ()

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


_FREE = _Free()


def paced(count: int) -> bool:
    """Tell whether step number ``count`` of an operation is visible: all are in containers of ordinary size."""
    return count % (1 + count // _PACE) == 0


class Stepwise:
    """Iterates as C code does over ``iterable``, with a point before each element."""

    PASSES_POINTS = True  # see torture.exploration.resources
    __slots__ = (
        "_count",
        "_iterable",
        "_iterator",
        "_name",
        "_owners",
        "_resource",
        "_shared",
        "_site",
    )

    def __init__(
        self,
        site: Site,
        name: str,
        iterable: Any,
        *,
        shared_iterator: bool = False,
        owners: int = 0,
    ) -> None:
        self._site = site
        self._name = name
        self._resource = canonical(below(iterable))
        self._count = 0
        self._iterable = iterable
        self._iterator: Iterator[Any] | None = None
        self._shared = shared_iterator
        # References that one thread has to ``iterable``, which nobody else had. What only leads to a container tells
        # nothing about that.
        self._owners = owners if shared_iterator or type(iterable) in MUTABLE_TYPES else _MANY

    def __iter__(self) -> Self:
        if self._iterator is None:
            if type(self._iterable) in _REMEMBERS_SIZE:
                pass_point(self._site, self._resource, None, False, self._name)
            self._iterator = iter(self._iterable)
        return self

    def __next__(self) -> Any:
        others = sys.getrefcount(self._iterable) - _ITERATING > self._owners
        if self._shared and others:
            pass_unsynchronised(self._site, used_by(self._iterable), self._name, self._resource)
        elif paced(self._count) and (others or (self._shared and self._resource is not self._iterable)):
            pass_point(self._site, self._resource, None, False, self._name)
        self._count += 1
        assert self._iterator is not None
        return next(self._iterator)


_MANY = -_PACE  # fewer owners than there can be
_ITERATING = 3  # references that it has itself, and one while they are counted
_REMEMBERS_SIZE = frozenset({dict, defaultdict, OrderedDict, Counter, set, deque, *VIEWS})


# -- when a stand-in is worth its points ---------------------------------------------------------


def is_alone() -> bool:
    """Tell whether no other thread can take a step before the current one lets it."""
    kernel = _kernel
    return not kernel.active or kernel.killing or (len(kernel.enabled) < 2 and not kernel.clock.timers)


def is_over() -> bool:
    """Tell whether no execution is under way, or it is being ended.

    Not whether anybody looks at the current thread's steps: one that is recorded has to have as many as one that is not.
    Nor whether other threads can run: what it reads after their end may have been read before it.
    """
    return not _kernel.active or _kernel.killing


def is_private(obj: object, references: int, depth: int) -> bool:
    """Tell whether only the stack and plain locals of the nearest frames refer to ``obj``.

    ``references`` are those that the caller knows of: its own, its callers' and the program's stack. ``depth`` is the
    number of engine frames above the program's, this one not counted. An object that is referred to from elsewhere
    is never taken for private; one that is private may be missed.
    """
    others = sys.getrefcount(obj) - 2 - references  # two: getrefcount's argument and this function's
    frame = sys._getframe(depth + 1)
    for _ in range(_NEAR_FRAMES):
        if others <= 0:
            return True
        code = frame.f_code
        if not code.co_flags & _OPTIMIZED:
            return False  # its locals are a namespace that others can reach
        names = frame.f_locals
        shared = (*code.co_cellvars, *code.co_freevars)
        if not shared:
            others -= sum(map(is_, names.values(), repeat(obj)))
        else:
            for name in code.co_varnames:
                if name not in shared and name in names and names[name] is obj:
                    others -= 1
        if sys.version_info < (3, 13) and sys.getrefcount(names) <= _NOBODY_ELSES:
            names.clear()  # a copy, which would keep the objects alive
        if frame.f_back is None:
            break
        frame = frame.f_back
    return others <= 0


_OPTIMIZED = 1
_NOBODY_ELSES = 3  # references to a frame's copy of its locals, while is_private looks at it
