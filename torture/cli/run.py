"""``torture run``: run scenario files against their variants."""

from __future__ import annotations

import argparse
from time import monotonic
from typing import Any

from torture.cli import arguments as types

DESCRIPTION = (
    "Run every variant of the scenarios in a process of its own, and compare it with what is expected."
)


def add_parser(subparsers: Any) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser("run", help="run scenario files", description=DESCRIPTION)
    add = parser.add_argument
    add("files", metavar="FILE", nargs="+", help="scenario file (YAML)")
    add("--only", metavar="PATTERN", help='run what fits "name" or "name/variant"; * and ? are wildcards')
    add(
        "--budget",
        metavar="TIME",
        type=types.duration,
        help="for each variant, such as 5s: overrides the files",
    )
    add("--seed", metavar="N", type=types.whole(0), help="overrides the files")
    add(
        "--engine",
        metavar="E",
        type=types.one_of(types.ENGINES),
        help="explore, stress or processes: overrides the files",
    )
    add(
        "--profile",
        action="store_true",
        help="stress: write a speedscope profile of each variant into profile/ in the report directory",
    )
    add("--report-dir", metavar="DIR", default="reports", help="where run.json goes (default reports)")


def main(arguments: argparse.Namespace) -> int:
    """Run the scenarios, print the table and return the exit status."""
    from torture.exploration.supervisor import explore
    from torture.parallel.processes.supervisor import run_processes
    from torture.parallel.supervisor import stress
    from torture.report.console import progress, show_table
    from torture.scenario.execute import Options, execute, select
    from torture.scenario.loader import load

    begun = monotonic()
    options = Options(
        files=tuple(arguments.files),
        only=arguments.only,
        budget=arguments.budget,
        seed=arguments.seed,
        engine=arguments.engine,
        report_dir=arguments.report_dir,
        profile=arguments.profile,
    )
    cases = select(load(options.files), options.only)
    with progress(len(cases)) as begin:
        run = execute(cases, explore, options, begin, stress, run_processes)
    show_table(run.rows, monotonic() - begun, interrupted=run.interrupted)
    return run.exit_status
