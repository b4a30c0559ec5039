"""The summary of a run on real threads for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torture.findings import Finding, Result, Verdict
from torture.report.latency import FIGURES, cost, known

STRATEGY = "stress"  # the strategy of such a result


def verdict(result: Result) -> str:
    """Return what a run without a finding says; there is no more to it than that."""
    count = _counted(result.executions)
    if result.verdict is not Verdict.PASSED:
        return f"no finding in {count}, but the run did not come to its end"
    return f"0 of {count} failed; stress proves nothing"


def harness(result: Result) -> dict[str, Any] | None:
    """Return what measuring cost, None where nothing was timed."""
    return next((stage["harness"] for stage in result.stages if "harness" in stage), None)


def gil(result: Result) -> bool | None:
    """Return whether the interpreter held a GIL, None where that is not known."""
    return next((stage["gil"] for stage in result.stages if "gil" in stage), None)


def loud(result: Result) -> str:
    """Return what must not be missed: a free-threaded interpreter that ran with a GIL."""
    return next((stage["gil_said"] for stage in result.stages if "gil_said" in stage), "")


def finding(found: Finding) -> Iterator[str]:
    """Yield what was found, then every thread's stack or traceback."""
    yield f"{found.kind.value}: {found.message}"
    if "disturbed" in found.labels:
        yield "found while the threads were disturbed at scheduling points; there is no schedule to replay"
    else:
        yield "there is no schedule to replay: run it again"


def coverage(result: Result) -> Iterator[str]:
    """Yield what was run, and the latencies."""
    rate = f", {result.executions_per_second:,.0f}/s" if result.executions_per_second else ""
    yield f"ran: {_counted(result.executions)} in {result.seconds:.1f} s{rate}, seed {result.seed}"
    for stage in result.stages:
        if "executions" in stage:
            yield f"     perturbation {stage['perturbation']}: {_counted(stage['executions'])}"
    first: dict[str, Any] = result.stages[0] if result.stages else {}
    if "gil" in first:
        how = "with a GIL" if first["gil"] else "free-threaded"
        most = f", {_counted(result.threads, 'thread')} at most" if result.threads else ""
        yield f"     on real threads, {how}, {first['cores']} cores{most}"
    if first.get("latency"):
        yield from _latencies(first["latency"])
        yield from _harness(first["harness"])


def slowest_p95(result: Result) -> float | None:
    """Return the p95 of the slowest operation in milliseconds, None where none was timed often enough for one."""
    found = (known(figures, "p95") for figures in latencies(result))
    return max((figure for figure in found if figure is not None), default=None)


def latencies(result: Result) -> tuple[dict[str, Any], ...]:
    """Return the figures of each operation, in milliseconds."""
    return tuple(figures for stage in result.stages for figures in stage.get("latency", ()))


def _counted(count: int, what: str = "execution") -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _latencies(operations: list[dict[str, Any]]) -> Iterator[str]:
    width = max(len("operation"), *(len(each["operation"]) for each in operations))
    heads = "".join(f"{name:>10}" for name in FIGURES)
    yield f"latency in ms, undisturbed executions only:\n  {'operation':{width}}{'calls':>9}{heads}{'calls/s':>11}"
    for each in operations:
        found = (known(each, name) for name in FIGURES)
        figures = "".join(f"{'-':>10}" if figure is None else f"{figure:>10.4g}" for figure in found)
        yield f"  {each['operation']:{width}}{each['calls']:>9,}{figures}{each['per_second']:>11,.0f}"
        pauses = [
            f"{each[name]:,} {what}"
            for name, what in (
                ("calls_with_collection", "during a garbage collection"),
                ("calls_preempted", "while the system took the core away"),
            )
            if each[name]
        ]
        if pauses:
            yield f"  {'':{width}}  {', '.join(pauses)}; max without: {each['max_without_pause']:.4g}"
        if each["paced"]:
            yield from _paced(each["paced"], width)


def _paced(paced: dict[str, Any], width: int) -> Iterator[str]:
    plain, woken = paced["uncorrected"], paced["woken_late"]
    yield (
        f"  {'':{width}}  paced: {paced['overdue']:,} calls were overdue and count from when they were due;"
        f" uncorrected p99 {plain['p99']:.4g}, max {plain['max']:.4g}"
    )
    yield f"  {'':{width}}  woken late by the scheduler: p99 {woken['p99']:.4g}, max {woken['max']:.4g}, not contained"


def _harness(harness: dict[str, Any]) -> Iterator[str]:
    yield f"  {cost(harness)}"
    if harness["collections"]:
        yield f"  {harness['collections']:,} garbage collections, the longest {harness['longest_collection']:.4g} ms"
