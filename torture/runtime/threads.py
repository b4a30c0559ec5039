"""``threading.Thread``, ``threading.local`` and thread identity on virtual threads.

Start and join are written anew instead of run on the standard library's own: its handshakes (an Event to start, a
lock to end) are a dozen scheduling points that no user can see and that differ from version to version.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import count
from types import FunctionType, MethodType
from typing import Any
from weakref import ReferenceType, WeakKeyDictionary

from torture.runtime import callbacks, futures, originals
from torture.runtime.hooks import write_down
from torture.runtime.kernel import KERNEL
from torture.runtime.primitives import Lock, primitive
from torture.runtime.queues import SimpleQueue
from torture.runtime.teardown import Kill
from torture.runtime.thread import VirtualThread
from torture.runtime.weak import QuietDictionary
from torture.trace.site import Kind

JOIN = primitive(Kind.JOIN, "join")
ALIVE = primitive(Kind.READ, "is_alive")
LEAVE = primitive(Kind.END, "leave")  # the registry of threads; its end comes later, as in CPython
ALL = primitive(Kind.SWITCH, "threads")  # looks at every thread: depends on whatever starts or ends one

_start = threading.Thread.start
_join = threading.Thread.join
_is_alive = threading.Thread.is_alive
_repr = threading.Thread.__repr__
_enumerate = threading.enumerate
_active_count = threading.active_count
_set_signal = signal.signal
_default_excepthook = threading.excepthook

_pools: list[ReferenceType[Any]] = []  # the executors that started threads in the execution

Failure = tuple[VirtualThread, BaseException]
failures: list[Failure] = []  # uncaught exceptions of the execution, oldest first

# Thread objects are hashed by their number in the execution: an address would order sets of threads by chance.
_numbers: WeakKeyDictionary[threading.Thread, int]


def start(self: threading.Thread) -> None:
    """Start on a virtual thread inside an execution, as ever outside."""
    if not KERNEL.controls():
        _start(self)
        return
    it: Any = self
    if not it._initialized:
        raise RuntimeError("thread.__init__() not called")
    if it._started._flag:
        raise RuntimeError("threads can only be started once")
    it._started._flag = True
    if (
        getattr(it._target, "__name__", "") == "_worker"
        and it._args
        and isinstance(it._args[0], ReferenceType)
    ):
        _pools.append(it._args[0])
    eagerly = _begins_invisibly(it)
    it._target = callbacks.with_point(it._target)
    it._torture = thread = KERNEL.spawn(
        lambda: _run(self), name=self.name, daemon=self.daemon, eagerly=eagerly
    )
    it._ident = thread.ident
    it._native_id = thread.ident >> 12
    threading._active[thread.ident] = self  # type: ignore[attr-defined]


def _begins_invisibly(thread: Any) -> bool:
    """Tell whether the thread comes to a scheduling point of its own before it does anything that others see."""
    if type(thread).run is not threading.Thread.run:
        return True
    target = thread._target
    function = target.__func__ if isinstance(target, MethodType) else target
    return isinstance(function, FunctionType) and function.__module__ != Lock.__module__


def _run(thread: threading.Thread) -> None:
    try:
        thread.run()
    except Kill:
        raise
    except SystemExit:
        pass
    except BaseException as error:
        _uncaught(thread, error)
    finally:
        try:
            if KERNEL.ends_matter and not KERNEL.killing:
                KERNEL.decide(LEAVE, KERNEL.current, "registered", True)
        finally:
            it: Any = thread
            it._is_stopped = True
            threading._active.pop(it._ident, None)  # type: ignore[attr-defined]


def _uncaught(thread: threading.Thread, error: BaseException) -> None:
    """Keep the error; where the program has its own hook, the error is the program's business."""
    if threading.excepthook is not _default_excepthook:
        threading.excepthook(threading.ExceptHookArgs((type(error), error, error.__traceback__, thread)))
        return
    failures.append((KERNEL.current, error))


def join(self: threading.Thread, timeout: float | None = None) -> None:
    """Wait for the thread to end."""
    virtual: VirtualThread | None = getattr(self, "_torture", None)
    if virtual is None or not KERNEL.controls():
        _join(self, timeout)
        return
    kernel = KERNEL
    if virtual is kernel.current:
        raise RuntimeError("cannot join current thread")
    if timeout is not None:
        kernel.ends_matter = True
        kernel.decide(JOIN, virtual, None, False)
    if virtual not in kernel.threads:
        return
    if virtual.finished:
        kernel.causes.append((virtual.index, kernel.current.index))
        return
    if timeout is not None and timeout <= 0:
        return
    deadline = None if timeout is None else kernel.clock.now + int(timeout * 1e9)
    virtual.joiners.append(kernel.current)
    if kernel.block(virtual, JOIN, deadline):
        if kernel.recorder is not None:
            write_down(kernel, kernel.current, JOIN, virtual, None, False, None)
    elif kernel.current in virtual.joiners:
        virtual.joiners.remove(kernel.current)


