"""What one step of one execution did, in words that are equal for equal runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """One executed operation. Holds text and numbers only: no object is kept alive by it.

    ``resource`` is a label such as ``Counter#1.n``, ``Lock#2``, ``dict#1['k']``; ``value`` is the
    value read or written as short text, or "" where there is none.
    """

    step: int
    thread: int
    kind: str
    resource: str
    value: str
    function: str
    module: str
    file: str
    line: int
    depth: int  # call depth inside its thread, for indentation


@dataclass(frozen=True, slots=True)
class ThreadInfo:
    """A virtual thread: ``path`` names it by who spawned it (``0``, ``0.1``, ``0.2.1``)."""

    index: int
    path: str
    name: str
    daemon: bool


@dataclass(frozen=True, slots=True)
class Trace:
    """A whole recorded execution."""

    events: tuple[Event, ...]
    threads: tuple[ThreadInfo, ...]
