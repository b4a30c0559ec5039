"""The report of a failure: its cause, one column per thread, the command that replays it.

A reader wants to see who ran when. Hence one column per thread as long as a column stays readable; with more
threads one column and the thread's name in front of each row. The rows that the failure hinges on are marked.
"""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Iterator, Sequence

from torture.findings import Finding, FindingKind
from torture.report import steps
from torture.report.cause import interference, thread_names
from torture.report.hinge import early_sentence, no_return_sentence, twin_sentence
from torture.report.steps import Elision, Line, Row, Switch
from torture.trace.event import Trace
from torture.trace.site import Kind

HEIGHT = 60  # lines
MESSAGE_HEIGHT = 16  # lines of the message, at most
NO_SCHEDULE = "it cannot be replayed: its schedule is not known"
SWITCHES = frozenset({"always", "finalizer", "cold only"})  # labels of a finding that a GIL does not prevent
_STEPS = re.compile(r"\((\d[\d,]*) steps\)")
MARK = "▸ "
LOST = "✗ "  # the point of no return
MARGIN = len(MARK)
GAP = 2
WIDEST_SOURCE = 28
NARROWEST_COLUMN = 14
WIDEST_NAME = 16

# The pattern of three accesses explains these; the others name their threads and places in the message.
_EXPLAINED = frozenset(FindingKind) - {
    FindingKind.DEADLOCK,
    FindingKind.CRASH,
    FindingKind.HANG,
    FindingKind.MEMORY,
    FindingKind.LIVELOCK,  # of thousands of accesses no three explain it
    FindingKind.STEP_LIMIT,
}


def render(finding: Finding, trace: Trace, *, width: int = 80, command: str) -> str:
    """Return the report, at most 60 lines of ``width`` columns; ``command`` is "" where there is no schedule.

    Only ``command``, which replays the failure, is never folded: it must survive copying.
    """
    hinge = interference(trace, finding.twin) if finding.kind in _EXPLAINED else None
    head = _message(finding, width)
    if hinge is not None:
        head += textwrap.wrap(steps.printable(hinge.sentence), width)
    for sentence in _hinges(finding, trace):
        head += textwrap.wrap(steps.printable(sentence), width)
    foot = ["", *textwrap.wrap(_facts(finding), width), f"replay: {command}" if command else NO_SCHEDULE]
    marked = set() if hinge is None else {hinge.first, hinge.between, hinge.second}
    room = HEIGHT - len(head) - len(foot) - 3
    lost = None if finding.no_return is None else finding.no_return.step
    rows = steps.lines(trace, marked, room, None if lost is None else lost.step)
    table = ["", *_table(trace, rows, width)] if rows else ["", "No step was recorded."]
    return "\n".join(line.rstrip() for line in (*head, *table, *foot))


def _hinges(finding: Finding, trace: Trace) -> Iterator[str]:
    early = next((event for event in trace.events if event.kind == Kind.TIMER), None)
    if early is not None:
        yield early_sentence(early, thread_names(trace)[early.thread])
    if finding.twin is not None:
        yield twin_sentence(finding.twin)
    if finding.no_return is not None:
        step = finding.no_return.step
        yield no_return_sentence(finding.no_return, "" if step is None else thread_names(trace)[step.thread])


def render_trace(trace: Trace) -> str:
    """Return the whole trace as text: a line for each thread, then one for each event."""
    names = {index: steps.printable(name) for index, name in thread_names(trace).items()}
    lines = [
        f"# thread {thread.index} {thread.path} {steps.printable(thread.name)}{' daemon' * thread.daemon}"
        for thread in trace.threads
    ]
    for event in trace.events:
        value = f" -> {event.value}" if event.value else ""
        what = steps.printable(f"{event.kind} {event.resource}".rstrip() + value)
        where = steps.printable(f"{event.file}:{event.line} {event.function}")
        lines.append(
            f"{event.step} {names.get(event.thread, event.thread)}: {'  ' * event.depth}{what}  [{where}]"
        )
    return "".join(line + "\n" for line in lines)


def _message(finding: Finding, width: int) -> list[str]:
    text = finding.message.strip() or "no message"
    text = text.replace(f"{os.getcwd()}{os.sep}", "")
    if finding.kind not in {FindingKind.ASSERTION, FindingKind.EXCEPTION}:  # their message names its type
        text = text if text.startswith(finding.kind.value) else f"{finding.kind.value}: {text}"
    lines: list[str] = []
    for number, line in enumerate(text.splitlines()):
        stripped = steps.printable(line.lstrip())
        indent = " " * min(len(line) - len(line.lstrip()), 8)
        hanging = indent + "  " * bool(number)
        lines += textwrap.wrap(stripped, width, initial_indent=indent, subsequent_indent=hanging) or [""]
    if len(lines) > MESSAGE_HEIGHT:
        half = MESSAGE_HEIGHT // 2
        left_out = len(lines) - 2 * half + 1
        lines = [*lines[:half], f"… {left_out} lines …", *lines[len(lines) - half + 1 :]]
    return lines


def _facts(finding: Finding) -> str:
    sizes = {"thread": finding.threads, "preemption": finding.preemptions, "step": finding.steps}
    facts = ", ".join(steps.counted(number, noun) for noun, number in sizes.items())
    if finding.shrunk_from:
        larger = (
            steps.counted(number, noun.removesuffix("s")) for noun, number in finding.shrunk_from.items()
        )
        facts += f" (shrunk from {', '.join(larger)})"
    labels = [label for label in finding.labels if label not in SWITCHES]
    if finding.reachable:
        facts += f"; reachable: {finding.reachable}"
    for label in SWITCHES & {*finding.labels}:
        facts += f" ({label}, Python {sys.version_info.major}.{sys.version_info.minor})"
    if labels:
        facts += f"; {', '.join(labels)}"
    return f"{facts}; every step: replay with --trace FILE"