def is_alive(self: threading.Thread) -> bool:
    """Tell whether the thread was started and has not ended."""
    virtual: VirtualThread | None = getattr(self, "_torture", None)
    if not KERNEL.controls():
        return _is_alive(self) if virtual is None else not virtual.finished
    if virtual is None:
        return self is originals.main_thread
    KERNEL.ends_matter = True
    KERNEL.decide(ALIVE, virtual, None, False)
    return not virtual.finished


def active_count() -> int:
    """Return the number of threads that are alive, in one step: nothing else changes their registry under its lock."""
    if not KERNEL.controls():
        return _active_count()
    _look_at_all()
    return len(threading._active)  # type: ignore[attr-defined]


def enumerate_threads() -> list[threading.Thread]:
    """Return the threads that are alive, in one step."""
    if not KERNEL.controls():
        return _enumerate()
    _look_at_all()
    return list(threading._active.values())  # type: ignore[attr-defined]


def _look_at_all() -> None:
    KERNEL.ends_matter = True
    KERNEL.decide(ALL, None, None, False)


def set_signal(number: int, handler: Any) -> Any:
    """Set a signal's handler, which only the main thread may."""
    if KERNEL.controls() and KERNEL.current.index:
        raise ValueError("signal only works in main thread of the main interpreter")
    return _set_signal(number, handler)


def describe(self: threading.Thread) -> str:
    """Return what ``Thread.__repr__`` says: reads the thread's state, but is no point."""
    virtual: VirtualThread | None = getattr(self, "_torture", None)
    if virtual is None:
        return _repr(self)
    state = f"{'stopped' if virtual.finished else 'started'}{' daemon' if self.daemon else ''} {self.ident}"
    return f"<{type(self).__name__}({self.name}, {state})>"


def number(self: object) -> int:
    """Hash a thread or a future by its number in the execution instead of its address."""
    it: Any = self
    found = it.__dict__.get("_torture_number")
    if found is None:
        found = it._torture_number = next(_sequence)
    return int(found)


def get_ident() -> int:
    """Return the virtual thread's identity; ended threads' are used again, as real ones are."""
    return KERNEL.current.ident if KERNEL.controls() else originals.get_ident()


def get_native_id() -> int:
    """Return a number that stands for the kernel's thread id."""
    return KERNEL.current.ident >> 12 if KERNEL.controls() else _native_id()


_native_id = threading.get_native_id


def start_new_thread(
    function: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any] | None = None
) -> int:
    """Start a function on a virtual thread."""
    if not KERNEL.controls():
        return originals.start_new_thread(function, args, kwargs or {})
    called = callbacks.with_point(function)

    def body() -> None:
        try:
            called(*args, **(kwargs or {}))
        except (Kill, SystemExit) as end:
            if isinstance(end, Kill):
                raise
        except BaseException as error:
            failures.append((KERNEL.current, error))

    return KERNEL.spawn(body, name=getattr(function, "__name__", "thread"), daemon=True, eagerly=False).ident


class Local:
    """A ``threading.local`` that also tells virtual threads apart."""

    __slots__ = ("__dict__", "_torture_made", "_torture_serial", "_torture_store")

    def __new__(cls, /, *args: Any, **kwargs: Any) -> Local:
        if (args or kwargs) and cls.__init__ is object.__init__:
            raise TypeError("Initialization arguments are not supported")
        self = object.__new__(cls)
        object.__setattr__(self, "_torture_serial", next(_serials))
        object.__setattr__(self, "_torture_store", originals.local())
        object.__setattr__(self, "_torture_made", (args, kwargs))
        _enter(self, fresh=True)
        return self

    def __getattribute__(self, name: str) -> Any:
        _enter(self)
        return object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: object) -> None:
        if name == "__dict__":
            raise AttributeError(f"{type(self).__name__!r} object attribute '__dict__' is read-only")
        _enter(self)
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        _enter(self)
        object.__delattr__(self, name)


def _number_futures() -> None:
    """Number futures, too, and sort them by it: the standard library locks them in the order of addresses."""
    base: Any = sys.modules.get("concurrent.futures._base")
    if base is not None and base.Future.__hash__ is not number:
        base.Future.__hash__ = number
        base.id = hash


