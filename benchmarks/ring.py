"""Executions of real threads until a known bug shows: ``python benchmarks/ring.py [--seeds 10] [--budget 20] [--scenario NAME]``.

Two producers on a ring for one (scenario ring-2-producers, published; row 0.3). ``plain`` is a loop of ``threading`` alone,
as a unit test has it; the others are ``torture stress`` at each perturbation, which starts the threads together. A run that
finds nothing counts with all of its executions, and the median is then a lower bound (>).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from torture.scenario.program import build  # noqa: E402 (the line above is what finds it)

PLAIN = "plain"
SCENARIO = "TORTURE_BENCHMARK_SCENARIO"  # for the processes that run it


_run_once = build(
    file=str(ROOT / "scenarios/ring_buffer.yaml"),
    name=os.environ.get(SCENARIO, "ring-2-producers"),
    variant="published",
)


def target() -> None:
    """Run the scenario's program once. A function has no component, so no part of the run is spent on latencies."""
    _run_once()


@dataclass(frozen=True, slots=True)
class Run:
    """One run: how many executions, in how many seconds, and whether the last one failed."""

    executions: int
    seconds: float
    found: bool


def plain(budget: float) -> Run:
    """Execute in a loop until it fails; to be called once a process."""
    target()
    begun = time.perf_counter()
    count, found = 0, False
    while not found and time.perf_counter() - begun < budget:
        count += 1
        try:
            target()
        except AssertionError:
            found = True
    return Run(count, time.perf_counter() - begun, found)


def stressed(perturbation: str, seed: int, budget: float) -> Run:
    """Run ``torture stress`` until it fails."""
    from torture.findings import Verdict
    from torture.parallel.job import StressJob
    from torture.parallel.supervisor import stress

    job = StressJob(target="benchmarks.ring:target", budget=budget, seed=seed, perturbation=perturbation)
    result = stress(job)
    return Run(result.executions, result.seconds, result.verdict is Verdict.FAILED)


def _measure(how: str, seed: int, budget: float) -> Run:
    if how != PLAIN:
        return stressed(how, seed, budget)
    code = f"from benchmarks.ring import plain; r = plain({budget}); print(r.executions, r.seconds, r.found)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=budget + 60,
    )
    executions, seconds, found = done.stdout.split()
    return Run(int(executions), float(seconds), found == "True")


def main() -> None:
    """Print one line of Markdown for each perturbation."""
    from torture.parallel.job import PERTURBATIONS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--budget", type=float, default=20.0, help="seconds of a run")
    parser.add_argument(
        "--scenario", default="ring-2-producers", help="another of scenarios/ring_buffer.yaml"
    )
    options = parser.parse_args()
    os.environ[SCENARIO] = options.scenario
    print(
        "| perturbation | found | executions to the bug, median | from, to | seconds, median | executions/s |"
    )
    print("|---|---|---|---|---|---|")
    for how in (PLAIN, *PERTURBATIONS):
        runs = [_measure(how, seed, options.budget) for seed in range(options.seeds)]
        counts = sorted(run.executions for run in runs)
        found = sum(run.found for run in runs)
        more = ">" if found <= len(runs) // 2 else ""
        rate = sum(counts) / sum(run.seconds for run in runs)
        print(
            f"| {how} | {found} of {len(runs)} | {more}{median(counts):,.0f} | {counts[0]:,}, {counts[-1]:,}"
            f" | {more}{median(run.seconds for run in runs):.2f} | {rate:,.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
