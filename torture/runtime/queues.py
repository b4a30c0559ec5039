"""The queues of :mod:`queue`: put, get, task_done and join are one step each, and so is asking for the size.

The ``SimpleQueue`` stands in for the one in C, which blocks inside C; its methods are one step there, too.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

from torture.runtime.gates import (
    close_gate,
    has_taken_lock,
    is_opened,
    is_plain,
    make_plain,
    open_gate,
    open_up,
    pass_gate,
    pass_in_time,
)
from torture.runtime.kernel import KERNEL
from torture.runtime.primitives import MAXIMUM, primitive
from torture.trace.site import Kind, Site

PUT = primitive(Kind.PUT, "Queue.put")
TRY_PUT = primitive(Kind.PUT, "Queue.put")  # does not wait, or not for ever
GET = primitive(Kind.GET, "Queue.get")
TRY_GET = primitive(Kind.GET, "Queue.get")
JOIN = primitive(Kind.JOIN, "Queue.join")
DONE = primitive(Kind.DONE, "Queue.task_done")
SIZE = primitive(Kind.READ, "Queue.qsize")
SHUTDOWN = primitive(Kind.SHUTDOWN, "Queue.shutdown")

KINDS = (queue.Queue, queue.LifoQueue, queue.PriorityQueue)
_INSIDE = frozenset({"mutex", "not_empty", "not_full", "all_tasks_done", "queue"})
_HOOKS = frozenset({"_put", "_get", "_qsize", "_init"})  # of an object's own: run with its lock held
_EVERYBODY = 1 << 60
_hooks = {kind: (kind._put, kind._get, kind._qsize) for kind in KINDS}
_methods: dict[str, Callable[..., Any]] = {
    name: getattr(queue.Queue, name)
    for name in ("put", "get", "qsize", "empty", "full", "task_done", "join", "shutdown")
    if hasattr(queue.Queue, name)
}


def install(opened: tuple[str, ...] = ()) -> None:
    """Replace the methods; queues run the library's code where that is instrumented (``opened``)."""
    kind: Any = queue.Queue
    for method in (put, get, qsize, empty, full, task_done, join, shutdown):
        if method.__name__ in _methods:
            setattr(kind, method.__name__, method)
    make_plain(KINDS, _INSIDE, last="unfinished_tasks", opened="queue" in opened)


def _is_plain(it: Any) -> bool:
    return is_plain(it) and not _is_hooked(it)


def _is_hooked(it: Any) -> bool:
    kind = type(it)
    return (kind._put, kind._get, kind._qsize) != _hooks[kind] or not _HOOKS.isdisjoint(it.__dict__)


def _decide(site: Site, it: object, *, writes: bool) -> None:
    kernel = KERNEL
    if kernel.countdown > 1:
        kernel.countdown -= 1
    else:
        kernel.decide(site, it, None, writes)


# -- items ---------------------------------------------------------------------------------------


def size_of(it: Any) -> int:
    """Return the number of items."""
    return len(it.__dict__["queue"])


def is_shut_down(it: Any) -> bool:
    """Tell whether a queue was shut down (3.13)."""
    return getattr(it, "is_shutdown", False) is True


def may_put(it: Any) -> bool:
    """Tell whether a put has not to wait."""
    return not 0 < it.maxsize <= size_of(it) or is_shut_down(it)


def may_get(it: Any) -> bool:
    """Tell whether a get has not to wait."""
    return size_of(it) > 0 or is_shut_down(it)


def put(self: Any, item: Any, block: bool = True, timeout: float | None = None) -> None:
    """Put an item into the queue."""
    if not _is_plain(self):
        _methods["put"](self, item, block, timeout)
        return
    if type(self) is queue.PriorityQueue and not _compares_in_c(item):
        open_up(self)
        _methods["put"](self, item, block, timeout)
        return
    if block and timeout is not None and self.maxsize > 0 and timeout < 0:
        raise ValueError("'timeout' must be a non-negative number")
    waits = block and (timeout is None or self.maxsize <= 0)
    left = _enter(self, PUT, TRY_PUT, may_put, waits=waits, timeout=timeout if block else 0)
    _look_for_hooks(self)
    if is_opened(self):
        _methods["put"](self, item, block, None if waits else left)
        return
    if is_shut_down(self):
        raise queue.ShutDown  # type: ignore[attr-defined]
    if not may_put(self):
        raise queue.Full
    items = self.__dict__["queue"]
    if type(self) is queue.PriorityQueue:
        heappush(items, item)
    else:
        items.append(item)
    self.unfinished_tasks += 1
    close_gate(self, JOIN)
    if not may_put(self):
        close_gate(self, PUT)
    open_gate(self, GET, 1)


def get(self: Any, block: bool = True, timeout: float | None = None) -> Any:
    """Take the next item."""
    if not _is_plain(self):
        return _methods["get"](self, block, timeout)
    if block and timeout is not None and timeout < 0:
        raise ValueError("'timeout' must be a non-negative number")
    waits = block and timeout is None
    left = _enter(self, GET, TRY_GET, may_get, waits=waits, timeout=timeout if block else 0)
    _look_for_hooks(self)
    if is_opened(self):
        return _methods["get"](self, block, None if waits else left)
    if not size_of(self):
        if is_shut_down(self):
            raise queue.ShutDown  # type: ignore[attr-defined]
        raise queue.Empty
    items = self.__dict__["queue"]
    if type(self) is queue.PriorityQueue:
        item = heappop(items)
    else:
        item = items.popleft() if type(self) is queue.Queue else items.pop()
    if not may_get(self):
        close_gate(self, GET)
    open_gate(self, PUT, 1)
    return item


