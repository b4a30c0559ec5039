"""How many executions each strategy needs to find known bug patterns: ``python benchmarks/patterns.py [STRATEGY ...]``.

Prints the median over the seeds (``--seeds``, five) for each ``*_bug`` function in ``benchmarks/patterns/``, "x" where most seeds found
nothing, and for each strategy how many programs it found and the geometric mean (what was not found counts as the
limit). The ``*_ok`` twins have to stay silent. ``--only PATTERN`` restricts to programs whose name matches a regular expression.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from random import Random
from statistics import median

ROOT = Path(__file__).parents[1]
EXECUTIONS = 1_000  # and
POINTS = 400_000  # scheduling points, whichever ends first: then the bug counts as not found
BATCH = 16  # as the run loop seeds


def programs() -> list[str]:
    """Return the targets, which are not imported here."""
    found = []
    for file in sorted((ROOT / "benchmarks" / "patterns").glob("*.py")):
        names = re.findall(r"^def ([a-z]\w*_(?:bug|ok))\(", file.read_text(), re.MULTILINE)
        found += [f"benchmarks.patterns.{file.stem}:{name}" for name in names]
    return found


def measure(target: str, strategies: list[str], seeds: int, *, learn: bool) -> dict[str, list[int | None]]:
    """Return for each strategy the executions to the first failure of each seed; to be called once a process."""
    from torture.exploration.job import Job
    from torture.exploration.portfolio import portfolio
    from torture.exploration.session import Session

    found: dict[str, list[int | None]] = {}
    session = Session(Job(target=target, learn=learn))
    for name in strategies:
        found[name] = []
        for seed in range(seeds if target.endswith("_bug") else 1):
            strategy, rng, points = portfolio(name), Random(), 0
            session.forget()
            failed: int | None = 1 if session.warm_up.failure else None
            for count in range(EXECUTIONS if failed is None else 0):
                if count % BATCH == 0:
                    rng.seed(seed * 1_000_003 + count // BATCH)
                execute = session.sample if strategy.samples else session.run
                execution = execute(strategy, rng)
                if execution is None or points > POINTS:
                    break
                points += execution.points
                if execution.failure is not None:
                    failed = count + 1
                    break
            found[name].append(failed)
    return found


def main() -> int:
    """Measure all programs, each in a process of its own, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("strategies", nargs="*")
    parser.add_argument("--only", default="")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--no-learn", action="store_true", help="with every point in every execution")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    strategies = arguments.strategies or ["random", "pct", "pos", "surw", "auto"]
    if arguments.measure:
        learn = not arguments.no_learn
        print(json.dumps(measure(arguments.measure, strategies, arguments.seeds, learn=learn)))
        return 0
    print(f"{'':26}" + "".join(f"{name:>9}" for name in strategies))
    options = ["--no-learn"] * arguments.no_learn
    medians: dict[str, list[float]] = {name: [] for name in strategies}
    alarms = 0
    for target in programs():
        name = target.partition(":")[2]
        if not re.search(arguments.only, name):
            continue
        own = strategies if name.endswith("_bug") else strategies[-1:]
        done = subprocess.run(
            [sys.executable, __file__, "--measure", target, "--seeds", str(arguments.seeds), *options, *own],
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            print(f"{name:26} {done.stderr.strip().splitlines()[-1]}", flush=True)
            continue
        found = json.loads(done.stdout.splitlines()[-1])
        if name.endswith("_ok"):
            if found[own[0]] != [None]:
                alarms += 1
                print(f"{name:26} FALSE ALARM", flush=True)
            continue
        row = [median(EXECUTIONS if n is None else n for n in found[strategy]) for strategy in strategies]
        for strategy, value in zip(strategies, row, strict=True):
            medians[strategy].append(value)
        cells = ("x" if value >= EXECUTIONS else f"{value:g}" for value in row)
        print(f"{name:26}" + "".join(f"{cell:>9}" for cell in cells), flush=True)
    _summary(medians, alarms)
    return 1 if alarms else 0


def _summary(medians: dict[str, list[float]], alarms: int) -> None:
    columns = list(medians.values())
    found = [f"{sum(value < EXECUTIONS for value in column)}/{len(column)}" for column in columns]
    means = [f"{math.exp(sum(map(math.log, column)) / len(column)):.2f}" for column in columns if column]
    print(f"{'found':26}" + "".join(f"{cell:>9}" for cell in found))
    print(f"{'geometric mean':26}" + "".join(f"{cell:>9}" for cell in means))
    print(f"false alarms: {alarms}")


if __name__ == "__main__":
    sys.exit(main())
