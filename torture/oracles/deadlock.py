"""Who waits for what, held by whom, and where."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiter:
    """One thread that waits for ever."""

    thread: str
    operation: str  # "Lock.acquire", "Queue.get", "Thread.join", ...
    resource: str  # label of what it waits for
    holder: str  # thread that holds it, "" where nobody does
    function: str  # innermost function of the program
    file: str
    line: int
    held_since: str = ""  # where the holder took it


def describe(waiters: tuple[Waiter, ...]) -> str:
    """Return the sentence lines of a deadlock.

    >>> print(describe((Waiter("A", "Lock.acquire", "Lock#1", "B", "f", "x.py", 3),)))
    deadlock: 1 thread waits for ever
      A waits in Lock.acquire for Lock#1, held by B, at x.py:3 in f
    """
    count = len(waiters)
    lines = [f"deadlock: {count} thread{'s' if count != 1 else ''} wait{'s' if count == 1 else ''} for ever"]
    for waiter in waiters:
        held = f", held by {waiter.holder}{waiter.held_since}" if waiter.holder else ""
        # Without a place: where the interpreter would join it at exit.
        where = f", at {waiter.file}:{waiter.line} in {waiter.function}" if waiter.file else ", at its end"
        lines.append(f"  {waiter.thread} waits in {waiter.operation} for {waiter.resource}{held}{where}")
    return "\n".join(lines)
