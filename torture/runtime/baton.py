"""The second carrier: real OS threads that pass a baton, so that exactly one of them runs.

For what greenlets cannot carry truthfully (C code that looks at the thread) and for confirming a finding on real
threads. A hand-over is two lock operations: it takes about ten times as long as a greenlet's. The program's main
thread is carried by a pooled one, too, because the root has to run while it waits: ``signal.signal`` fails there.
"""

from __future__ import annotations

import contextvars
import sys
from types import FrameType
from typing import Any

from torture.runtime import originals
from torture.runtime.carrier import Body, Handle


class Carried:
    """An OS thread of the pool, or the root; ``turn`` is a lock that is free only when it is handed the baton."""

    __slots__ = ("_carrier", "body", "context", "error", "ident", "turn")

    def __init__(self, carrier: BatonCarrier) -> None:
        self._carrier = carrier
        self.turn: Any = originals.allocate_lock()
        self.turn.acquire()
        self.ident = 0
        self.body: Body | None = None  # what it carries next; None ends it
        self.context = contextvars.Context()
        self.error: BaseException | None = None  # raised where it waits

    def switch(self) -> None:
        self._carrier.pass_to(self)


class BatonCarrier:
    """Carries bodies on OS threads. ``home`` is rewritten at every hand-over: it says who has the baton."""

    def __init__(self) -> None:
        self.home = originals.get_ident()
        self._root = Carried(self)
        self._root.ident = self.home
        self._running = self._root
        self._free: list[Carried] = []

    @property
    def root(self) -> Handle:
        return self._root

    def create(self, body: Body, context: contextvars.Context | None) -> Handle:
        carried = self._free.pop() if self._free else self._start()
        carried.body = body
        carried.context = contextvars.Context() if context is None else context
        return carried

    def run(self, handle: Handle) -> None:
        handle.switch()

    def throw(self, handle: Handle, error: BaseException) -> None:
        assert isinstance(handle, Carried)
        handle.error = error
        handle.switch()

    def discard(self, handle: Handle) -> None:
        assert isinstance(handle, Carried)
        handle.body = None
        self._free.append(handle)

    def abandon(self, handle: Handle) -> None:
        """Do nothing: a thread that waits for its turn keeps itself, and nobody hands it the baton again."""

    def frame(self, handle: Handle) -> FrameType | None:
        assert isinstance(handle, Carried)
        return sys._current_frames().get(handle.ident)

    def close(self) -> None:
        for carried in self._free:
            carried.turn.release()
        self._free.clear()

    def pass_to(self, following: Carried) -> None:
        """Hand the baton over and wait for it.

        A signal's handler that raises does so in the root, for Python runs handlers in the main OS thread. Then the
        body that was running is out of reach: the root goes on, and what that body does later is foreign.
        """
        me = self._running
        if following is me:
            return
        self._running = following
        self.home = following.ident
        following.turn.release()
        try:
            me.turn.acquire()
        except BaseException:
            self._running = me
            self.home = me.ident
            raise
        if me.error is not None:
            error, me.error = me.error, None
            raise error

    def _start(self) -> Carried:
        carried = Carried(self)
        carried.ident = originals.start_new_thread(self._serve, (carried,))
        return carried

    def _serve(self, me: Carried) -> None:
        me.turn.acquire()
        while me.body is not None:
            following: Any = self._root
            try:
                following = me.context.run(me.body)
            except BaseException as error:  # the engine's own fault: the root raises it
                self._root.error = error
            me.body = None
            self._free.append(me)
            self.pass_to(following)
