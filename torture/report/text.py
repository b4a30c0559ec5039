"""The summary of a result for a terminal: what was found, what was covered, and no more than that."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator
from typing import Any

from torture.findings import Finding, Result, Verdict
from torture.report import stress

REPLAY = "replay"  # the strategy of a result that comes from one given schedule
WIDTH = 100
LISTED = 10  # items of a list that are printed


def summary(result: Result, width: int = 80) -> str:
    """Return the verdict, then the finding, then what was covered; a failure's table is ``width`` columns wide."""
    lines = [f"{result.verdict.value}: {_verdict(result)}", *filter(None, [stress.loud(result)])]
    if result.finding is not None:
        lines += ["", *_finding(result.finding, result.strategy, width), ""]
    lines += _coverage(result)
    return "\n".join(lines)


def replay_command(finding: Finding) -> str:
    """Return the command that replays the finding, "" where it has no schedule."""
    return f"torture replay {shlex.quote(finding.schedule)}" if finding.schedule else ""


def _verdict(result: Result) -> str:
    schedules = _counted(result.executions, "schedule")
    if result.finding is not None:
        if result.strategy == REPLAY:
            return f"{result.finding.kind.value}; the schedule fails again"
        when = f" in execution {result.executions_to_failure:,}" if result.executions_to_failure else ""
        return f"{result.finding.kind.value} in {result.target}{when}"
    if result.strategy == stress.STRATEGY:
        return stress.verdict(result)
    if result.verdict is Verdict.UNKNOWN:
        return f"no finding in {schedules}, but something essential was not controlled or not seen; this is no pass"
    if result.verdict is not Verdict.PASSED:
        return f"torture itself failed on {result.target}"
    if result.strategy == REPLAY:
        return "the schedule does not fail"
    if result.exhausted is not None:
        return f"0 of {schedules} failed; exhausted within the limits below"
    if any("exhausted" in stage for stage in result.stages):
        return f"0 of {schedules} failed; exhausted up to the bound below"
    return f"0 of {result.executions:,} sampled schedules failed; not exhausted"


def _exhausted(facts: dict[str, Any]) -> list[str]:
    """Return what a proof holds for, as the engine says it."""
    told = "; ".join(f"{key.replace('_', ' ')}: {_plain(value)}" for key, value in facts.items())
    return textwrap.wrap(f"exhausted for {told}", WIDTH, break_long_words=False, break_on_hyphens=False)


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _finding(finding: Finding, strategy: str, width: int) -> Iterator[str]:
    from torture.report.failure import NO_SCHEDULE, render  # here: a run that passes does not wait for it

    command = replay_command(finding)
    if finding.trace is not None:
        yield render(finding, finding.trace, width=width, command=command)
    elif strategy == stress.STRATEGY:
        yield from stress.finding(finding)
    else:
        yield f"{finding.kind.value}: {finding.message}"
        yield f"replay: {command}" if command else NO_SCHEDULE
    if finding.counts:
        yield "counted: " + ", ".join(f"{name} {count}" for name, count in finding.counts.items())
    for error in finding.errors:
        yield ""
        yield error.rstrip()


def _coverage(result: Result) -> Iterator[str]:
    yield from stress.coverage(result) if result.strategy == stress.STRATEGY else _explored(result)
    yield from _list("not seen", result.unseen)
    yield from _list("warning", result.warnings)


def _explored(result: Result) -> Iterator[str]:
    rate = f", {result.executions_per_second:,.0f}/s" if result.executions_per_second else ""
    executions = _counted(result.executions, "execution")
    yield f"explored: {executions} in {result.seconds:.1f} s{rate}, {_strategy(result)}"
    yield (
        f"          {result.points:,.1f} scheduling points per execution, {_counted(result.threads, 'thread')}, "
        f"granularity {result.granularity}"
    )
    if result.exhausted is not None:
        yield from _exhausted(result.exhausted)
        return
    if result.learnt is not None:
        executions, kinds = _counted(result.learnt["executions"], "execution"), len(result.learnt["left_out"])
        yield (
            f"          {executions} without {_counted(kinds, 'kind')} of points "
            "whose objects no two threads share and write"
        )
    for stage in result.stages:
        if "exhausted" in stage:
            yield f"          exhausted: {stage['exhausted']} (a timer that fires early counts as one)"


def _strategy(result: Result) -> str:
    # Those of another granularity looked whether a GIL prevents what was found.
    stages = [str(stage.get("strategy", "")) for stage in result.stages if "granularity" not in stage]
    named = " → ".join(stage for stage in stages if stage)
    detail = f" ({named})" if named and named != result.strategy else ""
    return f"strategy {result.strategy}{detail}, seed {result.seed}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _list(title: str, items: tuple[str, ...]) -> Iterator[str]:
    for item in items[:LISTED]:
        yield f"{title}: {item}"
    if len(items) > LISTED:
        yield f"{title}: … {len(items) - LISTED} more; --json has all"
