"""What one step touches: the basis of what may be reordered. Whatever is not known to be independent is dependent.

Objects are numbered, not kept: an object that died gives its number back where a weak reference tells so, and where
there can be none (list, dict, cell) a reused address only makes two steps dependent that are not.

Nothing here may run code of the standard library that is written in Python: it may be instrumented, and would come
to a scheduling point. So no enumerations, no named tuples, and C's own base class of files.
"""

from __future__ import annotations

import queue
import threading
import weakref
from _io import BytesIO, StringIO, _IOBase
from array import array
from collections import deque
from types import CellType, GeneratorType
from typing import Any

from torture.runtime import futures, gates, queues, semaphores
from torture.runtime.blocking import FILES
from torture.runtime.primitives import Lock
from torture.runtime.thread import VirtualThread
from torture.trace.site import Form, Kind, Site

# Bits of what a step touches besides the object that it names.
TIME = 1  # reads or moves the clock, sets or cancels a timer; comes to, or does, what no two threads may do at once
FAILURE = 2  # a thread ends with an exception: the first one names the finding
EVERYTHING = 4  # not known

NOTHING = 0  # resource numbers; those of objects are positive
OUTSIDE = -1  # files, pipes, sockets: any two names may mean the same
_FIRST = 1
_IN_MEMORY = (BytesIO, StringIO)
_SEQUENCES = (list, deque, bytearray, array)
# What C code calls in the middle of an operation: the rest of that operation follows their last step.
_COMPARES = "__eq__ __ne__ __lt__ __le__ __gt__ __ge__ __hash__"
_MIDWAY = frozenset(f"{_COMPARES} __index__ __next__ __missing__ __del__ __setattr__ __delattr__".split())
_midway: dict[Site, bool] = {}  # whether a place is in one of those
# Special attributes that change nothing but themselves.
_NAMES = "name qualname doc module wrapped annotations dict cause context suppress_context traceback"
_HARMLESS = frozenset(f"__{name}__" for name in _NAMES.split())
_OF_SEMAPHORES = frozenset({semaphores.ACQUIRE, semaphores.TRY, semaphores.RELEASE})
_OF_QUEUES = frozenset(
    {
        queues.PUT,
        queues.TRY_PUT,
        queues.GET,
        queues.TRY_GET,
        queues.JOIN,
        queues.DONE,
        queues.SIZE,
        queues.SHUTDOWN,
    }
)
_OF_FUTURES = frozenset(
    {
        futures.WAIT,
        futures.BEGIN,
        futures.SET,
        futures.CANCEL,
        futures.CALLBACK,
        futures.DONE,
        futures.RUNNING,
    }
)
# Of queues and semaphores: what their methods change, and what they look at.
_CHANGED = frozenset({"queue", "unfinished_tasks", "_value"})
_LOOKED_AT = _CHANGED | {"maxsize", "is_shutdown", "_initial_value", "_init", "_put", "_get", "_qsize"}
_PLAIN = frozenset({int, str, bytes, float, bool, complex})


# What an access is to a lock.
ACQUIRE = 1  # a blocking acquire: it cannot come before the release that lets it in
TAKE = 2  # a try that succeeds
RELEASE = 3  # of a lock that is held

# What it is to something that holds a number of permits. One that may have to wait cannot come before the step that lets
# it pass; one that does not wait can, and fails then. How they depend on each other: torture.strategies.permits.
# A queue holds its items, and the tasks that are not done; it takes a permit to take one, or to have done one.
PASS = 4  # takes a permit, may wait
TAKE_ONE = 5  # takes one, does not wait
GIVE = 6
GIVE_LATER = 7  # the same, may wait for room
TAKE_ALL = 8
WAIT_FOR_NONE = 9
BESIDE = 10  # has to do with something else of a thing that holds permits
REFUSED = 11  # saw that there was no permit, or too many

# Permits that, as far as is known, no order of the steps leaves one without.
SEMAPHORES = 1
TASKS = 2

# Whose attribute is accessed: one that is looked up in an object is looked up in its class, too.
OF_OBJECT = 1
OF_CLASS = 2


