"""What a run in real processes tells beyond the table: figures that were counted, faults that struck, what was exhausted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
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


def faults(told: Sequence[dict[str, Any] | None]) -> Iterator[str]:
    """Yield a line for each kind of fault, added up over several variants."""
    sums: dict[str, Counter[str]] = {}
    for each in told:
        for stage in each["stages"] if each is not None else ():
            if stage["fault"] == "none" or not ("struck" in stage or "crash states" in stage):
                continue
            added = sums.setdefault(stage["fault"], Counter())
            added["variants"] += 1
            added["exhausted"] += bool(stage.get("exhausted"))
            for figure in ("executions", "struck", "boundaries", "crash states"):
                added[figure] += stage.get(figure, 0)
    if sums:
        yield "faults in real processes, added up; of each variant in the JSON, or here with --only"
    width = max(map(len, sums), default=0)
    for fault, added in sums.items():
        struck = "crash states" if added["crash states"] else "struck"
        parts = [_plural(added["variants"], "variant", "s"), f"{added[struck]:,} {struck}"]
        if added["boundaries"]:
            parts.append(f"{added['boundaries']:,} boundaries")
        if added["exhausted"]:
            parts.append(f"{added['exhausted']} exhausted")
        yield f"  {fault:{width}}  {', '.join(parts)}"


def _plural(count: int, noun: str, ending: str) -> str:
    return f"{count} {noun}{'' if count == 1 else ending}"
