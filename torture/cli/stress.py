"""``torture stress``: run one target again and again on real threads."""

from __future__ import annotations

import argparse
from typing import Any

from torture.cli import arguments as types
from torture.cli.outcome import conclude, said_when_interrupted
from torture.cli.progress import ProgressLine
from torture.errors import UsageError

DESCRIPTION = "Run TARGET on real threads, disturbed at random, until it fails. It finds; it proves nothing."


def add_parser(subparsers: Any) -> None:
    """Add the command and its options."""
    from torture.parallel.job import PERTURBATIONS

    parser = subparsers.add_parser("stress", help="run one target on real threads", description=DESCRIPTION)
    types.add_target(parser)
    add = parser.add_argument
    add("--executions", metavar="N", type=types.whole(1), help="stop after N executions")
    add("--budget", metavar="TIME", type=types.duration, help="stop after 30s, 500ms, 2m (default 5s)")
    add("--seed", metavar="K", type=types.whole(0), default=0, help="of the disturbance (default 0)")
    add(
        "--perturbation",
        metavar="P",
        type=types.one_of(PERTURBATIONS),
        default="light",
        help="off, light (default) or heavy: yields and short sleeps at random scheduling points",
    )
    add("--threads", metavar="N", type=types.whole(1), help="call TARGET in N threads at once")
    add("--component", metavar="NAME", help="class or factory in TARGET's module whose methods are timed")
    add(
        "--history",
        metavar="FILE",
        type=types.output,
        help="write the calls of --component as JSON lines, for an oracle (docs/history.md)",
    )
    add("--json", metavar="FILE", type=types.output, help='write the result as JSON ("-": standard output)')
    add("--profile", metavar="FILE", type=types.output, help="write a speedscope profile, taken by py-spy")


def main(arguments: argparse.Namespace) -> int:
    """Run, print the result and return the verdict's exit status."""
    from torture.parallel import supervisor
    from torture.parallel.job import DEFAULT_BUDGET, StressJob

    if arguments.history is not None and arguments.component is None:
        raise UsageError(
            "--history needs --component NAME: the class in TARGET's module whose calls are written"
        )
    budget: float | None = arguments.budget
    if budget is None and arguments.executions is None:
        budget = DEFAULT_BUDGET
    job = StressJob(
        target=arguments.target,
        executions=arguments.executions,
        budget=budget,
        seed=arguments.seed,
        perturbation=arguments.perturbation,
        threads=arguments.threads,
        component=arguments.component,
        history=arguments.history,
        profile=arguments.profile,
    )
    with (
        ProgressLine(job.target, executions=job.executions, budget=job.budget) as progress,
        said_when_interrupted(arguments.json),
    ):
        result = supervisor.stress(job, progress)
    return conclude(result, json_file=arguments.json, trace_file=None)
