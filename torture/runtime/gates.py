"""Objects of the standard library whose methods are one step each, instead of its Python code over an inner lock.

What a program can tell of such a method is what it did, and that it did it between its call and its return: the code
holds one lock from its first look at the object to its last. So a method that can be done now is one step, and one
that has to wait is a pending step that cannot be taken. Whoever comes first then may have what there is; a waiter that
was woken loses it to a newcomer as it would to one that is faster.

Of those that wait the library wakes the one that came first. A thread that did not come to its wait yet is only slow,
so their order matters where time tells of it alone: who waited when time went on came before who came later.

An object whose inside the program touches, or whose class is not the library's own, runs the library's code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torture.runtime.hooks import write_down
from torture.runtime.kernel import KERNEL
from torture.runtime.primitives import Lock
from torture.runtime.thread import VirtualThread
from torture.trace.site import Form, Site

PLAIN: set[type] = set()  # classes whose objects are of this kind
_OPENED = "_torture_opened"  # in an object: the execution in which its inside was touched


def make_plain(kinds: Sequence[type], inside: frozenset[str], *, last: str, opened: bool) -> None:
    """Have the objects of these classes hide their inside; where the library's code is ``opened``, they run it.

    ``last`` is the attribute that is set when the others have been.
    """
    for name in inside:
        setattr(kinds[0], name, Inside(name, last))
    PLAIN.difference_update(kinds)
    if not opened:
        PLAIN.update(kinds)


def is_plain(obj: Any) -> bool:
    """Tell whether the methods of an object are steps now."""
    return type(obj) in PLAIN and KERNEL.controls() and not is_opened(obj)


def is_opened(obj: Any) -> bool:
    """Tell whether the program touched the object's inside in this execution."""
    return bool(obj.__dict__.get(_OPENED) == KERNEL.epoch)


class Inside:
    """An attribute that only the library's code uses; whoever else reads it makes the object run that code."""

    def __init__(self, name: str, last: str) -> None:
        self._name = name
        self._last = last

    def __get__(self, obj: Any, kind: type | None = None) -> Any:
        try:
            value = obj.__dict__[self._name]
        except (AttributeError, KeyError):
            owner = f"{kind.__name__!r} object" if obj is not None and kind else "type object"
            raise AttributeError(f"{owner} has no attribute {self._name!r}") from None
        if is_plain(obj) and self._last in obj.__dict__:
            open_up(obj)
        return value

    def __set__(self, obj: Any, value: object) -> None:
        obj.__dict__[self._name] = value

    def __delete__(self, obj: Any) -> None:
        del obj.__dict__[self._name]


def lock_of(obj: Any) -> Lock:
    """Return the lock that the library's code of an object takes."""
    attributes = obj.__dict__
    found: Any = attributes.get("mutex")
    if found is None:
        condition = attributes["_cond"] if "_cond" in attributes else attributes["_condition"]
        found = condition.__dict__["_lock"]
    lock: Lock = getattr(found, "_block", found)  # of an RLock
    return lock


def open_up(obj: Any) -> None:
    """Have an object run the library's code from now on: no step, for no program can tell the one from the other."""
    obj.__dict__[_OPENED] = KERNEL.epoch
    waiting = [
        thread
        for thread in KERNEL.threads
        if thread.pending is not None
        and thread.pending[0] is obj
        and thread.pending[3].form is Form.PRIMITIVE
    ]
    lock_of(obj).expect(waiting)


def has_taken_lock(obj: Any) -> bool:
    """Tell whether an object was opened up while the caller waited for its turn: then that was to take the lock."""
    if not is_opened(obj):
        return False
    lock_of(obj).take_next(KERNEL.current)
    return True


def pass_gate(obj: Any, site: Site, is_open: Callable[[Any], bool]) -> bool:
    """Return when it is the caller's turn and the gate is open; False where the object was opened up meanwhile."""
    kernel = KERNEL
    me = kernel.current
    me.since = kernel.clock.natural
    if is_open(obj):
        kernel.decide(site, obj, None, True)
    waited = False
    while not has_taken_lock(obj):
        if is_open(obj):
            if waited and kernel.recorder is not None:
                write_down(kernel, me, site, obj, None, True, None)
            return True
        waited = True
        kernel.block(obj, site)
    return False


def pass_in_time(obj: Any, site: Site, is_open: Callable[[Any], bool], deadline: int) -> bool:
    """Wait for the gate that is closed until ``deadline``; then whether it is open is seen once more."""
    kernel = KERNEL
    me = kernel.current
    me.since = kernel.clock.natural
    while not is_open(obj):
        in_time = kernel.block(obj, site, deadline)
        if kernel.recorder is not None:
            write_down(kernel, me, site, obj, None, True, None)
        if has_taken_lock(obj) or not (in_time or is_open(obj)):
            return False
    return True


def open_gate(obj: object, site: Site, places: int) -> None:
    """Wake those that wait to pass now that so many can; see the module's first lines."""
    kernel = KERNEL
    natural = kernel.clock.natural
    last = 0
    for thread in sorted(_waiting(obj, site), key=_since):
        if thread.since < natural:
            if places <= 0 and thread.since != last:
                continue
            places -= 1
            last = thread.since
            thread.since = natural
        kernel.wake(thread)


def close_gate(obj: object, site: Site) -> None:
    """Keep everybody from being chosen who would pass."""
    waiting = _waiting(obj, site)
    if waiting:
        KERNEL.disable(waiting)


def _waiting(obj: object, site: Site) -> list[VirtualThread]:
    return [
        thread
        for thread in KERNEL.threads
        if thread.pending is not None and thread.pending[0] is obj and thread.pending[3] is site
    ]


def _since(thread: VirtualThread) -> int:
    return thread.since
