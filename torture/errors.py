"""Every exception the package raises."""

from __future__ import annotations


class TortureError(Exception):
    """Base of what torture raises on purpose; the text names the value and the cure."""


class UsageError(TortureError):
    """The command, target or scenario is wrong (exit status 2). Yours to mend."""


class InternalError(TortureError):
    """A fault of torture itself (exit status 3). Please report it with the schedule."""


class ReplayMismatchError(TortureError):
    """A schedule no longer fits the code: the message names the first operation that differs."""


class CheckFailed(AssertionError):
    """A scenario check did not hold.

    ``kind`` is the value of a :class:`torture.findings.FindingKind` (``lost``, ``duplicated``,
    ...); ``counts`` what was counted. Raise it in a target to fail with that kind.
    """

    def __init__(self, kind: str, message: str, counts: dict[str, int] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.counts = dict(counts or {})
