"""``torture explore``: explore the schedules of one target."""

from __future__ import annotations

import argparse
from typing import Any

from torture.cli import arguments as types
from torture.cli.outcome import conclude, said_when_interrupted
from torture.cli.progress import ProgressLine

DESCRIPTION = "Run TARGET under many schedules, each deterministic and replayable."


def add_parser(subparsers: Any) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "explore", help="explore the schedules of one target", description=DESCRIPTION
    )
    types.add_target(parser)
    add = parser.add_argument
    add(
        "--strategy",
        metavar="S",
        type=_strategy,
        default="auto",
        help="auto (default): a search that can end in a proof, by turns with samplers; or one of them alone",
    )
    add("--executions", metavar="N", type=types.whole(1), help="stop after N executions")
    add("--budget", metavar="TIME", type=types.duration, help="stop after 30s, 500ms, 2m (default 10s)")
    add("--seed", metavar="K", type=types.whole(0), default=0, help="same seed, same schedules (default 0)")
    add(
        "--granularity",
        metavar="G",
        type=types.one_of(types.GRANULARITIES),
        default="free-threaded",
        help="free-threaded (default): threads switch anywhere; gil: only where the GIL allows it",
    )
    add(
        "--instrument",
        metavar="own|PACKAGE",
        type=types.package,
        action="append",
        default=[],
        help="own: only the target's own code; PACKAGE: open a trusted one too (repeatable)",
    )
    add(
        "--carrier",
        metavar="C",
        type=types.one_of(types.CARRIERS),
        default="greenlet",
        help="greenlet (default), or thread",
    )
    add("--no-learn", action="store_true", help="keep the points that were learnt not to matter")
    add("--no-shrink", action="store_true", help="report the first failing schedule as it was found")
    add("--json", metavar="FILE", type=types.output, help='write the result as JSON ("-": standard output)')
    add("--trace", metavar="FILE", type=types.output, help="write every step of the failing execution")


def _strategy(text: str) -> str:
    if text != "auto":  # the strategies bring the runtime with them, which this process does not need
        from torture.strategies import STRATEGIES

        types.one_of(("auto", *STRATEGIES))(text)
    return text


def main(arguments: argparse.Namespace) -> int:
    """Explore, print the result and return the verdict's exit status."""
    from torture.exploration import supervisor
    from torture.exploration.job import Job

    budget: float | None = arguments.budget
    if budget is None and arguments.executions is None:
        budget = types.DEFAULT_BUDGET
    job = Job(
        target=arguments.target,
        strategy=arguments.strategy,
        executions=arguments.executions,
        budget=budget,
        seed=arguments.seed,
        granularity=arguments.granularity,
        instrument=tuple(arguments.instrument),
        carrier=arguments.carrier,
        learn=not arguments.no_learn,
        shrink=not arguments.no_shrink,
        trace=arguments.trace,
    )
    with (
        ProgressLine(job.target, executions=job.executions, budget=job.budget) as progress,
        said_when_interrupted(arguments.json),
    ):
        result = supervisor.explore(job, progress=progress)
    return conclude(result, json_file=arguments.json, trace_file=arguments.trace)
