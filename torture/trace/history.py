"""A history: the calls that threads made on shared objects, with the instants between which each took effect.

The format of the file is described in docs/history.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call. It took effect at one instant between ``called`` and ``returned``, if it is linearizable."""

    execution: int  # from 1; state is fresh in each
    thread: str
    instance: str  # the object called: "Ring#1" is the first Ring of the execution
    operation: str  # "Ring.push"
    arguments: list[Any] = field(default_factory=list)  # JSON values; anything else is {"object": "Lock#1"}
    keywords: dict[str, Any] = field(default_factory=dict)
    called: int  # nanoseconds of the monotonic clock
    returned: int | None = (
        None  # None: it had not returned when the execution ended, and may still take effect
    )
    result: Any = None
    raised: str | None = None  # type of the exception that it raised instead


def lines(calls: Iterable[Call]) -> Iterator[str]:
    """Yield one line of JSON for each call."""
    for call in calls:
        yield json.dumps(asdict(call), allow_nan=True)


def read(text: Iterable[str]) -> Iterator[Call]:
    """Yield the calls of a history file's lines; ValueError for a file that is none."""
    rows = iter(text)
    head = json.loads(next(rows, "null"))
    if not isinstance(head, dict) or head.get("history") != VERSION:
        raise ValueError(f"this is no history of version {VERSION}: its first line is {head!r}")
    for row in rows:
        if row.strip():
            yield Call(**json.loads(row))
