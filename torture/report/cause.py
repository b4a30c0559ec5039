"""Which three accesses a failure hinges on: facts of the trace, not a proof."""

from __future__ import annotations

import os.path
from collections.abc import Iterator
from dataclasses import dataclass

from torture.trace.event import Event, Trace
from torture.trace.site import Kind

ACCESSES = (Kind.READ, Kind.WRITE)
_ORDERED = frozenset({Kind.JOIN})  # after these the thread expects the work of others
_WAITED = _ORDERED | {Kind.ACQUIRE, Kind.SLEEP, Kind.YIELD}

# (first, second) access of one thread -> (what another one did in between, rank, sentence). These are the four
# triples that no order of the two threads one after the other can produce; a lost update is the most telling.
_PATTERNS = {
    (Kind.READ, Kind.WRITE): (
        Kind.WRITE,
        3,
        "{other} wrote {it} between {thread}'s read and its write of it",
    ),
    (Kind.READ, Kind.READ): (Kind.WRITE, 2, "{other} wrote {it} between two reads of it by {thread}"),
    (Kind.WRITE, Kind.READ): (
        Kind.WRITE,
        1,
        "{other} overwrote {it} before {thread} read back what it had written",
    ),
    (Kind.WRITE, Kind.WRITE): (Kind.READ, 0, "{other} read {it} between two writes of it by {thread}"),
}


@dataclass(frozen=True, slots=True)
class Interference:
    """Two accesses of one thread and one of another in between, as positions in ``trace.events``."""

    first: int
    between: int
    second: int
    rank: int
    sentence: str


def interference(trace: Trace) -> Interference | None:
    """Return the most telling interference of the trace, the last one of equals, or None."""
    return max(_candidates(trace), key=lambda found: (found.rank, found.second), default=None)


def _candidates(trace: Trace) -> Iterator[Interference]:
    accesses: dict[str, list[int]] = {}  # resource -> positions, in order
    waits: dict[int, list[int]] = {}  # thread -> positions where it waited
    for position, event in enumerate(trace.events):
        if event.kind in ACCESSES:
            accesses.setdefault(event.resource, []).append(position)
        elif event.kind in _WAITED:
            waits.setdefault(event.thread, []).append(position)
    for positions in accesses.values():
        last: dict[int, int] = {}  # thread -> index in positions of its last access
        for index, position in enumerate(positions):
            thread = trace.events[position].thread
            if thread in last:
                found = _judge(trace, positions[last[thread] : index + 1], waits.get(thread, []))
                if found is not None:
                    yield found
            last[thread] = index


def _judge(trace: Trace, positions: list[int], waits: list[int]) -> Interference | None:
    first, second = trace.events[positions[0]], trace.events[positions[-1]]
    wanted, rank, sentence = _PATTERNS[Kind(first.kind), Kind(second.kind)]
    others = [position for position in positions[1:-1] if trace.events[position].kind == wanted]
    if not others:
        return None
    excused = _ORDERED if rank == 3 else _WAITED  # a lost update stays one when locks were taken in between
    if any(positions[0] < wait < positions[-1] and trace.events[wait].kind in excused for wait in waits):
        return None
    if rank == 2 and place(first) == place(second):  # a loop that waits for the other's write
        return None
    names = thread_names(trace)
    between = trace.events[others[-1]]
    told = sentence.format(other=names[between.thread], it=between.resource, thread=names[first.thread])
    places = ", ".join(dict.fromkeys(place(event) for event in (first, between, second)))
    return Interference(positions[0], others[-1], positions[-1], rank, f"{told} ({places}).")


def place(event: Event) -> str:
    """Return ``file:line`` with the bare file name."""
    return f"{os.path.basename(event.file)}:{event.line}"


def thread_names(trace: Trace) -> dict[int, str]:
    """Return a name for each thread, told apart by its path where two have the same."""
    names = [thread.name for thread in trace.threads]
    return {
        thread.index: thread.name if names.count(thread.name) == 1 else f"{thread.name} [{thread.path}]"
        for thread in trace.threads
    }
