"""Puts the hybrids in place, once per worker process: virtual inside an execution, the originals outside.

Class attributes are replaced once and for all, because on 3.13 every change of one slows its class for good.
"""

from __future__ import annotations

import _thread
import functools
import gc
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import CellType, ModuleType
from typing import Any

from torture.runtime import (
    blocking,
    caches,
    callbacks,
    databases,
    event_loops,
    futures,
    originals,
    queues,
    registering,
    semaphores,
    threads,
    timing,
    warned,
    weak,
)
from torture.runtime.baton import Carried
from torture.runtime.clock import EPOCH
from torture.runtime.kernel import KERNEL
from torture.runtime.primitives import Lock, RLock, make_waiter, primitive
from torture.trace.site import Kind

_IS_SET = primitive(Kind.READ, "is_set")
_LOOK = primitive(Kind.READ, "look")
_OWN = ("torture", "greenlet", "coverage", "py_spy", "_pytest", "pluggy")  # never touched by the sweep


def install(opened: tuple[str, ...] = ()) -> None:
    """Replace the lowest primitives; to be called before the code under test is imported.

    ``opened`` names trusted modules that are instrumented all the same.
    """
    module: Any = threading
    thread: Any = _thread
    by_value: dict[int, Any] = {}  # id of an original -> its hybrid, for names that were imported by value
    for name, hybrid in timing.functions().items():
        by_value[id(getattr(time, name))] = hybrid
        setattr(time, name, hybrid)
    for original, hybrid in (
        (originals.get_ident, threads.get_ident),
        (module.get_native_id, threads.get_native_id),
        (originals.start_new_thread, threads.start_new_thread),
        (originals.local, threads.Local),
        (originals.allocate_lock, Lock),
        (originals.make_rlock, RLock),
        (queue.SimpleQueue, queues.SimpleQueue),
        (module.enumerate, threads.enumerate_threads),
        (module.active_count, threads.active_count),
        (signal.signal, threads.set_signal),
    ):
        by_value[id(original)] = hybrid
    thread.get_ident = threads.get_ident
    thread.start_new_thread = threads.start_new_thread
    thread.allocate_lock = Lock
    thread.RLock = RLock
    thread._local = threads.Local
    module.Lock = Lock
    module.RLock = RLock
    module._allocate_lock = make_waiter  # used by Condition.wait alone, for the lock its waiter waits on
    module._CRLock = RLock
    functools.RLock = RLock  # type: ignore[attr-defined]
    module.Thread.start = threads.start
    module.Timer.__init__ = callbacks.make_timer
    module.Thread.join = threads.join
    module.Thread.is_alive = threads.is_alive
    module.Thread.__hash__ = threads.number
    module.Thread.__repr__ = threads.describe
    module.Barrier.n_waiting = property(_looks_at(module.Barrier.n_waiting.fget))
    module.Barrier.broken = property(_looks_at(module.Barrier.broken.fget))
    module.Event.is_set = _is_set
    module.Event.isSet = _is_set
    semaphores.install(opened)
    futures.choose(opened)
    queues.install(opened)
    by_value |= blocking.install() | warned.install()
    caches.install()
    weak.install()
    registering.install()
    if sys.version_info >= (3, 13):
        thread.lock = thread.LockType = Lock
    module._PyRLock = RLock
    sweep_names(by_value)
    adopt_locks()


def _is_set(self: Any) -> bool:
    """Read the flag; a scheduling point, because it is read without the event's lock."""
    if KERNEL.controls():
        KERNEL.decide(_IS_SET, self._cond._lock, None, False)
    return bool(self._flag)


