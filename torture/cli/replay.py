"""``torture replay``: run one schedule again."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from typing import Any

from torture.cli import arguments as types
from torture.cli.outcome import conclude
from torture.errors import UsageError

DESCRIPTION = "Run the schedule of TOKEN again, exactly; fail loudly where it no longer fits the code."


def add_parser(subparsers: Any) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser("replay", help="run one schedule again", description=DESCRIPTION)
    add = parser.add_argument
    add("schedule", metavar="TOKEN|FILE", help="a schedule, or a file with one: plain, or a result as JSON")
    add("--real", action="store_true", help="carry the threads on real OS threads that take turns")
    add("--json", metavar="FILE", type=types.output, help='write the result as JSON ("-": standard output)')
    add("--trace", metavar="FILE", type=types.output, help="write every step of the execution")


def main(arguments: argparse.Namespace) -> int:
    """Replay, print the result and return the verdict's exit status."""
    from torture.exploration import supervisor

    token = find_token(arguments.schedule)
    result = supervisor.replay(
        token, trace=arguments.trace, carrier="thread" if arguments.real else "greenlet"
    )
    return conclude(result, json_file=arguments.json, trace_file=arguments.trace)


def find_token(schedule: str) -> str:
    """Return the token that ``schedule`` is, or that the file of this name holds."""
    if not os.path.exists(schedule):
        if schedule.endswith((".json", ".txt")):
            raise UsageError(f"there is no file {schedule!r}; check the path, or give the token itself")
        return schedule
    try:
        with open(schedule, encoding="utf-8") as file:
            content = file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{schedule} cannot be read as text: {error}") from error
    if not content.startswith(("{", "[")):
        if len(content.split()) != 1:
            raise UsageError(f"{schedule} holds no schedule; it should be one token, or a result as JSON")
        return content
    try:
        tokens = list(dict.fromkeys(_schedules(json.loads(content))))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{schedule} is no valid JSON: {error}") from error
    if len(tokens) != 1:
        held = (
            f"holds {len(tokens)} schedules; give the one you want"
            if tokens
            else "holds no schedule; look for"
        )
        raise UsageError(f'{schedule} {held} (the value of "schedule" in a finding)')
    return tokens[0]


def _schedules(value: Any) -> Iterator[str]:
    """Yield every non-empty ``schedule`` of a result, of a row or of a whole ``run.json``."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "schedule" and isinstance(inner, str) and inner:
                yield inner
            else:
                yield from _schedules(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _schedules(inner)
