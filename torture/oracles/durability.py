"""Durability: what is found after a crash was written, and nothing that was acknowledged later is lost.

A channel is one register: a state file, a row. Writes of several processes are compared by the order of their marks;
two that overlap may survive in either order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """How far a write is, or that its item was found afterwards."""

    BEGUN = "begun"
    ACKNOWLEDGED = "acknowledged"
    SURVIVED = "survived"


@dataclass(frozen=True, slots=True)
class Mark:
    """One line of the ledger. The item None is the state before any write: nothing."""

    stage: str
    channel: str
    item: object


@dataclass(slots=True)
class _Write:
    item: object
    begun: int
    acknowledged: int | None = None  # position of the mark; None: it failed, or the crash came first


def judge(marks: Iterable[Mark]) -> tuple[str, str] | None:
    """Return the finding kind and one sentence for the first survivor that must not be, None if all may be."""
    writes: dict[str, list[_Write]] = {}
    for position, mark in enumerate(marks):
        register = writes.setdefault(mark.channel, [_Write(None, -1, -1)])
        if mark.stage == Stage.BEGUN:
            register.append(_Write(mark.item, position))
        elif mark.stage == Stage.ACKNOWLEDGED:
            for write in reversed(register):
                if write.item == mark.item:
                    write.acknowledged = position
                    break
        else:
            wrong = _wrong(register, mark)
            if wrong is not None:
                return wrong
    return None


def _wrong(register: list[_Write], mark: Mark) -> tuple[str, str] | None:
    found = [write for write in register if write.item == mark.item]
    where = f"on {mark.channel!r}"
    if not found:
        return "invariant", f"{mark.item!r} was found {where}, and nobody wrote it"
    latest = None
    for write in found:
        later = [
            other
            for other in register
            if other.acknowledged is not None
            and write.acknowledged is not None
            and other.begun > write.acknowledged
        ]
        if not later:
            return None
        latest = later[-1]
    assert latest is not None
    old = "nothing" if mark.item is None else f"the older {mark.item!r}"
    return "lost", f"{latest.item!r} was acknowledged {where}, and {old} was found"
