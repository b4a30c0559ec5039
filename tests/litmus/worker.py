"""Explores every program of one module: ``python -m tests.litmus.worker MODULE GRANULARITY``; prints JSON.

Exhaustively by plain depth-first search; in the granularity that it reduces also by DPOR.

A process of its own, because torture's patches must be in place before the programs are imported.
"""

from __future__ import annotations

import json
import sys

from torture.exploration.outcomes import Outcomes, outcomes, prepare

SAMPLES = 1_000
REDUCED = 2_000  # executions of DPOR; what has more classes of schedules is left to other tests


def main(module: str, granularity: str, *names: str) -> int:
    """Print one JSON object: program name to what was seen; all programs, or those named."""
    prepare()
    from tests.litmus.corpus import load

    report = {}
    for program in load(module):
        if names and program.name not in names:
            continue
        seen: Outcomes
        if program.sampled:
            seen = outcomes(program.function, strategy="random", granularity=granularity, executions=SAMPLES)
        else:
            seen = outcomes(program.function, strategy="dfs", granularity=granularity)
        reduced = None
        if granularity == "free-threaded" and sys.version_info >= (
            3,
            13,
        ):  # the others differ in bytecode only
            found = outcomes(program.function, strategy="dpor", executions=REDUCED)
            reduced = {"seen": sorted(map(repr, found.seen)), "exhausted": found.exhausted}
        report[program.name] = {
            "reduced": reduced,
            "seen": sorted(repr(outcome) for outcome in seen.seen),
            "exhausted": seen.exhausted,
            "executions": seen.executions,
        }
    print(json.dumps(report, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
