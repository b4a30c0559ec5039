"""What carries virtual threads: one small interface, greenlets behind it (greenlets.py) or OS threads (baton.py).

Nothing above this module knows which. A carrier runs bodies; exactly one of them runs at a time, and it
hands over explicitly.
"""

from __future__ import annotations

import contextvars
import sys
import sysconfig
from collections.abc import Callable
from types import FrameType
from typing import Any, Protocol


class Handle(Protocol):
    """A carried body that can be resumed."""

    def switch(self) -> Any:
        """Suspend the caller and run this body until somebody hands back to the caller."""


Body = Callable[[], "Handle"]  # runs one virtual thread, returns whom to go on with


class Carrier(Protocol):
    """Carries bodies one at a time."""

    home: int  # identity of the OS thread that may run now; the caller of any other is not carried

    @property
    def root(self) -> Handle:
        """Return the handle of the engine itself."""

    def create(self, body: Body, context: contextvars.Context | None) -> Handle:
        """Return a handle for a body that has not started."""

    def run(self, handle: Handle) -> None:
        """From the root: hand over to ``handle`` and return when a body hands back to the root."""

    def throw(self, handle: Handle, error: BaseException) -> None:
        """From the root: raise ``error`` where the body waits; returns when it hands back."""

    def discard(self, handle: Handle) -> None:
        """From the root: forget a body that has never started."""

    def abandon(self, handle: Handle) -> None:
        """From the root: keep a body that refuses to end, for ever, untouched."""

    def frame(self, handle: Handle) -> FrameType | None:
        """Return the innermost frame of a body that waits, or of the one that asks."""

    def close(self) -> None:
        """From the root, when no body is carried: give back what is pooled."""


def default_carrier() -> tuple[Carrier, str]:
    """Return greenlets and ""; or OS threads and the reason, where greenlet has no wheel or is broken."""
    try:
        from torture.runtime.greenlets import GreenletCarrier
    except ImportError as error:
        from torture.runtime.baton import BatonCarrier

        cure = "it has no wheels for this interpreter" if _WITHOUT_WHEELS else "pip install greenlet"
        return BatonCarrier(), f"{error or type(error).__name__}; {cure}"
    return GreenletCarrier(), ""


_WITHOUT_WHEELS = bool(sysconfig.get_config_var("Py_GIL_DISABLED")) and sys.version_info < (3, 14)