class Access:
    """What a step touches, as far as it says beforehand. Not changed once it is made.

    ``ordered``: the order of such writes to different parts shows in the whole (the order of a dict's keys).
    ``level``: how many permits could be taken before a step that takes one, or given before one that gives ``amount``
    (-1: any number). ``counts``: SEMAPHORES or TASKS. ``also``: what else it touches.
    """

    __slots__ = (
        "action",
        "also",
        "amount",
        "counts",
        "hidden",
        "key",
        "level",
        "ordered",
        "owner",
        "resource",
        "writes",
    )

    def __init__(
        self,
        resource: int = NOTHING,
        key: object = None,  # a part of it, None for the whole
        writes: bool = False,
        *,
        action: int = 0,
        hidden: int = 0,
        ordered: bool = False,
        owner: int = 0,
        level: int = -1,
        amount: int = 1,
        counts: int = 0,
        also: Access | None = None,
    ) -> None:
        self.resource = resource
        self.key = key
        self.writes = writes
        self.action = action
        self.hidden = hidden
        self.ordered = ordered
        self.owner = owner
        self.level = level
        self.amount = amount
        self.counts = counts
        self.also = also


UNKNOWN = Access(hidden=EVERYTHING)
TIMER = Access(hidden=TIME)
LOCAL = Access()


def dependent(first: Access, second: Access) -> bool:
    """Tell whether the order of two steps can matter."""
    if overlap(first.hidden, second.hidden):
        return True
    if first.also is not None and dependent(first.also, second):
        return True
    if second.also is not None and dependent(first, second.also):
        return True
    if not (first.writes or second.writes):
        return False
    if first.resource != second.resource:
        of_class = (first.owner == OF_CLASS and first.writes) or (second.owner == OF_CLASS and second.writes)
        return bool(of_class and first.owner and second.owner) and _same(first.key, second.key)
    if first.resource == NOTHING:
        return False
    if first.counts == second.counts == SEMAPHORES and first.action <= GIVE and second.action <= GIVE:
        return _compete(first, second)
    return _same(first.key, second.key) or (first.ordered and second.ordered)


def _compete(first: Access, second: Access) -> bool:
    """Tell whether of two steps with permits one does not leave enough for the other."""
    if (first.action == GIVE) != (second.action == GIVE):
        return False
    return 0 <= first.level < first.amount + second.amount


def overlap(first: int, second: int) -> bool:
    """Tell whether two sets of hidden bits make their steps dependent."""
    return bool(first & second) or bool((first | second) & EVERYTHING)


def _same(first: object, second: object) -> bool:
    return first is None or second is None or first == second


