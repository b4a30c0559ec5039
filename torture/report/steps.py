"""From events to the rows of a failure report.

Folded: what happens inside libraries, and accesses that no other thread can have met; a few of these are left out
without a word, for they stand between any two rows that matter. Elided: the middle of long runs, then of the whole. Never folded: where threads come and go, and the steps that the failure hinges on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from itertools import groupby

from torture.report.cause import ACCESSES, place, subjects
from torture.trace.event import Event, Trace
from torture.trace.site import Kind

_LIBRARY = re.compile(r"(^|/)(site|dist)-packages/|/lib/python3\.\d+t?/|^<frozen ")
_LIFE = frozenset({Kind.START, Kind.END, Kind.SPAWN, Kind.JOIN})
FOLDED = 3  # private accesses that are worth a row that says how many they are
AFTERMATH = 8  # rows after the last step that matters, and as many at the very end
LONGEST_RUN = 12  # rows of one thread between two switches: more tells a reader nothing


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report. The resource stands apart, because it is what may be shortened."""

    thread: int
    depth: int
    before: str
    resource: str
    after: str
    source: str
    marked: bool = False
    steps: int = 1
    lost: bool = False  # the point of no return
    private: bool = False  # a few accesses that no other thread can have met: not worth a row


@dataclass(frozen=True, slots=True)
class Elision:
    """Rows left out."""

    thread: int | None  # None: rows of several threads
    steps: int
    switches: int = 0


@dataclass(frozen=True, slots=True)
class Switch:
    """From here on another thread runs."""

    thread: int  # the one that stops
    to: int


Line = Row | Elision | Switch
Segment = Sequence[Row | Elision]  # what one thread does between two switches


def lines(trace: Trace, marked: Set[int], limit: int, lost: int | None = None) -> list[Line]:
    """Return at most ``limit`` lines. ``marked`` events and the ``lost`` one (positions) are the last to be left out."""
    segments = _segments(trace, marked, lost)
    longest = max((len(segment) for segment in segments), default=0)
    flat: list[Line] = []
    for keep in range(max(min(longest, LONGEST_RUN), 3), 2, -1):
        flat = _trimmed(_flatten([_elide(segment, keep) for segment in segments]))
        if len(flat) <= limit:
            return flat
    return _cut(flat, limit)


def library(event: Event) -> bool:
    """Return whether the event happened in the standard library or an installed package."""
    return _LIBRARY.search(event.file) is not None


def _segments(trace: Trace, marked: Set[int], lost: int | None) -> list[list[Row]]:
    contested = _contested(trace)
    name = subjects(trace)
    quiet = _LIFE | {Kind.SWITCH, *ACCESSES}
    telling = bool(contested) or any(event.kind not in quiet for event in trace.events)

    def key(numbered: tuple[int, Event]) -> tuple[int, str, int]:
        """Return what events that are folded together have in common."""
        position, event = numbered
        if position not in marked and position != lost and event.kind not in _LIFE:
            if library(event):
                return event.thread, "library", -1
            if telling and event.kind in ACCESSES and name(event) not in contested:
                return event.thread, "private", -1
        return event.thread, "", position

    shown = [(position, event) for position, event in enumerate(trace.events) if event.kind != Kind.SWITCH]
    lowest: dict[int, int] = {}
    for _, event in shown:
        lowest[event.thread] = min(event.depth, lowest.get(event.thread, event.depth))
    rows: list[Row] = []
    for (thread, fold, position), group in groupby(shown, key):
        events = [event for _, event in group]
        depth = min(event.depth for event in events) - lowest[thread]
        if fold == "library":
            rows.append(_library_row(events, depth))
        elif len(events) > 1:
            rows.append(
                Row(
                    thread,
                    depth,
                    told(Elision(thread, len(events))),
                    "",
                    "",
                    "",
                    steps=len(events),
                    private=len(events) < FOLDED,
                )
            )
        else:
            row = _row(events[0], depth, position in marked or position == lost)
            rows.append(replace(row, lost=position == lost, private=fold == "private"))
    return [_condensed(list(group)) for _, group in groupby(rows, lambda row: row.thread)]


def _condensed(segment: list[Row]) -> list[Row]:
    """Leave out single private accesses, and say equal rows once; a turn keeps at least one row."""
    rows: list[Row] = []
    for row, group in groupby(segment):
        count = len(list(group))
        if row.private and len(segment) > 1:
            continue
        rows.append(
            row if count == 1 else replace(row, after=f"{row.after} ×{count}", steps=count * row.steps)
        )
    return rows or segment[:1]


