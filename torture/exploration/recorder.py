"""Writes down what a recorded execution did, in words that are equal for equal runs.

Holds no object of the program alive: labels are remembered by ``id`` with a weak reference where there can be one.
"""

from __future__ import annotations

import sys
import weakref
from pathlib import Path
from types import BuiltinFunctionType, FrameType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any, cast

from torture.runtime import kernel
from torture.runtime.blocking import FILES, Descriptors
from torture.runtime.caches import CACHED
from torture.runtime.clock import Clock
from torture.runtime.primitives import Lock
from torture.runtime.thread import VirtualThread
from torture.trace.event import Event
from torture.trace.site import Form, Kind, Site

# What has exactly one lock, its own; by name, for these modules must not be imported before they are patched.
_OWNERS = frozenset(
    {
        *(("threading", name) for name in ("Barrier", "Event", "Semaphore")),
        *(("queue", name) for name in ("Queue", "_PySimpleQueue")),
        ("concurrent.futures._base", "Future"),
    }
)
_CONDITION = ("threading", "Condition")
_PLAIN = (int, float, str, bytes, bool, type(None))
_NAMED = (FunctionType, BuiltinFunctionType, MethodType)
_PROCESS_NAMES = frozenset({"pid", "_pid", "process"})  # a LogRecord has such a one
_bound_to = vars(super)["__self__"].__get__
_CONTAINERS = (list, tuple, set, dict, frozenset)
_LONGEST = 24  # characters of a value
# Frames of the engine and of the trusted modules stand between an operation and the line that asked for it.
_ENGINE_FOLDERS = tuple(f"{Path(file).parent}/" for file in (__file__, str(kernel.__file__)))
TRUSTED_MODULES = frozenset(
    {
        "threading",
        "queue",
        "_threading_local",
        "concurrent.futures._base",
        "concurrent.futures.thread",
        "socket",
        "selectors",
    }
)


