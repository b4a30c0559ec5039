"""A schedule: the choices that make an execution happen again, and its text form."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """The list of changes: at ``step``, go on with thread ``choice`` (or fire a timer: -1).

    Between two changes the same thread goes on. Steps count operations executed while there was a choice.
    """

    changes: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where in the program a change was made: the running thread was asked for the ``count``-th time while it was
    about to do this operation. ``kind`` is "" where it could not go on (it waited or had ended)."""

    thread: int
    function: str
    kind: str
    form: str
    name: str
    count: int
    choice: int

    def __str__(self) -> str:
        what = f"about to {self.kind} {self.name}".rstrip() if self.kind else "unable to go on"
        return f"thread {self.thread} {what} in {self.function or 'its start'} (time {self.count})"