_modules = 0  # how many were loaded when the last execution began
_queues: Any = QuietDictionary()  # of pools, while there are none
_serials = count()
_sequence = count(1)


def _enter(local: Local, *, fresh: bool = False) -> None:
    """Put the current thread's attributes in place, making and initialising them in a thread's first use."""
    store: dict[int, dict[str, Any]]
    if KERNEL.controls():
        store = KERNEL.current.locals
    else:
        keep = object.__getattribute__(local, "_torture_store")
        store = keep.__dict__.setdefault("store", {})
    serial: int = object.__getattribute__(local, "_torture_serial")
    attributes = store.get(serial)
    if attributes is not None:
        object.__setattr__(local, "__dict__", attributes)
        return
    store[serial] = attributes = {}
    object.__setattr__(local, "__dict__", attributes)
    if not fresh:  # the first thread's __init__ is called by type.__call__
        args, kwargs = object.__getattribute__(local, "_torture_made")
        type(local).__init__(local, *args, **kwargs)
        object.__setattr__(local, "__dict__", attributes)  # another thread may have come between


class FreshWorld:
    """Gives an execution its own registry of threads and pools, and puts the interpreter's back afterwards.

    A class, not a generator with ``contextlib``: that module's code would be learnt as part of the target.
    """

    def __enter__(self) -> None:
        global _sequence, _modules, _queues
        names = vars(threading)
        self._saved = {name: names[name] for name in _REGISTRY}
        self._main_ident = _main._ident
        pools: Any = sys.modules.get("concurrent.futures.thread")
        self._pools = pools
        failures.clear()
        _sequence = count(1)
        names.update(_active={}, _limbo={}, _counter=count(1).__next__, _dangling=_NOBODY)
        if len(sys.modules) != _modules:  # nearly always nothing was imported since
            _modules = len(sys.modules)
            _number_futures()
            callbacks.install()
            futures.install()
        if pools is not None:
            self._queues = pools._threads_queues
            if _queues.data:
                _queues = QuietDictionary()
            pools._threads_queues = _queues
            pools.ThreadPoolExecutor._counter = count().__next__  # names its threads

    def __exit__(self, *_: object) -> None:
        vars(threading).update(self._saved)
        _main._ident = self._main_ident
        pools: Any = sys.modules.get("concurrent.futures.thread")
        if pools is not None:
            pools._shutdown = False
            for reference in _pools:
                _renew(reference())
            _pools.clear()
            pools._threads_queues = QuietDictionary() if self._pools is None else self._queues


class _Nobody:
    """In place of ``threading._dangling``: after a fork no virtual thread is there that does not run."""

    def add(self, thread: threading.Thread) -> None: ...

    def __iter__(self) -> Iterator[threading.Thread]:
        return iter(())


def _renew(pool: Any) -> None:
    """Give a pool that outlives the execution back the state of one that was not used yet: its threads are gone.

    Its queue stays the same object: the one that is put back with the program's state must not hold what was left.
    """
    if pool is not None and hasattr(pool, "_work_queue"):
        pool._threads = set()
        items = pool._work_queue
        if isinstance(items, SimpleQueue):
            items._queue.clear()
            items._count._value = 0
        else:
            pool._work_queue = type(items)()
        pool._idle_semaphore._value = 0
        pool._shutdown = pool._broken = False


_NOBODY = _Nobody()
_REGISTRY = ("_active", "_limbo", "_counter", "_dangling")
_main: Any = originals.main_thread


def enter_main() -> None:
    """Make the running virtual thread 0 the interpreter's main thread."""
    _main._ident = KERNEL.current.ident
    threading._active[_main._ident] = _main  # type: ignore[attr-defined]
    KERNEL.current.name = _main.name


def leave_main() -> list[str]:
    """Do what the interpreter does at exit: end the pools, join what is not a daemon. Return who still ran."""
    pools: Any = sys.modules.get("concurrent.futures.thread")
    workers: set[int] = set()
    if pools is not None:
        pools._shutdown = True
        if pools._threads_queues.data:
            for thread, queue in list(pools._threads_queues.items()):
                workers.add(thread._torture.index)
                queue.put(None)
    alive = [thread for thread in KERNEL.threads if thread.index and not thread.finished]
    for virtual in KERNEL.threads:
        if virtual.index and not virtual.daemon:
            if virtual.finished:
                KERNEL.causes.append((virtual.index, KERNEL.current.index))
                continue
            virtual.joiners.append(KERNEL.current)
            KERNEL.block(virtual, JOIN)
    return [thread.name for thread in alive if thread.index not in workers]