class EventRecorder:
    """A :class:`torture.runtime.kernel.Recorder`."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.by_address = ""  # the first place that goes over a set in the order of addresses
        self.acquired: dict[int, Event] = {}  # label of a held lock by its id -> where it was taken
        self._locks: dict[int, Lock] = {}
        self._labels: dict[int, tuple[str, type, Any]] = {}
        self._counts: dict[str, int] = {}
        self._early = 0  # timers that fired early so far

    def record(
        self, thread: VirtualThread, site: Site, obj: object, key: object, writes: bool, value: object
    ) -> None:
        innermost = sys._getframe(2)
        if kernel.KERNEL.early_timers > self._early:
            self._note_early_timers(thread)
        frame = own_frame(innermost) or _outermost_trusted(innermost)
        code = frame.f_code if frame else None
        if type(obj) is Lock:
            self._name_lock(obj, innermost)
        steps = (
            site.form is Form.ITERATE and value == "next"
        )  # an iterator moves on; what it is over does not change
        event = Event(
            step=len(self.events),
            thread=thread.index,
            kind=str(Kind.WRITE if writes and site.kind is Kind.READ and not steps else site.kind),
            resource=self._resource(site, obj, key, value),
            value=self._value(site, obj, key, value),
            function=site.function or (code.co_qualname if code else ""),
            module=site.module or (str(frame.f_globals.get("__name__", "")) if frame else ""),
            file=site.file or (code.co_filename if code else ""),
            line=site.line or (frame.f_lineno if frame else 0) or 0,
            depth=_depth(frame),
        )
        self.events.append(event)
        if type(obj) is set and not writes and not self.by_address and _is_by_address(obj):
            self.by_address = f"{event.file}:{event.line}"
        if (
            type(obj) is Lock
            and obj.label != "waiter"
            and site.kind in (Kind.ACQUIRE, Kind.TRY)
            and obj.holder is None
        ):
            self.acquired[id(obj)] = event
            self._locks[id(obj)] = obj  # kept: one that is dropped while it is held is worth a word, too

    def _note_early_timers(self, current: VirtualThread) -> None:
        """Write down whose time to wait was cut short since the last operation."""
        running = kernel.KERNEL
        fired = [thread for thread in running.threads if thread.timed_out] or [current]
        for thread in fired[: running.early_timers - self._early]:
            frame = own_frame(sys._getframe(2) if thread is current else running.frame(thread))
            event = Event(
                step=len(self.events),
                thread=thread.index,
                kind=str(Kind.TIMER),
                resource="",
                value="",
                function=frame.f_code.co_qualname if frame else "",
                module=str(frame.f_globals.get("__name__", "")) if frame else "",
                file=frame.f_code.co_filename if frame else "",
                line=(frame.f_lineno if frame else 0) or 0,
                depth=_depth(frame),
            )
            self.events.append(event)
        self._early = running.early_timers

    def stopped(self) -> None:
        """See all threads where they stand at the end, for recorders that want to."""

    def label(self, obj: object) -> str:
        """Return the name of an object in this execution: its type and a number by first touch."""
        known = self._labels.get(id(obj))
        if known is not None and known[1] is type(obj) and (known[2] is None or known[2]() is obj):
            return known[0]
        kind = type(obj)  # not ``isinstance``, which reads ``__class__``: that may be the program's code
        if kind is VirtualThread:
            return cast(VirtualThread, obj).name
        if kind is Clock:
            return "clock"
        if kind is Descriptors:
            return "descriptor"
        if kind is CACHED:
            return f"the cache of {getattr(obj, '__name__', 'a function')}"
        if issubclass(kind, (type, ModuleType)):
            return str(cast(type, obj).__name__)
        if kind is super:  # one for each use, at an address that may be that of an earlier one
            return f"super of {self.label(_bound_to(obj))}"
        name = cast(Lock, obj).label if kind is Lock else kind.__name__
        number = self._counts[name] = self._counts.get(name, 0) + 1
        try:
            reference = weakref.ref(obj)
        except TypeError:
            reference = None
        label = f"{name.removeprefix('_Py')}#{number}"  # queue's pure-Python SimpleQueue is _PySimpleQueue
        self._labels[id(obj)] = (label, type(obj), reference)
        return label

    def _name_lock(self, lock: Lock, innermost: FrameType) -> None:
        """Name a lock that the standard library made after the object that the program knows."""
        if id(lock) in self._labels and self.label(lock) == self._labels[id(lock)][0]:
            return
        owner = _owner(innermost)
        condition = (type(owner).__module__, type(owner).__name__) == _CONDITION
        if owner is None or (condition and lock.label == "Lock"):  # given to it, perhaps
            return
        name = self.label(owner)
        if lock.label == "waiter":
            number = self._counts["waiter"] = self._counts.get("waiter", 0) + 1
            name = f"{name}.waiter#{number}"
        self._labels[id(lock)] = (name, type(lock), weakref.ref(lock))

    def held(self) -> tuple[str, ...]:
        """Return the locks that are held now, with the place where they were taken."""
        found = []
        for lock in self._locks.values():
            if lock.holder is not None:
                event = self.acquired[id(lock)]
                where = f" (taken at {event.file}:{event.line})" if event.file else ""
                found.append(f"{self.label(lock)}{where}")
        return tuple(found)

    def _resource(self, site: Site, obj: object, key: object, value: object) -> str:
        form = site.form
        if form is Form.SWITCH or site.kind is Kind.SWITCH or obj is None:
            called = value if form is Form.CALL and isinstance(value, str) else ""
            return f"{called}()" if called and not called.endswith(")") else called
        if form is Form.GLOBAL:
            return f"{site.module}.{site.name}"
        if form is Form.CELL:
            return site.name
        if form is Form.ATTRIBUTE:
            if type(obj) is dict and "__name__" in obj:  # a module's, or a class's while it is made
                return f"{obj['__name__']}.{site.name}"
            return f"{self.label(obj)}.{site.name}"
        if obj is FILES:
            path = self.text(key)
            if path.endswith("…"):  # of a path, the end tells
                path = f"'…{str(key)[3 - _LONGEST :]}'"
            return f"{value}({path if key is not None else ''})"
        label = self.label(obj)
        if form in (Form.ITEM, Form.CONTAINS) and key is not None:
            return f"{label}[{self.text(key)}]"
        if (form is Form.CALL and isinstance(value, str)) or (form is Form.ITERATE and value == "next"):
            return f"{label}.{value}()" if key is None else f"{label}.{value}({self.text(key)})"
        return label

    def _value(self, site: Site, obj: Any, key: object, value: object) -> str:
        if site.name in _PROCESS_NAMES:
            return ""  # another one in every process
        if site.kind is Kind.WRITE:
            if (
                site.form is Form.ITEM and key is None
            ):  # a slice, written in steps: the value is a step's name
                return ""
            return (
                self.text(value) if site.form in (Form.ATTRIBUTE, Form.GLOBAL, Form.CELL, Form.ITEM) else ""
            )
        if site.kind is not Kind.READ:
            return ""
        try:
            if site.form is Form.ATTRIBUTE:
                return self.text(_peek(obj, site.name))
            if site.form is Form.GLOBAL:
                return self.text(obj[site.name])
            if site.form is Form.CELL:
                return self.text(obj.cell_contents)
            if site.form is Form.ITEM and type(obj) in (list, dict) and isinstance(key, _PLAIN):
                return self.text(obj[key])
            if site.form is Form.CONTAINER and type(obj) in _CONTAINERS:
                return self.text(obj)
            if site.form is Form.CONTAINS and type(obj) in (dict, set) and type(key) in _PLAIN:
                return "present" if key in obj else "absent"
        except KeyError:
            return "absent" if site.form is Form.ITEM else ""
        except (LookupError, AttributeError, ValueError, TypeError):
            return ""
        return ""

    def text(self, value: object) -> str:
        """Return a short text of a value without calling the program's code."""
        kind = type(value)
        if kind in _PLAIN:
            text = repr(value)
        elif kind in _CONTAINERS and len(value) <= 4:  # type: ignore[arg-type]
            members: Any = value
            if all(type(member) in _PLAIN for member in members) and kind is not dict and kind is not set:
                text = repr(value)
            else:
                text = f"{kind.__name__} of {len(members)}"
        elif kind in _CONTAINERS:
            text = f"{kind.__name__} of {len(value)}"  # type: ignore[arg-type]
        elif kind in _NAMED or issubclass(kind, type):
            text = str(value.__qualname__)  # type: ignore[attr-defined]
        else:
            text = self.label(value)
        return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


