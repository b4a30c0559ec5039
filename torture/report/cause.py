"""Which three accesses a failure hinges on: facts of the trace, not a proof."""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torture.findings import Twin
from torture.trace.event import Event, Trace
from torture.trace.site import Kind

ACCESSES = (Kind.READ, Kind.WRITE)
_EVERYWHERE = frozenset({"__init__.py", "__main__.py"})
_ORDERED = frozenset({Kind.JOIN})  # after these the thread expects the work of others
_WAITED = _ORDERED | {Kind.ACQUIRE, Kind.GET, Kind.PUT, Kind.WAIT, Kind.SLEEP, Kind.YIELD}

_PLAIN = re.compile(r"[-+.\w]+|'[^'…]*'")  # a number, a name or a whole text
_CALL = re.compile(r"(?:(?P<owner>.*)\.)?\w+\((?P<key>.*)\)")
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
    sentence: str


@dataclass(frozen=True, slots=True, order=True)
class _Candidate:
    """Which of several is told: the highest rank, then the latest."""

    rank: int
    second: int
    between: int
    first: int


def interference(trace: Trace, twin: Twin | None = None) -> Interference | None:
    """Return the most telling interference of the trace, the last one of equals, or None.

    Where the nearest passing ``twin`` has a switch elsewhere, only one that this undoes counts.
    """
    name = subjects(trace)
    found = max(_candidates(trace, twin, name), default=None)
    if found is None:
        return None
    events = [trace.events[position] for position in (found.first, found.between, found.second)]
    first, between, second = events
    names = thread_names(trace)
    sentence = _PATTERNS[Kind(first.kind), Kind(second.kind)][2]
    told = sentence.format(other=names[between.thread], it=name(between), thread=names[first.thread])
    places = ", ".join(dict.fromkeys(map(place, events)))
    return Interference(found.first, found.between, found.second, f"{told} ({places}).")


def _candidates(trace: Trace, twin: Twin | None, name: Callable[[Event], str]) -> Iterator[_Candidate]:
    accesses: dict[str, list[int]] = {}  # resource -> positions, in order
    waits: dict[int, list[int]] = {}  # thread -> positions where it waited
    for position, event in enumerate(trace.events):
        if event.kind in ACCESSES:
            accesses.setdefault(name(event), []).append(position)
        elif event.kind in _WAITED:
            waits.setdefault(event.thread, []).append(position)
    for positions in accesses.values():
        last: dict[int, int] = {}  # thread -> index in positions of its last access
        for index, position in enumerate(positions):
            thread = trace.events[position].thread
            if thread in last:
                between = positions[last[thread] : index + 1]
                hinges = twin is not None and twin.change == "moved"
                undone = not hinges or (twin is not None and _spans(trace, between, twin))
                found = _judge(trace, between, waits.get(thread, []), hinges=hinges) if undone else None
                if found is not None:
                    yield found
            last[thread] = index


def _spans(trace: Trace, positions: list[int], twin: Twin) -> bool:
    """Tell whether the twin's switch stands between the first and the last of the accesses, and passes after these."""
    at, later = twin.at, twin.later
    first, last = positions[0], positions[-1]
    if at is None or trace.events[first].thread != at.thread or not first <= at.step < last:
        return False
    if later is None or trace.events[min(later.step, len(trace.events) - 1)] != later:
        return True  # not to be found in this trace
    if later.kind == Kind.ACQUIRE:  # what it guards comes next
        mine = (p for p in range(later.step, last + 1) if trace.events[p].thread == at.thread)
        return sum(trace.events[p].kind in ACCESSES for p in mine) <= 1
    return last <= later.step


def _judge(trace: Trace, positions: list[int], waits: list[int], *, hinges: bool) -> _Candidate | None:
    first, second = trace.events[positions[0]], trace.events[positions[-1]]
    wanted, rank, _ = _PATTERNS[Kind(first.kind), Kind(second.kind)]
    others = [position for position in positions[1:-1] if trace.events[position].kind == wanted]
    if not others:
        return None
    excused = _ORDERED if rank == 3 else _WAITED  # a lost update stays one when locks were taken in between
    if not hinges and any(
        positions[0] < wait < positions[-1] and trace.events[wait].kind in excused for wait in waits
    ):
        return None
    if rank == 2 and not hinges and place(first) == place(second):  # a loop that waits for the other's write
        return None
    if rank == 2 and _PLAIN.fullmatch(first.value) and first.value == second.value:  # nothing came of it
        return None
    return _Candidate(rank, second=positions[-1], between=others[-1], first=positions[0])


def subject(resource: str) -> str:
    """Return what a resource is part of, whatever the call: ``dict#1.get('k')`` and ``dict#1['k']`` are the same.

    >>> subject("dict#1.get('k')"), subject("list#1.append()"), subject("open('a.txt')"), subject("C#1.n")
    ("dict#1['k']", 'list#1', "file 'a.txt'", 'C#1.n')
    """
    call = _CALL.fullmatch(resource)
    if call is None:
        return resource
    owner, key = call["owner"], call["key"]
    if not owner:
        return f"file {key}" if key else "the file system"
    return f"{owner}[{key}]" if key else owner


def subjects(trace: Trace) -> Callable[[Event], str]:
    """Return what names the subject of an event: the container where it is also used as a whole, else the item."""
    named = {subject(event.resource) for event in trace.events if event.kind in ACCESSES}

    def name(event: Event) -> str:
        found = subject(event.resource)
        whole = found.partition("[")[0]
        return whole if whole in named else found

    return name


def place(event: Event) -> str:
    """Return ``file:line`` with the bare file name, after its folder where every package has a file of that name."""
    folder, name = os.path.split(event.file)
    if name in _EVERYWHERE:
        name = f"{os.path.basename(folder)}/{name}"
    return f"{name}:{event.line}"


def thread_names(trace: Trace) -> dict[int, str]:
    """Return a name for each thread, told apart by its path where two have the same."""
    names = [thread.name for thread in trace.threads]
    return {
        thread.index: thread.name if names.count(thread.name) == 1 else f"{thread.name} [{thread.path}]"
        for thread in trace.threads
    }
