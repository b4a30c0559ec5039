"""Notices steps that block outside control, from inside the worker: the other half of supervisor.py.

The parent sends a signal when an execution takes too long. If scheduling points were passed since the signal
before, all is well; otherwise the running code is interrupted and its place is told. Code that holds the GIL in C is
not interrupted by a Python handler: then the parent takes a stack from ``faulthandler`` and ends the worker.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType

from torture.exploration.recorder import own_frame
from torture.isolation.state import ASK, State
from torture.runtime.kernel import KERNEL

stalled = ""  # what blocked in the last execution
alone = False  # nothing else could have run: what blocked is the program's own hang


class Stall(BaseException):
    """Unwinds the code that blocks outside control."""


class Watch:
    """Answers the parent's signal."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._seen = (-1, -1)
        signal.signal(ASK, self._asked)
        state.answer()  # from now on it may be asked

    def _asked(self, _number: int, frame: FrameType | None) -> None:
        global stalled, alone
        self._state.answer()
        kernel = KERNEL
        seen = (kernel.epoch, kernel.steps + kernel.solo_steps - kernel.countdown)
        if not kernel.active or seen != self._seen:
            self._seen = seen
            return
        place = own_frame(sys._current_frames().get(kernel.carrier.home, frame))
        where = f"{place.f_code.co_filename}:{place.f_lineno} in {place.f_code.co_qualname}" if place else "?"
        alone = len(kernel.enabled) <= 1 and not kernel.clock.timers and not kernel.foreign
        others = [kernel.threads[index].name for index in kernel.enabled if index != kernel.current.index]
        waiting = f"; could have run meanwhile: {', '.join(others)}" if others else ""
        stalled = f"{kernel.current.name} blocked outside the control of the scheduler at {where}{waiting}"
        raise Stall
