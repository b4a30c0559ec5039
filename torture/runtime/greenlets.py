"""The first carrier: greenlets of one OS thread. The one module that needs greenlet.

Greenlets are kept in a pool whose members are all started from the root: a greenlet inherits the recursion depth of
whoever starts it, and starting one costs ten times a reuse.
"""

from __future__ import annotations

import contextvars
import sys
from types import FrameType

from greenlet import getcurrent, greenlet

from torture.runtime.carrier import Body, Handle
from torture.runtime.originals import get_ident


class _Carried(greenlet):
    """A pooled greenlet; ``body`` is what it carries next."""

    body: Body | None = None


class GreenletCarrier:
    """Carries bodies on greenlets of one OS thread."""

    def __init__(self) -> None:
        self.home = get_ident()
        self._root: greenlet = getcurrent()
        self._free: list[_Carried] = []
        self._wanted: greenlet | None = None
        self._graveyard: list[Handle] = []

    @property
    def root(self) -> Handle:
        return self._root

    def create(self, body: Body, context: contextvars.Context | None) -> Handle:
        if not self._free:
            if getcurrent() is self._root:
                self._fill()
            else:  # the root has to start it: see the module's first lines
                self._wanted = getcurrent()
                self._root.switch()
        carried = self._free.pop()
        carried.body = body
        carried.gr_context = context
        return carried

    def run(self, handle: Handle) -> None:
        handle.switch()
        while self._wanted is not None:
            back, self._wanted = self._wanted, None
            self._fill()
            back.switch()

    def throw(self, handle: Handle, error: BaseException) -> None:
        assert isinstance(handle, greenlet)
        handle.throw(error)
        while self._wanted is not None:
            back, self._wanted = self._wanted, None
            self._fill()
            back.switch()

    def discard(self, handle: Handle) -> None:
        assert isinstance(handle, _Carried)
        handle.body = None
        self._free.append(handle)

    def abandon(self, handle: Handle) -> None:
        self._graveyard.append(handle)

    def frame(self, handle: Handle) -> FrameType | None:
        assert isinstance(handle, greenlet)
        frame: FrameType | None = sys._getframe() if handle is getcurrent() else handle.gr_frame
        return frame

    def close(self) -> None:
        self._free.clear()

    def _fill(self) -> None:
        for _ in range(4):
            carried = _Carried(self._serve, self._root)
            carried.switch()
            self._free.append(carried)

    def _serve(self, *_: object) -> None:
        me = getcurrent()
        assert isinstance(me, _Carried)
        target: Handle = self._root
        while True:
            target.switch()
            assert me.body is not None
            target = me.body()
            me.body = None
            self._free.append(me)
