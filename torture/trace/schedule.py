"""A schedule: the choices that make an execution happen again, and its text form."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """The list of changes: at ``step``, go on with thread ``choice`` (or fire a timer: -1).

    Between two changes the same thread goes on. Steps count operations executed while there was a choice.
    """

    changes: tuple[tuple[int, int], ...] = ()
