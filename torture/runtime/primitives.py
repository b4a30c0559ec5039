"""Locks that are virtual inside an execution and the interpreter's own outside.

Everything else of :mod:`threading` and :mod:`queue` is the standard library's Python code running on these two, but for
what gates.py is about.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from torture.runtime import originals
from torture.runtime.hooks import write_down
from torture.runtime.kernel import KERNEL
from torture.runtime.thread import VirtualThread
from torture.trace.site import Form, Kind, Site

MAXIMUM = 9223372036.0  # threading.TIMEOUT_MAX, in seconds


def primitive(kind: Kind, name: str) -> Site:
    """Return the site of a primitive's operation; the code that calls it is found when it is recorded."""
    return Site(kind, Form.PRIMITIVE, name, "", "", "", 0)


ACQUIRE = primitive(Kind.ACQUIRE, "acquire")
TRY = primitive(Kind.TRY, "try-acquire")
RELEASE = primitive(Kind.RELEASE, "release")
LOCKED = primitive(Kind.READ, "locked")


class Lock:
    """A ``threading.Lock``. Its state belongs to one execution: an older epoch is reset on first use."""

    __slots__ = ("__weakref__", "_epoch", "_held", "_private", "_real", "contenders", "holder", "label")

    def __init__(self) -> None:
        self._epoch = KERNEL.epoch if KERNEL.active else -1
        self._held = False
        self._real: Any = None
        self.contenders: list[VirtualThread] = []
        self._private = False  # made by the caller a line ago: nobody else has it; or its turn was to take it
        self.holder: VirtualThread | None = None
        self.label = "Lock"

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        kernel = KERNEL
        if not kernel.controls():
            return bool(self._original().acquire(blocking, timeout))
        if self._epoch != kernel.epoch:
            self._renew()
        if not blocking or timeout != -1:
            return self._try(blocking, timeout)
        if self._held:
            self._contend()
        elif self._private or (kernel.gil and _called_by_own_code()):
            self._private = False
        elif kernel.countdown > 1:
            kernel.countdown -= 1
        else:
            self._contend()
        self._held = True
        self.holder = kernel.current
        if self.contenders:
            kernel.disable(self.contenders)
        return True

    def _contend(self) -> None:
        kernel = KERNEL
        me = kernel.current
        self.contenders.append(me)
        try:
            if not self._held:
                kernel.decide(ACQUIRE, self, None, True)
            if self._held:
                kernel.block(self, ACQUIRE)
                if kernel.recorder is not None:
                    write_down(kernel, me, ACQUIRE, self, None, True, None)
        finally:
            self.contenders.remove(me)

    def _try(self, blocking: bool, timeout: float) -> bool:
        if not blocking and timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        if timeout < 0 and timeout != -1:
            raise ValueError("timeout value must be a non-negative number")
        if timeout > MAXIMUM:
            raise OverflowError("timestamp too large to convert to C _PyTime_t")
        kernel = KERNEL
        me = kernel.current
        if self._held and self.holder is me and not blocking:
            return False  # Condition asks so whether it is owned; nobody else can change the answer
        if not (kernel.gil and _called_by_own_code()):
            kernel.decide(TRY, self, None, True)
        if self._held:
            if not blocking or timeout == 0:
                return False
            deadline = kernel.clock.now + int(timeout * 1e9)
            self.contenders.append(me)
            try:
                if not kernel.block(self, ACQUIRE, deadline):
                    return False
            finally:
                self.contenders.remove(me)
        self._held = True
        self.holder = me
        if self.contenders:
            kernel.disable(self.contenders)
        return True

    def release(self) -> None:
        kernel = KERNEL
        if not kernel.controls():
            self._original().release()
            return
        if self._epoch != kernel.epoch:
            self._renew()
        # No point for a waiter's lock: under its condition's lock it is seen by nobody else. With a GIL the
        # release cannot be interrupted, only what follows it.
        waiter = self.label == "waiter"
        if not waiter and not kernel.gil:
            if kernel.countdown > 1:
                kernel.countdown -= 1
            else:
                kernel.decide(RELEASE, self, None, True)
        if not self._held:
            if kernel.killing:
                return
            raise RuntimeError("release unlocked lock")
        self._held = False
        self.holder = None
        if waiter and not self.contenders:
            kernel.clock.uses += 1  # who is about to wait with a timeout will set no timer
        for contender in self.contenders:
            kernel.wake(contender, eagerly=waiter)

    def expect(self, threads: list[VirtualThread]) -> None:
        """Have threads that wait for something else take the lock as their next step."""
        if self._epoch != KERNEL.epoch:
            self._renew()
        self.contenders += threads
        for thread in threads:
            KERNEL.wake(thread)

    def take_next(self, thread: VirtualThread) -> None:
        """Note that a thread, which is among the contenders or passes by, will take the lock in its present step."""
        if thread in self.contenders:
            self.contenders.remove(thread)
        self._private = not self._held

    def locked(self) -> bool:
        kernel = KERNEL
        if not kernel.controls():
            return bool(self._original().locked())
        if self._epoch != kernel.epoch:
            self._renew()
        kernel.decide(LOCKED, self, None, False)
        return self._held

    def _original(self) -> Any:
        if self._real is None:
            self._real = originals.allocate_lock()
        return self._real

    def _renew(self) -> None:
        """Start the execution with the state that the lock has outside."""
        self._epoch = KERNEL.epoch
        self._held = self._real is not None and self._real.locked()
        self.contenders = []
        self.holder = None

    def _at_fork_reinit(self) -> None:
        self.__init__()  # type: ignore[misc]

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    acquire_lock = acquire
    release_lock = release
    locked_lock = locked

    def __repr__(self) -> str:
        state = "locked" if self._held else "unlocked"
        return f"<{state} _thread.lock object at {id(self):#x}>"


