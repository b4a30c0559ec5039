"""The table of ``torture run``, and its progress bar.

The widest of three layouts that fits: whole headers, short headers, and short cells too, where a mark at the verdict
says whether it is the expected one. A scenario's name stands once and may take several lines, broken at its hyphens.
Rich is imported when something is drawn.
"""

from __future__ import annotations

import os
import platform
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from torture.findings import Finding, FindingKind, Verdict
from torture.report import latency
from torture.report.failure import render
from torture.report.roles import faults, notes

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_NARROWEST_NAME = 8
_WIDE_NAME = 20  # columns that a wide table must leave for the scenario's name
_LAYOUTS = ((True, True), (False, True), (False, False))  # whole headers, whole cells
_SHORT_VARIANT = 12
_EACH = 12  # lines about faults or leaks; of more than that only the essence is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What came out for one variant; a figure that does not apply is None."""

    scenario: str
    fault: str
    variant: str
    engine: str
    executions: int | None
    lost: int | None
    duplicated: int | None
    deadlocks: int | None
    p95: float | None  # milliseconds, of the stress engine
    collisions: int | None
    torn: int | None = None  # reads, or crash states
    exhausted: dict[str, Any] | None = None  # within which limits every schedule was seen
    processes: dict[str, Any] | None = None  # what more the processes engine tells
    verdict: Verdict
    expected: Verdict
    expected_kinds: tuple[FindingKind, ...]
    finding: Finding | None
    warnings: tuple[str, ...]
    command: str  # shows it again
    latency: tuple[dict[str, Any], ...] = ()  # of each operation, of the stress engine
    harness: dict[str, Any] | None = None  # what timing them cost
    gil: bool | None = None  # whether the interpreter held one, of the stress engine
    gil_said: str = ""  # what is to be said loudly of it
    may_escape: bool = False  # the expected failure was written for an engine that searches; this one samples

    @property
    def escaped(self) -> bool:
        """Return whether an expected failure did not show, on an engine that may well miss it."""
        return self.may_escape and self.expected is Verdict.FAILED and self.verdict is Verdict.PASSED

    @property
    def as_expected(self) -> bool:
        """Return whether verdict and kind are the expected ones."""
        if self.escaped:
            return True
        if self.verdict is not self.expected or self.verdict is not Verdict.FAILED:
            return self.verdict is self.expected
        kinds = self.expected_kinds
        if self.may_escape and FindingKind.DEADLOCK in kinds:
            kinds = (
                *kinds,
                FindingKind.HANG,
            )  # seen from outside, a deadlock may look like no more than that
        return self.finding is not None and self.finding.kind in kinds


@dataclass(frozen=True, slots=True)
class _Column:
    wide: str
    short: str
    right: bool = False


_COLUMNS = (
    _Column("scenario", "scenario"),
    _Column("fault", "row"),
    _Column("variant", "variant"),
    _Column("engine", "eng"),
    _Column("executions", "runs", right=True),
    _Column("lost", "lost", right=True),
    _Column("duplicated", "dup", right=True),
    _Column("deadlocks", "dl", right=True),
    _Column("p95 ms", "p95ms", right=True),
    _Column("collisions", "col", right=True),
    _Column("torn", "torn", right=True),  # where a row has it
    _Column("verdict", "verdict"),
    _Column("expected", ""),  # in the narrow table a mark before the verdict
)
_EXHAUSTED = "* every schedule, or one of each class of equivalent ones; limits in the JSON"
_LEAK = "leak: "  # so begins a warning of something that executions leave behind
_MARKS = (
    ("✓", "✗", "○"),
    ("ok", "NOT", "may"),
)  # as expected, not so, not caught by an engine that may miss it
_SHORT_ENGINES = {"explore": "expl", "stress": "strs", "processes": "proc"}