def _looks_at(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the same property with a point: it is read without the lock of the condition that guards its changes."""

    def look(self: Any) -> Any:
        if KERNEL.controls():
            KERNEL.decide(_LOOK, self._cond._lock, None, False)
        return read(self)

    return look


def rebase_logging() -> None:
    """Let logging count its time from the virtual clock's start, not from its import."""
    logging: Any = sys.modules.get("logging")
    if logging is not None:
        logging._startTime = EPOCH if isinstance(logging._startTime, int) else EPOCH / 1e9


def install_imported() -> None:
    """Do the same for modules that are seen to only where the program has imported them."""
    event_loops.install()
    by_value = databases.install()
    if by_value:
        sweep_names(by_value)
    global _sockets_installed
    if not _sockets_installed and ("socket" in sys.modules or "selectors" in sys.modules):
        _sockets_installed = True
        from torture.runtime import sockets

        sockets.install()


_sockets_installed = False


def sweep_names(by_value: dict[int, Any]) -> None:
    """Replace originals that modules imported by value (``from time import sleep``)."""
    for name, module in list(sys.modules.items()):
        if not isinstance(module, ModuleType) or name.split(".")[0] in _OWN or name in ("_thread", "time"):
            continue
        for key, value in list(vars(module).items()):
            hybrid = by_value.get(id(value))
            if hybrid is not None and not (module is threading and key == "_allocate_lock"):
                setattr(module, key, hybrid)


def adopt_locks() -> None:
    """Replace the interpreter's own locks that already exist in modules, classes and instances.

    One lock gets one replacement, whoever refers to it. Held ones stay (the main thread's own), and so do the
    import system's.
    """
    kinds = _LOCK_TYPES
    twins: dict[int, Any] = {}
    spared = {id(originals.main_thread)}

    def twin(value: Any) -> Any:
        if id(value) not in twins:
            twins[id(value)] = Lock() if isinstance(value, kinds[0]) else RLock()
        return twins[id(value)]

    for name, module in list(sys.modules.items()):
        if not isinstance(module, ModuleType) or name.split(".")[0] in (
            *_OWN,
            "importlib",
            "_frozen_importlib",
        ):
            continue
        for key, value in list(vars(module).items()):
            if isinstance(value, kinds) and not _is_held(value):
                setattr(module, key, twin(value))
            elif isinstance(value, type) and value.__module__ == name:
                for attribute, inner in list(vars(value).items()):
                    if isinstance(inner, kinds) and not _is_held(inner):
                        setattr(value, attribute, twin(inner))
            elif hasattr(value, "__dict__") and id(value) not in spared and not isinstance(value, ModuleType):
                _adopt_in_instance(value, kinds, twin)


def _adopt_in_instance(value: Any, kinds: tuple[type, ...], twin: Any) -> None:
    try:
        attributes = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return
    if isinstance(attributes, dict):
        for key, inner in list(attributes.items()):
            if isinstance(inner, kinds) and not _is_held(inner):
                attributes[key] = twin(inner)


def _is_held(lock: Any) -> bool:
    if hasattr(lock, "locked"):
        return bool(lock.locked())
    return bool(lock._is_owned())


_LOCK_TYPES = (type(originals.allocate_lock()), type(originals.make_rlock()))


def interpreter_locks() -> list[Any]:
    """Return the interpreter's own locks that are alive and do not stand behind one of ours."""
    ours = set()
    locks = []
    for found in gc.get_objects():
        kind = type(found)
        if kind in _LOCK_TYPES:
            locks.append(found)
        elif (kind is Lock or kind is RLock) and found._real is not None:
            ours.add(id(found._real))
        elif kind is Carried:
            ours.add(id(found.turn))
    return [lock for lock in locks if id(lock) not in ours]


def name_holder(lock: Any) -> str:
    """Say where a lock is kept: ``module.name``, an attribute of a class's instance, or the kind of container."""
    for holder in gc.get_referrers(lock):
        if isinstance(holder, dict):
            names = [key for key, value in holder.items() if value is lock]
            for owner in gc.get_referrers(holder):
                if isinstance(owner, ModuleType):
                    return f"{owner.__name__}.{names[0]}"
                if getattr(owner, "__dict__", None) is holder:
                    return f"attribute {names[0]!r} of a {type(owner).__qualname__}"
        elif isinstance(holder, (list, tuple, CellType)) and not (
            isinstance(holder, list) and len(holder) > 50 and holder is not lock
        ):
            return f"a {type(holder).__name__}"
    return "an unknown place"
