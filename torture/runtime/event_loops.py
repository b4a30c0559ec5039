"""``asyncio``'s event loops: what another thread tells a loop is a point, and so is where the loop looks.

``asyncio`` itself is trusted and takes no lock: without these points ``call_soon`` from another thread, which does not
wake a loop that waits, would be one step with what surrounds it, and the miss be called exhausted.
"""

from __future__ import annotations

import functools
import sys
from collections import deque
from collections.abc import Callable
from types import BuiltinMethodType
from typing import Any

from torture.runtime.kernel import KERNEL
from torture.runtime.primitives import primitive
from torture.trace.site import Kind

_TELL = primitive(Kind.WRITE, "tell")
_LOOK = primitive(Kind.READ, "look")

# Of C: instrumented code gets a stand-in where it calls one of their methods.
futures: tuple[type, ...] = ()  # none before the program has imported the module
_loops: tuple[type, ...] = ()
_FUTURE_METHODS = {
    **dict.fromkeys(("set_result", "set_exception", "cancel"), _TELL),
    **dict.fromkeys(("done", "result", "exception", "cancelled"), _LOOK),
}
# What programs call from other threads although they must not, by module and class.
_NOT_THREAD_SAFE = {
    ("queues", "Queue"): ("put_nowait", "get_nowait"),
    ("locks", "Event"): ("set", "clear"),
    ("locks", "Lock"): ("release",),
    ("locks", "Semaphore"): ("release",),
}


def install() -> None:
    """Do it once the program has imported ``asyncio``; have the kernel switch its running loop with the threads, too."""
    global futures, _loops
    events: Any = sys.modules.get("asyncio.events")
    if events is not None and KERNEL.event_loop is None:
        KERNEL.event_loop = _Running(events._get_running_loop, events._set_running_loop)
    module: Any = sys.modules.get("asyncio.base_events")
    if module is None or futures:
        return
    futures = tuple({sys.modules["asyncio"].Future, sys.modules["asyncio"].Task})
    loop = module.BaseEventLoop
    _loops = (loop,)
    loop.__init__ = _with_callbacks(loop.__init__)
    for name in ("call_at", "stop", "close", "run_forever"):
        setattr(loop, name, _from_elsewhere(getattr(loop, name)))
    for name in ("_check_closed", "is_closed", "is_running"):
        setattr(loop, name, _looking(getattr(loop, name)))
    for (where, kind), names in _NOT_THREAD_SAFE.items():
        cls = getattr(sys.modules[f"asyncio.{where}"], kind)
        for name in names:
            setattr(cls, name, _from_elsewhere(getattr(cls, name)))


class _Running:
    """An :class:`torture.runtime.hooks.EventLoop`."""

    __slots__ = ("run", "running")

    def __init__(self, running: Callable[[], object], run: Callable[[object], None]) -> None:
        self.running = running
        self.run = run


class Callbacks(deque[Any]):
    """What a loop calls next. It takes out only what it has seen there: that needs no point."""

    def append(self, handle: Any, /) -> None:
        """Add a callback; the loop may be looking, or wait already."""
        _point(_TELL, self, writes=True)
        super().append(handle)

    def __len__(self) -> int:
        _point(_LOOK, self, writes=False)
        return super().__len__()


def _point(site: Any, callbacks: object, *, writes: bool) -> None:
    if KERNEL.controls():
        KERNEL.decide(site, callbacks, None, writes)


def _with_callbacks(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def make(self: Any, *arguments: Any, **settings: Any) -> None:
        original(self, *arguments, **settings)
        self._ready = Callbacks()

    return make


def _looking(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return the same method with a point where another thread calls it: the loop's own knows."""

    @functools.wraps(original)
    def look(self: Any) -> Any:
        dies = sys._getframe(1).f_code.co_name == "__del__"  # then nobody shares it; when that is, may vary
        if not dies and _is_elsewhere(self):
            _point(_LOOK, self._ready, writes=False)
        return original(self)

    return look


def _from_elsewhere(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return the same method of a loop, or what belongs to one, with a point where another thread calls it."""

    @functools.wraps(original)
    def tell(self: Any, *arguments: Any, **settings: Any) -> Any:
        loop = (
            self if issubclass(type(self), _loops) else getattr(self, "_loop", None)
        )  # it gets one with who waits
        if loop is not None and _is_elsewhere(loop):
            _point(_TELL, loop._ready, writes=True)
        return original(self, *arguments, **settings)

    return tell


def _is_elsewhere(loop: Any) -> bool:
    """Tell whether another thread than the loop's own calls."""
    return KERNEL.controls() and loop._thread_id != KERNEL.current.ident


def stand_in(method: BuiltinMethodType) -> Callable[..., Any]:
    """Return what does the call of a future's method: it concerns the callbacks of its loop."""
    site = _FUTURE_METHODS.get(method.__name__)
    future: Any = method.__self__
    loop: Any = future.get_loop()
    if site is None or not issubclass(type(loop), _loops) or not _is_elsewhere(loop):
        return method

    def call(*arguments: Any, **settings: Any) -> Any:
        _point(site, loop._ready, writes=site is _TELL)
        return method(*arguments, **settings)

    return call