def _enter(
    it: Any, waiting: Site, trying: Site, may: Callable[[Any], bool], *, waits: bool, timeout: float | None
) -> float:
    """Return when it is the caller's turn to look at the queue for good; what is left of its time, in seconds."""
    kernel = KERNEL
    if waits:
        if may(it) and kernel.countdown > 1:
            kernel.countdown -= 1
        else:
            pass_gate(it, waiting, may)
        return 0
    assert timeout is not None
    deadline = None
    kernel.decide(trying, it, None, True)
    if not has_taken_lock(it) and timeout > 0 and not may(it):
        if timeout > MAXIMUM:
            raise OverflowError("timestamp too large to convert to C PyTime_t")
        deadline = kernel.clock.now + int(timeout * 1e9)
        pass_in_time(it, waiting, may, deadline)
    return timeout if deadline is None else max(deadline - kernel.clock.now, 0) / 1e9


def _look_for_hooks(it: Any) -> None:
    """Have the library's code go on where hooks were set while the caller waited for its turn."""
    if _is_hooked(it) and not is_opened(it):
        open_up(it)


def _compares_in_c(item: object) -> bool:
    """Tell whether comparing items runs no Python code."""
    kind = type(item)
    if kind is tuple:
        return all(type(part) in _IN_C for part in item)  # type: ignore[attr-defined]
    return kind in _IN_C


_IN_C = frozenset({int, float, str, bytes, bool, type(None)})


# -- sizes and tasks -----------------------------------------------------------------------------


def qsize(self: Any) -> int:
    """Return the number of items."""
    if not _is_plain(self):
        return int(_methods["qsize"](self))
    _decide(SIZE, self, writes=False)
    return int(_methods["qsize"](self)) if has_taken_lock(self) else size_of(self)


def empty(self: Any) -> bool:
    """Tell whether there is no item."""
    if not _is_plain(self):
        return bool(_methods["empty"](self))
    _decide(SIZE, self, writes=False)
    return bool(_methods["empty"](self)) if has_taken_lock(self) else not size_of(self)


def full(self: Any) -> bool:
    """Tell whether there is no room."""
    if not _is_plain(self):
        return bool(_methods["full"](self))
    _decide(SIZE, self, writes=False)
    return bool(_methods["full"](self)) if has_taken_lock(self) else 0 < self.maxsize <= size_of(self)


def is_done(it: Any) -> bool:
    """Tell whether a join has not to wait."""
    return not it.unfinished_tasks


def task_done(self: Any) -> None:
    """Note that the work on an item is done."""
    if _is_plain(self):
        _decide(DONE, self, writes=True)
        if not has_taken_lock(self):
            if self.unfinished_tasks <= 0:
                raise ValueError("task_done() called too many times")
            self.unfinished_tasks -= 1
            if is_done(self):
                open_gate(self, JOIN, _EVERYBODY)
            return
    _methods["task_done"](self)


def join(self: Any) -> None:
    """Wait until the work on all items is done."""
    if not _is_plain(self) or not pass_gate(self, JOIN, is_done):
        _methods["join"](self)


def shutdown(self: Any, immediate: bool = False) -> None:
    """Let puts fail from now on, and gets when there is nothing left, or at once."""
    if _is_plain(self):
        KERNEL.decide(SHUTDOWN, self, bool(immediate), True)
        if not has_taken_lock(self):
            self.is_shutdown = True
            if immediate:
                items = self.__dict__["queue"]
                self.unfinished_tasks = max(self.unfinished_tasks - len(items), 0)
                items.clear()
                # CPython lets go whoever joins, but it waits again while there are tasks.
                if is_done(self):
                    open_gate(self, JOIN, _EVERYBODY)
            open_gate(self, GET, _EVERYBODY)
            open_gate(self, PUT, _EVERYBODY)
            return
    _methods["shutdown"](self, immediate)


# -- SimpleQueue ---------------------------------------------------------------------------------


class SimpleQueue(queue._PySimpleQueue):  # type: ignore[name-defined,misc]
    """The pure-Python SimpleQueue, of one step for each method inside an execution."""

    def put(self, item: object, block: bool = True, timeout: float | None = None) -> None:
        """Append the item."""
        it: Any = self
        if not KERNEL.controls():
            super().put(item)
            return
        _decide(PUT, it, writes=True)
        it._queue.append(item)
        it._count._value += 1
        open_gate(it, GET, 1)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take the first item."""
        it: Any = self
        if not KERNEL.controls():
            return super().get(block, timeout)
        if block and timeout is not None and timeout < 0:
            raise ValueError("'timeout' must be a non-negative number")
        waits = block and timeout is None
        _enter(it, GET, TRY_GET, holds_items, waits=waits, timeout=timeout if block else 0)
        if not it._queue:
            raise queue.Empty
        it._count._value -= 1
        item = it._queue.popleft()
        if not it._queue:
            close_gate(it, GET)
        return item

    def qsize(self) -> int:
        """Return the number of items."""
        self._look()
        return len(self._queue)

    def empty(self) -> bool:
        """Tell whether there is no item."""
        self._look()
        return not self._queue

    def _look(self) -> None:
        if KERNEL.controls():
            _decide(SIZE, self, writes=False)


def holds_items(it: Any) -> bool:
    """Tell whether a SimpleQueue has an item."""
    return bool(it._queue)
