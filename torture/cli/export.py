"""``torture export``: write a script that shows one schedule's bug without torture."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from torture.cli import arguments as types
from torture.cli.replay import find_token

DESCRIPTION = (
    "Write a stand-alone script that forces the schedule of TOKEN on an ordinary interpreter, with the standard library"
    " only: exit status 1 when the bug shows, 0 when it does not, 2 when the schedule could not be followed."
    " It is run once, and the status says what it showed: 0 the bug, 4 not."
)
CHECK_LIMIT = 120  # seconds
SHOWS, UNKNOWN = 1, 4


def add_parser(subparsers: Any) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "export", help="write a script that shows one schedule's bug without torture", description=DESCRIPTION
    )
    add = parser.add_argument
    add("schedule", metavar="TOKEN|FILE", help="a schedule, or a file with one: plain, or a result as JSON")
    add("-o", dest="output", metavar="FILE", type=types.output, help="the script (default: standard output)")


def main(arguments: argparse.Namespace) -> int:
    """Write the script, run it once, and return 0 where it showed the bug."""
    from torture.exploration import supervisor

    token = find_token(arguments.schedule)
    with tempfile.TemporaryDirectory() as folder:
        to_stdout = arguments.output in (None, "-")
        file = os.path.join(folder, "script.py") if to_stdout else arguments.output
        result = supervisor.export(token, file)
        if result.finding is not None:  # the worker did not survive the schedule
            print(f"torture: not exported: {result.finding.message}", file=sys.stderr)
            return UNKNOWN
        if to_stdout:
            sys.stdout.write(Path(file).read_text(encoding="utf-8"))
        status = _check(file)
    for warning in result.warnings:
        print(f"torture: {warning}", file=sys.stderr)
    shown = {SHOWS: "shows the bug", 0: "does not show the bug"}.get(status, "could not follow the schedule")
    print(f"torture: run once, {'the script' if to_stdout else arguments.output} {shown}", file=sys.stderr)
    return 0 if status == SHOWS else UNKNOWN


def _check(file: str) -> int:
    """Return the script's exit status, -1 where it did not end."""
    try:
        return subprocess.run(
            [sys.executable, file],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=CHECK_LIMIT,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        return -1