def _table(trace: Trace, rows: Sequence[Line], width: int) -> list[str]:
    names = {index: steps.printable(name) for index, name in thread_names(trace).items()}
    present = {row.thread for row in rows} | {row.to for row in rows if isinstance(row, Switch)}
    threads = [index for index in names if index in present]
    sources = [len(row.source) for row in rows if isinstance(row, Row)]
    source = min(max(sources, default=0), max(WIDEST_SOURCE, width // 4), width // 3)
    room = width - MARGIN - source - GAP
    if len(threads) <= 3 and room >= len(threads) * (NARROWEST_COLUMN + GAP):
        return _columns(rows, {thread: names[thread] for thread in threads}, room=room, source=source)
    return _single(rows, names, room=room, source=source)


def _columns(rows: Sequence[Line], names: dict[int, str], *, room: int, source: int) -> list[str]:
    widths = _share({thread: _wanted(rows, thread, name) for thread, name in names.items()}, room)
    starts: dict[int, int] = {}
    position = 0
    for thread, width in widths.items():
        starts[thread] = position
        position += width + GAP
    shortened = _shortened(names, min(widths.values()))
    names = {
        thread: name if len(name) <= widths[thread] else shortened[thread] for thread, name in names.items()
    }
    header = "".join(name.ljust(widths[thread] + GAP) for thread, name in names.items())
    total = MARGIN + position + source

    def draw(row: Line) -> str:
        if isinstance(row, Switch):
            return " " * MARGIN + _arrow(starts[row.thread], starts[row.to])
        if isinstance(row, Elision):
            return " " * (MARGIN + (0 if row.thread is None else starts[row.thread])) + steps.told(row)
        cell = " " * starts[row.thread] + _cell(row, widths[row.thread])
        return _margin(row) + cell.ljust(position) + _end(row.source, source)

    return [" " * MARGIN + header, "─" * total, *map(draw, rows)]


def _arrow(start: int, end: int) -> str:
    if start < end:
        return " " * start + "── switch ".ljust(end - start, "─") + "▶"
    return " " * end + "◀" + " switch ──".rjust(start - end, "─")


def _single(rows: Sequence[Line], names: dict[int, str], *, room: int, source: int) -> list[str]:
    label = min(max(map(len, names.values())), WIDEST_NAME)
    names = _shortened(names, label)
    width = room - label - GAP
    widest = max((len(_cell(row, width)) for row in rows if isinstance(row, Row)), default=0)
    total = MARGIN + label + GAP + widest + GAP + source

    def draw(row: Line) -> str:
        blank = " " * (MARGIN + label + GAP)
        if isinstance(row, Switch):
            return " " * MARGIN + f"── switch ──▶ {names[row.to]}"
        if isinstance(row, Elision):
            return blank + steps.told(row)
        name = names[row.thread].ljust(label + GAP)
        return _margin(row) + name + _cell(row, width).ljust(widest + GAP) + _end(row.source, source)

    return [" " * MARGIN + "thread".ljust(label + GAP) + "step", "─" * total, *map(draw, rows)]


def _margin(row: Row) -> str:
    return LOST if row.lost else MARK if row.marked else " " * MARGIN


def _wanted(rows: Sequence[Line], thread: int, name: str) -> int:
    """Return the width at which nothing in the thread's column is shortened."""
    cells = [len(_cell(row, 10_000)) for row in rows if isinstance(row, Row) and row.thread == thread]
    return max(NARROWEST_COLUMN, min(len(name), 20), *cells, 0)


def _share(wanted: dict[int, int], room: int) -> dict[int, int]:
    """Give each column what it wants, or an equal share of what the modest ones leave."""
    shares: dict[int, int] = {}
    left = room - GAP * len(wanted)
    for rank, (thread, width) in enumerate(sorted(wanted.items(), key=lambda item: (item[1], item[0]))):
        shares[thread] = min(width, left // (len(wanted) - rank))
        left -= shares[thread]
    return {thread: shares[thread] for thread in wanted}


def _cell(row: Row, width: int) -> str:
    """Return indentation and operation in at most ``width`` columns; the resource keeps its end."""
    before, resource, after = row.before, row.resource, row.after
    length = len(before) + len(resource) + len(after)
    # What happens matters more than how deep.
    indent = " " * max(min(2 * row.depth, 8, width // 4, width - length), 0)
    room = width - len(indent)
    if length > room:
        after = _end(_STEPS.sub(r"(\1)", after), max(8, room // 2))
    space = room - len(before) - len(after)
    method, _, key = resource.partition("(")
    method = method.rpartition(".")[2]
    if len(resource) > space >= len(method) + 4 and key:  # of a call, what is called matters, too
        kept = space - len(method) - 2
        resource = f"{method}(…{key[-kept:]}" if len(key) > kept else f"…{method}({key}"
    elif len(resource) > space >= len(method) and row.source == "library":
        resource = method
    elif len(resource) > space:
        resource = "…" + resource[len(resource) - space + 1 :] if space > 1 else "…"
    return _end(indent + before + resource + after, width)


def _shortened(names: dict[int, str], width: int) -> dict[int, str]:
    """Return the names in at most ``width`` columns: their beginnings, with their ends where these tell them apart."""
    short = {thread: _end(name, width) for thread, name in names.items()}
    if len(set(short.values())) < len(set(names.values())):
        tail = width // 3
        for thread, name in names.items():
            short[thread] = name if len(name) <= width else f"{name[: width - tail - 1]}…{name[-tail:]}"
    return short


def _end(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"