def _contested(trace: Trace) -> set[str]:
    """Return the resources that several threads touch and at least one writes: only these can matter."""
    name = subjects(trace)
    touched: dict[str, set[int]] = {}
    written: set[str] = set()
    for event in trace.events:
        if event.kind in ACCESSES:
            resource = name(event)
            touched.setdefault(resource, set()).add(event.thread)
            if event.kind == Kind.WRITE:
                written.add(resource)
    return {resource for resource in written if len(touched[resource]) > 1}


def _library_row(events: list[Event], depth: int) -> Row:
    outermost = min(events, key=lambda event: event.depth)
    name = f"{outermost.module.rpartition('.')[2]}.{outermost.function.rpartition('<locals>.')[2]}"
    after = f" ({counted(len(events), 'step')})" if len(events) > 1 else ""
    return Row(outermost.thread, depth, "", name, after, "library", steps=len(events))


def _row(event: Event, depth: int, marked: bool) -> Row:
    value = printable(event.value)
    match event.kind:
        case Kind.READ:
            before, after = "", f" ➜ {value}" if value else " ➜"
        case Kind.WRITE:
            before, after = "", f" = {value}" if value else " ="
        case _:
            before, after = event.kind, f" ➜ {value}" if value else ""
    resource = printable(event.resource)
    if resource.endswith(")") and not value and not before:
        after = ""  # a call says what it does
    if event.kind == Kind.CLOCK:
        resource = ""
    if ".waiter#" in resource:
        before, resource = "wait", resource.partition(".waiter#")[0]
    if event.kind == Kind.TIMER:
        before = "timer (early)"
    if before and resource:
        before += " "
    source = printable(f"{place(event)} {_bare(event.function)}") if event.file else ""
    return Row(event.thread, depth, before, resource, after, source, marked)


def printable(text: str) -> str:
    """Return the text with every control character written as an escape: a row stays one line."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def _bare(function: str) -> str:
    return function.rpartition(".")[2]  # file and line say the rest, and columns are narrow


def counted(number: int, noun: str) -> str:
    """Return ``1 step``, ``2 steps``, ``2 switches``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "es" if noun.endswith("ch") else "s")


def told(elision: Elision) -> str:
    """Return the words for an elision."""
    switches = f", {counted(elision.switches, 'switch')}" if elision.switches else ""
    return f"… {counted(elision.steps, 'step')}{switches} …"


def _elide(segment: Sequence[Row], keep: int) -> Segment:
    if len(segment) <= keep:
        return segment
    head, tail = keep // 2, keep - keep // 2 - 1
    kept: list[Row | Elision] = list(segment[:head])
    end = len(segment) - tail
    for marked, group in groupby(segment[head:end], lambda row: row.marked):
        rows = list(group)
        if marked or len(rows) == 1:
            kept.extend(rows)
        else:
            kept.append(Elision(rows[0].thread, sum(row.steps for row in rows)))
    return [*kept, *segment[end:]]


def _flatten(segments: Sequence[Segment]) -> list[Line]:
    flat: list[Line] = []
    for segment in segments:
        thread = segment[0].thread
        assert thread is not None
        previous = flat[-1].thread if flat else None
        if previous is not None:
            flat.append(Switch(previous, thread))
        flat.extend(segment)
    return flat


def _trimmed(flat: list[Line]) -> list[Line]:
    """Shorten what comes after the steps that matter: there the failure only shows."""
    marks = [index for index, line in enumerate(flat) if isinstance(line, Row) and line.marked]
    if not marks or len(flat) - marks[-1] <= 2 * AFTERMATH + 2:
        return flat
    start, end = marks[-1] + 1 + AFTERMATH, len(flat) - AFTERMATH
    while isinstance(flat[end], Switch):
        end -= 1
    return [*flat[:start], *_left_out(flat[start:end]), *flat[end:]]


def _cut(flat: list[Line], limit: int) -> list[Line]:
    """Keep the beginning and a window at the end, or where the marked rows begin if that is earlier."""
    head = limit // 5
    size = limit - head - 2  # two lines say what is left out
    marks = [index for index, line in enumerate(flat) if isinstance(line, Row) and line.marked]
    start = len(flat) - size
    if marks and marks[-1] - marks[0] < size:
        start = max(head, min(start, marks[0] - 1))
    parts = [_left_out(flat[head:start]), flat[start : start + size], _left_out(flat[start + size :])]
    return [*flat[:head], *(line for part in parts for line in part)]


def _left_out(part: list[Line]) -> list[Line]:
    if not part:
        return []
    steps = sum(line.steps for line in part if not isinstance(line, Switch))
    return [Elision(None, steps, sum(isinstance(line, Switch) for line in part))]
