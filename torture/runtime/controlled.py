"""Which C methods have a stand-in where instrumented code calls them: those that the kernel has to know of."""

from __future__ import annotations

from typing import Any

from torture.runtime import caches, databases, event_loops, timing


def controlled(function: Any, owner: Any) -> Any:
    """Return what does the call of a C method that would wait, look at the time, or tell others, by itself."""
    kind = type(owner)
    if kind is type:
        return timing.now_of(owner, function.__name__) if timing.reads_clock(function, owner) else function
    if kind is caches.CACHED:
        return caches.stand_in(function)
    if issubclass(kind, event_loops.futures):
        return event_loops.stand_in(function)
    return databases.stand_in(function) if issubclass(kind, databases.kinds) else function