def _called_by_own_code() -> bool:
    """Tell whether a primitive is called directly: with a GIL nothing can switch just before such a call.

    The trusted modules call it from Python functions, at whose entry an interpreter with a GIL can switch.
    """
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame is not None and frame.f_globals.get("__name__") not in _TRUSTED


_TRUSTED = frozenset({"threading", "queue", "concurrent.futures._base", "concurrent.futures.thread"})


def make_waiter() -> Lock:
    """Return the lock that a Condition's waiter makes, takes at once, and waits on."""
    lock = Lock()
    lock.label = "waiter"
    lock._private = True
    return lock


class RLock:
    """A ``threading.RLock``: an owner and a count over a :class:`Lock`."""

    __slots__ = ("__weakref__", "_block", "_count", "_epoch", "_owner", "_real")

    def __init__(self) -> None:
        self._block = Lock()
        self._block.label = "RLock"
        self._owner: VirtualThread | None = None
        self._count = 0
        self._epoch = KERNEL.epoch if KERNEL.active else -1
        self._real: Any = None

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        kernel = KERNEL
        if not kernel.controls():
            return bool(self._original().acquire(blocking, timeout))
        me = kernel.current
        if self._epoch != kernel.epoch:
            self._renew()
        if self._owner is me:
            self._count += 1
            return True
        if not self._block.acquire(blocking, timeout):
            return False
        self._owner = me
        self._count = 1
        return True

    def release(self) -> None:
        kernel = KERNEL
        if not kernel.controls():
            self._original().release()
            return
        if self._epoch != kernel.epoch:
            self._renew()
        if self._owner is not kernel.current:
            if kernel.killing:
                return
            raise RuntimeError("cannot release un-acquired lock")
        if self._count > 1:
            self._count -= 1
            return
        # The block is released last: its release may switch, and by then the next owner must find it free.
        self._count = 0
        self._owner = None
        self._block.release()

    def _original(self) -> Any:
        if self._real is None:
            self._real = originals.make_rlock()
        return self._real

    def _renew(self) -> None:
        self._epoch = KERNEL.epoch
        self._owner = None
        self._count = 0

    def _is_owned(self) -> bool:
        if not KERNEL.controls():
            return bool(self._original()._is_owned())
        return self._epoch == KERNEL.epoch and self._owner is KERNEL.current

    def _recursion_count(self) -> int:
        return self._count if self._is_owned() else 0

    def _release_save(self) -> object:
        if not KERNEL.controls():
            return self._original()._release_save()
        count = self._count
        self._count = 1
        self.release()
        return count

    def _acquire_restore(self, state: Any) -> None:
        if not KERNEL.controls():
            self._original()._acquire_restore(state)
            return
        self.acquire()
        self._count = state

    def _at_fork_reinit(self) -> None:
        self.__init__()  # type: ignore[misc]

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def __repr__(self) -> str:
        state = "locked" if self._count else "unlocked"
        return f"<{state} _thread.RLock object owner={self._owner and self._owner.ident} count={self._count}>"
