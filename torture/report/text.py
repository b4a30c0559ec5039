"""The summary of a result for a terminal: what was found, what was covered, and no more than that."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from torture.findings import Finding, Result, Verdict

REPLAY = "replay"  # the strategy of a result that comes from one given schedule
LISTED = 10  # items of a list that are printed


def summary(result: Result) -> str:
    """Return the verdict, then the finding, then what was covered."""
    lines = [f"{result.verdict.value}: {_verdict(result)}"]
    if result.finding is not None:
        lines += ["", *_finding(result.finding), ""]
    lines += _coverage(result)
    return "\n".join(lines)


def replay_command(finding: Finding) -> str | None:
    """Return the command that replays the finding, None where it has no schedule."""
    return f"torture replay {shlex.quote(finding.schedule)}" if finding.schedule else None


def _verdict(result: Result) -> str:
    schedules = f"{result.executions:,} {'schedule' if result.executions == 1 else 'schedules'}"
    if result.finding is not None:
        if result.strategy == REPLAY:
            return f"{result.finding.kind.value}; the schedule fails again"
        when = f" in execution {result.executions_to_failure:,}" if result.executions_to_failure else ""
        return f"{result.finding.kind.value} in {result.target}{when}"
    if result.verdict is Verdict.UNKNOWN:
        return f"no finding in {schedules}, but something essential was not controlled or not seen; this is no pass"
    if result.verdict is not Verdict.PASSED:
        return f"torture itself failed on {result.target}"
    if result.strategy == REPLAY:
        return "the schedule does not fail"
    if result.exhausted is not None:
        return f"0 of {schedules} failed; exhausted: {_exhausted(result.exhausted)}"
    return f"0 of {result.executions:,} sampled schedules failed; not exhausted"


def _exhausted(facts: dict[str, Any]) -> str:
    """Return the sentence that the engine wrote, or else the facts as they stand."""
    sentence = facts.get("sentence")
    return str(sentence) if sentence else ", ".join(f"{key} {_plain(value)}" for key, value in facts.items())


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _finding(finding: Finding) -> Iterator[str]:
    command = replay_command(finding)
    report = finding.report.rstrip() or f"{finding.kind.value}: {finding.message}"
    yield report
    if finding.counts:
        yield "counted: " + ", ".join(f"{name} {count}" for name, count in finding.counts.items())
    if command is None:
        yield "no schedule: it cannot be replayed"
    elif command not in report:
        yield f"replay: {command}"
    for error in finding.errors:
        yield ""
        yield error.rstrip()


def _coverage(result: Result) -> Iterator[str]:
    rate = f", {result.executions_per_second:,.0f}/s" if result.executions_per_second else ""
    yield f"explored: {result.executions:,} executions in {result.seconds:.1f} s{rate}, {_strategy(result)}"
    yield (
        f"          {result.points:,.1f} scheduling points per execution, {result.threads} threads, "
        f"granularity {result.granularity}"
    )
    if result.finding is not None and result.exhausted is not None:
        yield f"exhausted: {_exhausted(result.exhausted)}"
    yield from _list("not seen", result.unseen)
    yield from _list("warning", result.warnings)


def _strategy(result: Result) -> str:
    stages = [str(stage.get("strategy", "")) for stage in result.stages]
    named = " → ".join(stage for stage in stages if stage)
    detail = f" ({named})" if named and named != result.strategy else ""
    return f"strategy {result.strategy}{detail}, seed {result.seed}"


def _list(title: str, items: tuple[str, ...]) -> Iterator[str]:
    for item in items[:LISTED]:
        yield f"{title}: {item}"
    if len(items) > LISTED:
        yield f"{title}: … {len(items) - LISTED} more; --json has all"
