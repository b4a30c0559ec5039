"""What the kernel hands out and takes in besides choices: operations, waiting for descriptors, why it stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from torture.runtime.thread import VirtualThread
from torture.trace.site import Site

if TYPE_CHECKING:
    from torture.runtime.kernel import Kernel


class Recorder(Protocol):
    """Gets every operation of a recorded execution, just before it happens."""

    def record(
        self, thread: VirtualThread, site: Site, obj: object, key: object, writes: bool, value: object
    ) -> None:
        """Note one operation."""


def write_down(kernel: Kernel, thread: VirtualThread, *operation: Any) -> None:
    """Give an operation to the recorder; library code that it calls is not the program's."""
    assert kernel.recorder is not None
    kernel.busy = True
    try:
        kernel.recorder.record(thread, *operation)
    except RecursionError:  # the program's own depth leaves no room: this step is not written down
        pass
    finally:
        kernel.busy = False


class Idle(Protocol):
    """Waits outside the kernel (file descriptors, child processes) when no thread can run."""

    def poll(self, patience: float) -> bool:
        """Wake threads whose descriptors are ready; True when one was woken."""


class EventLoop(Protocol):
    """asyncio's running loop, which its C code keeps in the OS thread: every virtual thread has one of its own."""

    def running(self) -> object:
        """Return the loop that runs in the current thread, None where none does."""

    def run(self, loop: object) -> None:
        """Make a loop the one that runs in the current thread."""


class Stop:
    """Why an execution ended before its main thread did: ``kind`` is deadlock, step-limit or abandoned."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind
