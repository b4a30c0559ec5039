"""The end of an execution: every leftover thread is ended, or abandoned and counted, whatever it catches."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torture.runtime.kernel import Kernel

KILL_LIMIT = 10_000  # points that a dying thread may pass before it is abandoned


class Kill(BaseException):
    """Ends a leftover virtual thread; never seen outside the runtime."""


def end_leftovers(kernel: Kernel) -> int:
    """From the root: raise Kill where each unfinished thread waits. Return how many would not end."""
    kernel.killing = True
    kernel.countdown = 1
    abandoned = 0
    for thread in kernel.threads:
        if thread.finished:
            continue
        if not thread.started:
            kernel.carrier.discard(thread.handle)
            continue
        kernel.current = thread
        kernel.kill_steps = 0
        kernel.carrier.throw(thread.handle, Kill())
        if not thread.finished:  # it caught Kill and ran on: keep it, for dropping it would run its code
            kernel.carrier.abandon(thread.handle)
            abandoned += 1
    return abandoned


def die_slowly(kernel: Kernel) -> None:
    """Let a dying thread pass a point, up to the limit: then it is left where it stands."""
    kernel.kill_steps += 1
    kernel.countdown = 1
    if kernel.kill_steps > KILL_LIMIT:
        kernel.carrier.root.switch()