class Resources:
    """Numbers the objects of one execution in the order of their first use."""

    def __init__(self, *, order_of_attributes: bool, semaphores_run_out: bool, tasks_run_out: bool) -> None:
        self._known: dict[int, tuple[type, Any, int]] = {}  # id -> type, weak reference or None, number
        self._next = _FIRST
        self._order_of_attributes = order_of_attributes
        self._semaphores = 0 if semaphores_run_out else SEMAPHORES
        self._tasks_run_out = tasks_run_out
        self.attributes_listed = False  # a program looked at a whole ``__dict__``

    def number(self, obj: object) -> int:
        """Return the number of an object."""
        known = self._known.get(id(obj))
        if known is not None and known[0] is type(obj) and (known[1] is None or known[1]() is obj):
            return known[2]
        try:
            reference: Any = weakref.ref(obj)
        except TypeError:
            reference = None
        number = self._next
        self._next += 1
        self._known[id(obj)] = (type(obj), reference, number)
        return number

    def lock_number(self, obj: Any) -> int:
        """Return the number of the lock that what a thread may wait for is, or has inside."""
        return self.number(gates.lock_of(obj) if type(obj) in gates.PLAIN else obj)

    def access(self, thread: VirtualThread) -> Access:
        """Return what a thread's pending operation will touch."""
        pending = thread.pending
        if pending is None:
            return UNKNOWN
        obj, key, writes, site = pending
        kind = site.kind
        of = type(obj)  # not ``isinstance``, which reads ``__class__``: that may be the program's code
        if of is Lock:
            lock: Any = obj
            found = self._lock_access(thread, lock, kind)
            return _unknown_besides(found) if thread.midway else found
        if site in _OF_SEMAPHORES:
            found = self._semaphore_access(thread, obj, key, site)
            return _unknown_besides(found) if thread.midway else found
        if site in _OF_QUEUES:
            found = self._queue_access(thread, obj, key, site)
            return _unknown_besides(found) if thread.midway else found
        if site in _OF_FUTURES:
            found = self._future_access(obj, site)
            return _unknown_besides(found) if thread.midway else found
        midway = _midway.get(site)
        if midway is None:
            midway = _midway[site] = site.function.rpartition(".")[2] in _MIDWAY
        if obj is None or midway or thread.midway or kind is Kind.SWITCH:
            return UNKNOWN
        if of is GeneratorType:
            return UNKNOWN  # it refuses a second caller until it yields, in the course of another step
        if kind is Kind.CLOCK:
            return TIMER
        if kind is Kind.SLEEP:
            return LOCAL  # it only goes on: the timer was set and fired in other steps
        if kind is Kind.IO or obj is FILES or (issubclass(of, _IOBase) and of not in _IN_MEMORY):
            return Access(OUTSIDE, None, writes)
        return self._object_access(obj, key, writes, site.form, TIME if thread.uses is not None else 0)

    def _lock_access(self, thread: VirtualThread, lock: Lock, kind: Kind) -> Access:
        if thread.timed_out:
            return LOCAL
        number = self.number(lock)
        if kind is Kind.READ:
            return Access(number)
        held = lock._held
        if kind is Kind.TRY:
            # A waiter's lock is released without a step of its own, and its timer is set by this one.
            hidden = TIME if lock.label == "waiter" else 0
            return Access(number, None, not held, action=0 if held else TAKE, hidden=hidden)
        if kind is Kind.RELEASE:
            return Access(number, None, True, action=RELEASE if held else 0)
        return Access(number, None, True, action=ACQUIRE)

    def _semaphore_access(self, thread: VirtualThread, semaphore: Any, key: object, site: Site) -> Access:
        number = self.lock_number(semaphore)
        if gates.is_opened(semaphore):
            return self._library_access(semaphore)
        value = semaphore._value
        if site is semaphores.RELEASE:
            amount: Any = key
            room = -1 if type(semaphore) is threading.Semaphore else semaphore._initial_value - value
            if 0 <= room < amount:
                return Access(number, action=REFUSED, counts=self._semaphores)
            return Access(
                number, "give", True, action=GIVE, level=room, amount=amount, counts=self._semaphores
            )
        if value <= 0:  # of those that wait, none can be chosen now but one whose time is over
            return Access(number, action=REFUSED, counts=self._semaphores)
        waits = site is semaphores.ACQUIRE and not thread.timed_out
        action = PASS if waits else TAKE_ONE
        return Access(number, "take", True, action=action, level=value, counts=self._semaphores)

    def _library_access(self, obj: Any) -> Access:
        """Return what it touches to go on to the library's code: it takes the lock."""
        lock = gates.lock_of(obj)
        return Access(self.number(lock), None, True, action=0 if lock._held else ACQUIRE)

    def _queue_access(self, thread: VirtualThread, of: Any, key: object, site: Site) -> Access:
        number = self.lock_number(of)
        simple = type(of) not in queues.KINDS
        if not simple and gates.is_opened(of):
            return self._library_access(of)
        if site is queues.SIZE:
            return Access(number)
        size = len(of._queue) if simple else queues.size_of(of)
        take, give = ("take", "give") if simple or type(of) is queue.Queue else ("items", "items")
        waits = (site is queues.GET or site is queues.PUT) and not thread.timed_out
        if site is queues.GET or site is queues.TRY_GET:
            if size == 0:
                return Access(number, action=REFUSED)
            action = PASS if waits else TAKE_ONE
            return Access(number, take, True, action=action, level=size)
        if simple:
            return Access(number, "give", True, action=GIVE)
        tasks = self.number(of.__dict__["all_tasks_done"])
        if site is queues.JOIN:
            beside = Access(number, "tasks", action=BESIDE)
            return Access(tasks, None, True, action=WAIT_FOR_NONE, also=beside)
        if site is queues.DONE:
            return self._task_done(tasks, of.unfinished_tasks, Access(number, "tasks", action=BESIDE))
        if site is queues.SHUTDOWN:
            if not key:
                return Access(number, None, True)
            ended = min(size, of.unfinished_tasks)
            also = Access(tasks, None, True, action=TAKE_ALL, amount=ended, counts=TASKS)
            return Access(number, None, True, action=TAKE_ALL, amount=size, also=also)
        room = of.maxsize - size if of.maxsize > 0 else -1
        if room == 0 or queues.is_shut_down(of):
            return Access(number, action=REFUSED)
        action = GIVE_LATER if waits else GIVE
        also = Access(tasks, "give", action=GIVE, counts=TASKS)
        return Access(number, give, True, action=action, level=room, also=also)

    def _task_done(self, tasks: int, left: int, beside: Access) -> Access:
        """Return what the end of a task touches: if tasks do not run out, only who waits for the last one sees it."""
        if left <= 0:
            return Access(tasks, None, True, action=REFUSED, counts=TASKS, also=beside)
        if self._tasks_run_out:
            return Access(tasks, None, True, action=TAKE_ONE, level=left, also=beside)
        return Access(tasks, "take", action=TAKE_ONE, level=left, counts=TASKS, also=beside)

    def _future_access(self, future: Any, site: Site) -> Access:
        """Return what a method of a future touches: that it is done is what a waiting one is let in by."""
        number = self.lock_number(future)
        if gates.is_opened(future):
            return self._library_access(future)
        if site is futures.WAIT:
            return Access(number, "end", action=ACQUIRE)
        if futures.is_done(future):  # and stays so
            if site is futures.BEGIN:
                return Access(number, None, True, action=RELEASE)
            return Access(number, None if site is futures.RUNNING else "end")
        if site is futures.BEGIN:
            return Access(number, "work", True)
        if site is futures.CALLBACK:
            return Access(number, "end", True)
        if site is futures.SET or (site is futures.CANCEL and not futures.is_running(future)):
            return Access(number, None, True, action=RELEASE)
        return Access(number, "end" if site is futures.DONE else None)

    def _alias(self, obj: object, number: int) -> None:
        """Note that an instance's ``__dict__``, which the program is about to take, is the instance."""
        try:
            attributes = object.__getattribute__(obj, "__dict__")
        except (AttributeError, TypeError):
            return
        if type(attributes) is dict:
            self._known[id(attributes)] = (dict, None, number)

    def _object_access(self, obj: object, key: object, writes: bool, form: Form, hidden: int) -> Access:
        number = self.number(obj)
        if hidden:
            return Access(number, None, True, hidden=hidden)
        if type(key) not in _PLAIN:
            key = None
        if key == "__dict__":
            self.attributes_listed = True
            self._alias(obj, number)
        elif type(obj) is CellType:
            key = None  # its variable and ``cell_contents``
        if form is Form.ATTRIBUTE:
            if writes and type(key) is str and key[:2] == "__" == key[-2:] and key not in _HARMLESS:
                return (
                    UNKNOWN  # what it changes is looked up without a point: __class__, __len__, __code__, ...
                )
            ordered = writes and self._order_of_attributes
            if _is_of_steps(obj, key, writes):
                return UNKNOWN
            return Access(number, key, writes, ordered=ordered, owner=_owner(obj))
        if issubclass(type(obj), (dict, set)):
            if not writes and hasattr(type(obj), "__missing__"):
                return Access(number, None, True)  # reading what is not there may put it there
            return Access(number, key, writes, ordered=writes and form is not Form.GLOBAL)
        if issubclass(type(obj), _SEQUENCES):
            if type(key) is not int or key < 0 or form is Form.CONTAINS:
                key = None  # every element is looked at, or counted from the end
            return Access(number, key, writes)
        if form is Form.CALL:  # getattr and the like, or an iterator
            return Access(number, key, writes, owner=_owner(obj))
        # Going on with an iterator or a generator changes it.
        return Access(number, key, writes or form is Form.ITERATE)


def _unknown_besides(access: Access) -> Access:
    """Return the access of a step that C code goes on after, with something that nobody knows."""
    names = ("action", "owner", "ordered", "level", "amount", "counts", "also")
    rest: dict[str, Any] = {name: getattr(access, name) for name in names}
    return Access(access.resource, access.key, access.writes, hidden=access.hidden | EVERYTHING, **rest)


def arrival(thread: VirtualThread) -> int:
    """Return what a thread touched by coming to its pending operation: who may not share an object looks for others."""
    if thread.uses is None:
        return 0
    return EVERYTHING if type(thread.uses) is GeneratorType else TIME


def _is_of_steps(obj: object, name: object, writes: bool) -> bool:
    """Tell whether an attribute belongs to what the methods of a queue or semaphore, one step each, read or change."""
    if name not in (_LOOKED_AT if writes else _CHANGED):
        return False
    of = type(obj)
    return any(kind in type.mro(of) for kind in gates.PLAIN) or (
        writes and issubclass(of, type) and any(kind in type.mro(obj) for kind in gates.PLAIN)  # type: ignore[arg-type]
    )


def _owner(obj: object) -> int:
    return OF_CLASS if issubclass(type(obj), type) else OF_OBJECT
