"""The second table of ``torture run``: latency and throughput of each operation on real threads.

A percentile needs calls: one in twenty lies beyond p95, one in a thousand beyond p99.9. What has fewer is not shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torture.report.console import Row

FIGURES = ("p50", "p95", "p99", "p99.9", "max")
_FEWEST = {"p50": 2, "p95": 20, "p99": 100, "p99.9": 1000, "max": 1}  # calls
_HEADS = ("calls", *FIGURES, "calls/s")
_INDENT = 2
_GAP = "  "


def milliseconds(figure: float) -> str:
    """Return milliseconds in at most six characters.

    >>> [milliseconds(each) for each in (0.00182, 0.0318, 2.346, 31.4, 1234.4)]
    ['0.0018', '0.032', '2.35', '31.4', '1234']
    """
    digits = 4 if figure < 0.01 else 3 if figure < 1 else 2 if figure < 10 else 1 if figure < 100 else 0
    return f"{figure:.{digits}f}"


def known(each: dict[str, Any], figure: str) -> float | None:
    """Return a figure of an operation in milliseconds, None where there were too few calls for it.

    >>> [known({"calls": 99, "p95": 2.0, "p99": 3.0}, figure) for figure in ("p95", "p99")]
    [2.0, None]
    """
    found: float = each[figure]
    return found if each["calls"] >= _FEWEST[figure] else None


def table(rows: Sequence[Row], width: int, none: str = "–") -> Iterator[str]:
    """Yield the lines of the table of all that was timed often enough for a p95, none where nothing was."""
    timed = [(row, often) for row in rows if (often := [each for each in row.latency if _often(each)])]
    seldom = sum(not _often(each) for row in rows for each in row.latency)
    if timed:
        yield from _lines(timed, width, none)
    if seldom:
        rest = "the others" if timed else "latencies"
        yield f"  {rest} ({seldom}, of fewer than {_FEWEST['p95']} calls) stand in the JSON"


def _often(each: dict[str, Any]) -> bool:
    return known(each, "p95") is not None


def _lines(timed: Sequence[tuple[Row, Sequence[dict[str, Any]]]], width: int, none: str) -> Iterator[str]:
    figures = {id(each): _figures(each, none) for _, often in timed for each in often}
    widths = [max(map(len, column)) for column in zip(_HEADS, *figures.values(), strict=True)]
    names = {id(each): each["operation"] for _, often in timed for each in often}
    room = width - _INDENT - sum(widths) - len(_GAP) * len(widths)
    if max(map(len, names.values())) > room:  # the line above names the component
        names = {key: name.partition(".")[2] or name for key, name in names.items()}
    first = max(len("operation"), *map(len, names.values())) + _INDENT

    def line(name: str, cells: Sequence[str]) -> str:
        return _GAP.join(
            [f"{name:{first}}", *(f"{cell:>{size}}" for cell, size in zip(cells, widths, strict=True))]
        )

    yield "latency in ms, undisturbed executions only"
    yield line("  operation", _HEADS)
    for row, often in timed:
        yield f"{row.scenario}/{row.variant}"
        for each in often:
            yield line("  " + names[id(each)], figures[id(each)])


def _figures(each: dict[str, Any], none: str) -> list[str]:
    found = (known(each, name) for name in FIGURES)
    times = (none if figure is None else milliseconds(figure) for figure in found)
    return [f"{each['calls']:,}", *times, f"{each['per_second']:,.0f}"]


def notes(rows: Sequence[Row]) -> Iterator[str]:
    """Yield what has to be known to read the table."""
    costs = [row.harness for row in rows if row.harness]
    if costs:
        yield f"  {cost(_worst(costs))}"
    paused = [each for row in rows for each in row.latency]
    collected = sum(each["calls_with_collection"] for each in paused)
    preempted = sum(each["calls_preempted"] or 0 for each in paused)
    if collected or preempted:
        yield (
            f"  contained: {collected:,} calls during a garbage collection,"
            f" {preempted:,} while the system took the core away"
        )
    overdue = sum(each["paced"]["overdue"] for each in paused if each["paced"])
    if any(each["paced"] for each in paused):
        yield f"  paced calls count from when they were due; {overdue:,} were overdue"


def cost(harness: dict[str, Any]) -> str:
    """Return what measuring costs, in words."""
    return (
        f"measuring costs {harness['nanoseconds_per_call'] / 1000:.2g} µs per call, outside the interval;"
        f" an empty call measures {harness['empty_call_nanoseconds'] / 1000:.2g} µs"
    )


def _worst(costs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return max(costs, key=lambda each: each["nanoseconds_per_call"])
