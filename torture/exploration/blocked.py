"""Looks at threads that wait for ever: in which operation, for what, held by whom, since where."""

from __future__ import annotations

from types import FrameType

from torture.exploration.recorder import EventRecorder, is_library, own_frame
from torture.oracles.deadlock import Waiter
from torture.runtime.blocking import Descriptors
from torture.runtime.clock import Clock
from torture.runtime.kernel import KERNEL
from torture.runtime.primitives import Lock
from torture.runtime.thread import Pending, VirtualThread
from torture.trace.site import Form


def waiters(recorder: EventRecorder | None) -> tuple[Waiter, ...]:
    """Describe every thread that has not ended; to be called from the root while they wait."""
    namer = recorder or EventRecorder()
    return tuple(_describe(thread, namer) for thread in KERNEL.threads if not thread.finished)


def _describe(thread: VirtualThread, namer: EventRecorder) -> Waiter:
    innermost = KERNEL.frame(thread)
    frame = own_frame(innermost)
    resource = thread.waits_for
    if resource is None and thread.pending is not None:
        resource = thread.pending[0]  # about to take a lock that another thread took first
    holder, since = "", ""
    if isinstance(resource, Lock) and resource.label != "waiter" and resource.holder is not None:
        holder = "itself" if resource.holder is thread else resource.holder.name
        taken = namer.acquired.get(id(resource))
        if taken is not None:
            since = f" since {taken.file}:{taken.line}"
    return Waiter(
        thread=thread.name,
        operation=_operation(innermost, resource, thread.pending),
        resource=_subject(innermost, resource, namer),
        holder=holder,
        function=frame.f_code.co_qualname if frame else "",
        file=frame.f_code.co_filename if frame else "",
        line=frame.f_lineno if frame else 0,
        held_since=since,
    )


_THREAD_FRAMES = frozenset(
    {"Thread.run", "_worker", "_WorkItem.run"}
)  # below them stands the thread's own code


def _entry(frame: FrameType | None) -> FrameType | None:
    """Return the trusted module's frame that the program called: ``Queue.get``, ``Event.wait``, ..."""
    entry = None
    while frame is not None and is_library(frame):
        name = frame.f_code.co_qualname
        if name in _THREAD_FRAMES:
            break
        if frame.f_globals.get("__name__", "").startswith(
            ("threading", "queue", "concurrent", "socket", "selectors")
        ):
            entry = frame
        frame = frame.f_back
    return entry


def _operation(frame: FrameType | None, resource: object, pending: Pending | None) -> str:
    entry = _entry(frame)
    if entry is not None:
        return entry.f_code.co_qualname
    if pending is not None and "." in pending[3].name and pending[3].form is Form.PRIMITIVE:
        return pending[3].name
    if isinstance(resource, VirtualThread):
        return "Thread.join"
    if isinstance(resource, Descriptors):
        return "a read or write"
    if isinstance(resource, Clock):
        return "sleep"
    if isinstance(resource, Lock):
        return f"{resource.label}.acquire"
    return "wait"


def _subject(frame: FrameType | None, resource: object, namer: EventRecorder) -> str:
    entry = _entry(frame)
    if entry is not None and "self" in entry.f_locals:
        return namer.label(entry.f_locals["self"])
    return namer.label(resource)
