"""What the kernel asks a strategy, and what it may answer."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType
from typing import Protocol

from torture.runtime.clock import Clock
from torture.runtime.thread import Pending, VirtualThread

FIRE_TIMER = -1  # the answer "let the earliest timer fire now, early"
ABANDON = -2  # the answer "stop this execution, it teaches nothing"

# Who comes first in SchedulingPoint.causes where it is not a thread.
LAST_STEP = -1  # the step taken last, whoever took it: it moved the clock to a timer
ALL_STEPS = -2  # everything so far: nothing could run, and time went on
LATE = -4  # the same, and the timer might have fired early, had it been set while threads could run
IN_VAIN = -3  # the same, but threads could run: they span or yielded in vain


class SchedulingPoint:
    """The situation at one scheduling point. One object a run, refilled: copy what you keep.

    ``runnable`` holds thread indices in ascending order. The thread that took the last step is ``current``;
    it is not in ``runnable`` when it waits, ended, or has to let others go first (``spinning``). ``steps``
    is the strategy's second answer: after how many steps of the chosen thread it wants to be asked again; the
    kernel asks earlier when the chosen thread stops or another one becomes runnable.
    """

    __slots__ = (
        "causes",
        "clock",
        "coarse",
        "current",
        "frame",
        "runnable",
        "spinning",
        "step",
        "steps",
        "threads",
        "timer",
        "watcher",
    )

    def __init__(self, clock: Clock, frame: Callable[[VirtualThread], FrameType | None]) -> None:
        self.clock = clock
        self.frame = frame  # the innermost one of a thread: where it stands in the program
        # (who, whom): what thread ``whom`` does next comes after what ``who`` has done: it was spawned, woken or
        # has joined. Whoever reads it empties it.
        self.causes: list[tuple[int, int]] = []
        self.coarse = False  # a pending operation stands for all that follows up to the next point
        self.watcher: Watcher | None = None  # set by a strategy, for this execution
        self.runnable: list[int] = []
        self.current = 0
        self.spinning = False
        self.step = 0  # steps taken so far where there was a choice
        self.steps = 1
        self.timer = False  # FIRE_TIMER may be answered
        self.threads: list[VirtualThread] = []

    def pending(self, index: int) -> Pending | None:
        """Return the operation that thread ``index`` will execute next, None where it touches nothing."""
        return self.threads[index].pending


class Watcher(Protocol):
    """Sees what a chooser is not asked about."""

    def alone(self, index: int) -> bool:
        """Note that thread ``index`` takes a step while nothing else can run; False abandons the execution."""

    def over(self, stop: str) -> None:
        """Note why the execution ended ("" where the main thread did), while all threads stand where they wait."""


class Chooser(Protocol):
    """Decides which runnable thread takes the next step."""

    def choose(self, point: SchedulingPoint) -> int:
        """Return a member of ``point.runnable``, FIRE_TIMER or ABANDON."""


def dependent(first: Pending | None, second: Pending | None) -> bool:
    """Tell whether the order of two pending operations can matter."""
    if first is None or second is None:
        return False
    if first[0] is not second[0] or not (first[2] or second[2]):
        return False
    return same_key(first[1], second[1])


def same_key(first: object, second: object) -> bool:
    """Tell whether two keys may be equal, without ever calling the user's ``__eq__``."""
    if first is None or second is None or first is second:
        return True
    if type(first) in _PLAIN and type(second) in _PLAIN:
        return first == second
    return True


_PLAIN = frozenset({int, str, bytes, float, bool, complex})