class OperationCount(EventRecorder):
    """Counts the operations of each thread, by its path, instead of writing them down."""

    def __init__(self) -> None:
        super().__init__()
        self.done: dict[str, int] = {}

    def record(
        self, thread: VirtualThread, site: Site, obj: object, key: object, writes: bool, value: object
    ) -> None:
        self.done[thread.path] = self.done.get(thread.path, 0) + 1


def _is_by_address(members: set[Any]) -> bool:
    plain: Any = object.__hash__
    return len(members) > 1 and any(type(member).__hash__ is plain for member in members)


def _peek(obj: Any, name: str) -> object:
    """Return an attribute's value from the instance or slot, without running a property."""
    if type(obj) is dict:
        return obj[name]
    try:
        return object.__getattribute__(obj, "__dict__")[name]
    except (AttributeError, KeyError):
        for base in type(obj).__mro__:
            member = vars(base).get(name)
            if type(member) is MemberDescriptorType:
                return member.__get__(obj)
        raise LookupError(name) from None


def is_library(frame: FrameType) -> bool:
    """Tell whether a frame is the engine's or a trusted module's."""
    file = frame.f_code.co_filename
    return file.startswith(_ENGINE_FOLDERS) or frame.f_globals.get("__name__") in TRUSTED_MODULES


def own_frame(frame: FrameType | None) -> FrameType | None:
    """Return the nearest frame that is neither the engine's nor a trusted module's."""
    while frame is not None and is_library(frame):
        frame = frame.f_back
    return frame


def _owner(frame: FrameType | None) -> object:
    """Return the object whose method takes or gives back a lock of its own, the outermost of those made for it."""
    owner: object = None
    while frame is not None and is_library(frame):
        if frame.f_globals.get("__name__") in TRUSTED_MODULES:
            found = frame.f_locals.get("self")
            types = {(kind.__module__, kind.__name__) for kind in type(found).__mro__}
            if types & _OWNERS:
                owner = found
            elif _CONDITION in types:
                owner = owner or found
            else:
                break
        frame = frame.f_back
    return owner


def _outermost_trusted(frame: FrameType | None) -> FrameType | None:
    """Return where a trusted module's own thread (a pool's worker) stands."""
    found = None
    while frame is not None:
        if frame.f_globals.get("__name__") in TRUSTED_MODULES and frame.f_code.co_qualname != "Thread.run":
            found = frame
        frame = frame.f_back
    return found


def _depth(frame: FrameType | None) -> int:
    depth = -1
    while frame is not None:
        if not is_library(frame):
            depth += 1
        frame = frame.f_back
    return max(depth, 0)