def show_table(rows: Sequence[Row], seconds: float, *, interrupted: bool = False) -> None:
    """Print the table, what was not as expected, and the summary on standard output."""
    console = _console()
    if rows:
        console.print(_table(rows, console))
    if any(row.exhausted is not None for row in rows):
        console.print(_EXHAUSTED, markup=False, soft_wrap=True)
    none = "-" if console.options.ascii_only else "–"
    for line in (
        *latency.table(rows, console.width, none),
        *latency.notes(rows),
        *_faults(rows),
        *_leaks(rows),
    ):
        shown = line.replace("µ", "u") if console.options.ascii_only else line
        console.print(shown, markup=False, soft_wrap=True)
    for row in rows:
        if not row.as_expected:
            console.print(_complaint(row), markup=False, soft_wrap=True)
    for line in _interpreter(rows):
        console.print(line, markup=False, soft_wrap=True)
    console.print(summary(rows, seconds, interrupted=interrupted), markup=False, soft_wrap=True)


def summary(rows: Sequence[Row], seconds: float, *, interrupted: bool = False) -> str:
    """Return the closing line: how many were caught, clean, and not as expected."""
    good = [row.verdict for row in rows if row.as_expected]
    wrong = [row.verdict for row in rows if not row.as_expected]
    unknown = wrong.count(Verdict.UNKNOWN)
    escaped = sum(row.escaped for row in rows)
    exhausted = sum(row.exhausted is not None for row in rows)
    parts = [
        f"{good.count(Verdict.FAILED)} caught",
        f"{good.count(Verdict.PASSED) - escaped} clean" + (f" ({exhausted} exhausted)" if exhausted else ""),
        f"{len(wrong) - unknown} not as expected",
    ]
    if escaped:
        parts.append(f"{escaped} not caught (stress proves nothing)")
    if unknown:
        parts.append(f"{unknown} unknown")
    if good.count(Verdict.UNKNOWN):
        parts.append(f"{good.count(Verdict.UNKNOWN)} unknown as expected")
    end = "interrupted after" if interrupted else "in"
    return f"{plural(len(rows), 'variant')}: {', '.join(parts)} {end} {seconds:.1f} s"


def _faults(rows: Sequence[Row]) -> Iterator[str]:
    """Yield what struck real processes: for each variant of a short table, added up below a long one."""
    told = [row for row in rows if row.processes is not None]
    if len(told) > _EACH:
        yield from faults([row.processes for row in told])
        return
    for row in told:
        yield from notes(f"{row.scenario}/{row.variant}", row.processes)


def _leaks(rows: Sequence[Row]) -> Iterator[str]:
    """Yield what variants leave behind although they pass: all of it for a few of them, else one as an example."""
    leaks = {
        f"{row.scenario}/{row.variant}": [each for each in row.warnings if each.startswith(_LEAK)]
        for row in rows
        if row.verdict is Verdict.PASSED and row.as_expected
    }
    told = [f"{name}: {each}" for name, found in leaks.items() for each in found]
    if len(told) <= _EACH:
        yield from told
    else:
        count = sum(bool(found) for found in leaks.values())
        yield f"{plural(count, 'variant')} left something behind (all in the JSON), such as {told[0]}"


def _interpreter(rows: Sequence[Row]) -> Iterator[str]:
    """Yield how real threads ran, and loudly what a reader would not expect."""
    held = sorted({row.gil for row in rows if row.gil is not None})
    if held:
        how = " and ".join("with a GIL" if gil else "free-threaded" for gil in held)
        yield f"stress ran {how}, Python {platform.python_version()}, {os.cpu_count()} cores"
    yield from dict.fromkeys(row.gil_said for row in rows if row.gil_said)


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """Give a function that says which variant begins; draws on standard error if it is a terminal."""
    if not sys.stderr.isatty():
        yield lambda name: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        begun = 0

        def begin(name: str) -> None:
            nonlocal begun
            bar.update(task, completed=begun, description=escape(name))
            begun += 1

        yield begin


def _console() -> Console:
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False, emoji=False)


