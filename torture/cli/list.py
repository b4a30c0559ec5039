"""``torture list``: list the scenarios of scenario files."""

from __future__ import annotations

import argparse
from itertools import groupby
from typing import Any

DESCRIPTION = "Read and check scenario files, and list their variants, without running anything."


def add_parser(subparsers: Any) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "list", help="list the scenarios of scenario files", description=DESCRIPTION
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="scenario file (YAML)")


def main(arguments: argparse.Namespace) -> int:
    """Print a line for each scenario, and one for each of its variants below."""
    from torture.report.console import plural
    from torture.scenario.loader import load

    cases = load(arguments.files)
    groups = [(scenario, list(group)) for scenario, group in groupby(cases, lambda case: case.scenario)]
    names = max((len(case.variant_name) for case in cases), default=0)
    for scenario, group in groups:
        fault = f" [{scenario.fault}]" if scenario.fault else ""
        engine = "" if group[0].engine == "explore" else f" ({group[0].engine})"
        print(f"{scenario.name}{fault}{engine}{': ' * bool(scenario.description)}{scenario.description}")
        for case in group:
            kinds = f": {', '.join(case.variant.kind)}" if case.variant.kind else ""
            print(f"  {case.variant_name:{names}}  {case.variant.component}  {case.variant.expect}{kinds}")
    print(f"{plural(len(groups), 'scenario')}, {plural(len(cases), 'variant')}")
    return 0
