"""What a run in real processes tells beyond the table: figures that were counted, faults that struck, what was exhausted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torture.findings import Result

STRATEGY = "processes"  # the strategy of such a result


def details(result: Result) -> dict[str, Any] | None:
    """Return what stands in the report of one variant, None for another engine."""
    if result.strategy != STRATEGY:
        return None
    left_out = ("latency", "harness", "strategy", "seconds")  # times differ from run to run
    stages = [{key: value for key, value in stage.items() if key not in left_out} for stage in result.stages]
    for stage in stages:
        stage.pop("start_spread", None)
    return {"stages": stages, "exhausted": result.exhausted}


def notes(name: str, told: dict[str, Any] | None) -> Iterator[str]:
    """Yield the lines below the table for one variant."""
    for stage in told["stages"] if told is not None else ():
        processes = _plural(stage["processes"], "process", "es")
        parts = [f"{_plural(stage['executions'], 'execution', 's')} of {processes}"]
        if "crash states" in stage:
            figures = ("operations", "prefixes", "crash states", "images read")
            parts = [f"{stage[figure]} {figure}" for figure in figures]
        if stage.get("excused"):
            parts.append(f"{stage['excused']} refused for it")
        if "struck" in stage and "crash states" not in stage:
            parts.insert(1, f"{stage['struck']} struck")
        if "boundaries" in stage:
            parts.append(f"{stage['boundaries']} boundar{'y' if stage['boundaries'] == 1 else 'ies'}")
        parts += [f"{figure.replace('_', ' ')} {count:,}" for figure, count in stage["counts"].items()]
        what = stage["fault"] if stage["fault"] != "none" else "undisturbed"
        end = " (exhausted)" if stage.get("exhausted") else ""
        if stage["counts"] or "struck" in stage:
            yield f"{name}: {what}: {', '.join(parts)}{end}"


def _plural(count: int, noun: str, ending: str) -> str:
    return f"{count} {noun}{'' if count == 1 else ending}"