def _table(rows: Sequence[Row], console: Console) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    plain = console.options.ascii_only
    torn = any(row.torn is not None for row in rows)
    columns = [column for column in _COLUMNS if torn or column.wide != "torn"]
    for whole, wide in _LAYOUTS:
        columns = [column for column in columns if wide or column.short]
        headers = [column.wide if whole else column.short or column.wide for column in columns]
        cells = [_cells(row, wide=wide, plain=plain, torn=torn) for row in rows]
        gap = 2 if wide else 1
        others = sum(gap + max(map(_cell_width, column)) for column in zip(headers[1:], *cells, strict=True))
        if console.width - others >= _WIDE_NAME:  # the last layout is taken in any case
            break
    names = _names([row.scenario for row in rows], max(console.width - others, _NARROWEST_NAME))
    table = Table(box=SIMPLE_HEAD, padding=(0, gap - 1, 0, 0), pad_edge=False, show_edge=False)
    for header, column in zip(headers, columns, strict=True):
        table.add_column(header, justify="right" if column.right else "left", no_wrap=True)
    for row, name, line in zip(rows, names, cells, strict=True):
        style = "" if row.as_expected else "yellow" if row.verdict is Verdict.UNKNOWN else "bold red"
        table.add_row(name, *line, style=style)
    return table


def _names(scenarios: Sequence[str], room: int) -> list[str]:
    """Return what stands in the first column: a name once, its lines spread over the rows of the scenario."""
    cells: list[str] = []
    for name, group in groupby(scenarios):
        lines = textwrap.wrap(name, room)
        count = len(list(group))
        cells += [*lines[: count - 1], *[""] * (count - 1 - len(lines)), "\n".join(lines[count - 1 :])]
    return cells


def _cells(row: Row, *, wide: bool, plain: bool, torn: bool) -> list[str]:
    """Return what stands in the other columns."""
    none = "-" if plain else "–"
    mark = _MARKS[plain][1 if not row.as_expected else 2 if row.escaped else 0]
    kind = row.finding.kind.value if row.finding is not None else None
    more = (row.torn,) if torn else ()
    figures = (row.executions, row.lost, row.duplicated, row.deadlocks, row.p95, row.collisions, *more)
    return [
        row.fault or none,
        row.variant if wide else textwrap.fill(row.variant, _SHORT_VARIANT),
        row.engine if wide else _SHORT_ENGINES.get(row.engine, row.engine),
        *(  # of the figures the first one is the executions
            none
            if figure is None
            else latency.milliseconds(figure)
            if isinstance(figure, float)
            else f"{figure}{'*' * (column == 0 and row.exhausted is not None)}"
            for column, figure in enumerate(figures)
        ),
        *(
            [f"{row.verdict.value}: {kind}" if kind else row.verdict.value, f"{mark} {_expectation(row)}"]
            if wide
            else [f"{mark} {kind or row.verdict.value}"]
        ),
    ]


def _expectation(row: Row) -> str:
    return "may fail" if row.may_escape and row.expected is Verdict.FAILED else row.expected.value


def _cell_width(cell: str) -> int:
    return max(map(len, cell.split("\n")))


def _complaint(row: Row) -> str:
    """Return what a reader needs who did not expect this row."""
    lines = ["", f"{row.scenario}/{row.variant}: {_got(row)}; expected {_wanted(row)}"]
    lines += [f"  warning: {warning}" for warning in row.warnings]
    if row.finding is not None:
        lines += ["", _failure(row.finding, row.command)]
    if row.command not in "\n".join(lines):
        verb = "replay" if row.finding is not None and row.finding.schedule else "again"
        lines.append(f"{verb}: {row.command}")
    return "\n".join([*lines, ""])


def _failure(finding: Finding, command: str) -> str:
    if finding.trace is not None:
        return render(finding, finding.trace, command=command).rstrip()
    return "\n".join(
        [f"{finding.kind.value}: {finding.message}", *(error.rstrip() for error in finding.errors)]
    )


def _got(row: Row) -> str:
    if row.finding is not None:
        return f"{row.verdict.value} with {row.finding.kind.value}"
    after = "" if row.executions is None else f" after {plural(row.executions, 'execution')}"
    return f"{row.verdict.value}{after}"


def _wanted(row: Row) -> str:
    kinds = " or ".join(kind.value for kind in row.expected_kinds)
    return f"{row.expected.value} with {kinds}" if kinds else row.expected.value


def plural(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
