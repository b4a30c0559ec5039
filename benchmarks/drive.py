"""Runs one program under one tool and prints one line of JSON: ``python drive.py TOOL PROGRAM FOLDER``.

A process of its own for each, because tools patch the interpreter, hang, and leave threads behind.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from benchmarks.programs import load, shared_code

BUGGY = 5_000  # executions at most until the fault is found
CORRECT = 2_000  # executions of a program without a fault
CORRECT_PEER = 1_000  # the same for the slower tools: only executions a second are compared
STRESS = 5.0  # seconds of plain stress
PARALLEL, ITERATIONS = 8, 200  # threads of pytest-run-parallel, and calls of each

Report = dict[str, Any]  # failed (None: inconclusive), executions, and what the tool says besides


def torture(case: Any, mode: str, folder: str) -> Report:
    """Explore with one strategy of torture."""
    from torture.exploration.job import Job
    from torture.exploration.supervisor import explore

    job = Job(
        target=os.path.join(os.path.dirname(os.path.abspath(__file__)), "programs.py") + ":program",
        arguments={"folder": folder, "name": case.name},
        strategy=mode,
        executions=BUGGY if case.buggy else CORRECT,
        seed=1,
        shrink=False,
    )
    result = explore(job)
    return {
        "failed": {"failed": True, "passed": False}.get(str(result.verdict)),
        "executions": result.executions,
        "rate": result.executions_per_second,
        "points": result.points,
        "exhausted": result.exhausted is not None,
        "kind": str(result.finding.kind) if result.finding else "; ".join(result.unseen),
    }


def interleave(case: Any, mode: str, folder: str) -> Report:
    """Explore with interleave-test."""
    import interleave_test  # type: ignore[import-not-found,unused-ignore]

    result = interleave_test.explore(
        case.run,
        strategy=mode,
        iterations=BUGGY if case.buggy else CORRECT_PEER,
        seed=1,
        exclude=shared_code(folder),
        raise_on_failure=False,
        timeout=20,
    )
    failure = result.failure
    return {
        "failed": failure is not None,
        "executions": result.schedules_run,
        "kind": failure.kind if failure else "",
    }


def frontrun(case: Any, mode: str, folder: str) -> Report:
    """Explore with frontrun."""
    import frontrun as tool  # type: ignore[import-not-found,unused-ignore]

    warnings.simplefilter("ignore")
    settings: dict[str, Any] = {"stop_on_first": case.buggy}
    if mode == "random":
        settings = {"strategy": "random", "max_attempts": BUGGY if case.buggy else CORRECT_PEER, "seed": 1}
    result = tool.explore(
        setup=case.setup,
        workers=case.workers,
        invariant=case.invariant,
        total_timeout=30.0,
        reproduce_on_failure=0,
        **settings,
    )
    holds = result.property_holds
    return {
        "failed": None if holds is None else not holds,
        "executions": result.num_explored,
        "kind": (result.inconclusive_reason or "")[:80],
    }


def stress(case: Any, mode: str, folder: str) -> Report:
    """Run on real threads, again and again; ``switch``: with the shortest switch interval."""
    if mode == "switch":
        sys.setswitchinterval(1e-6)
    executions, end = 0, time.perf_counter() + STRESS
    while time.perf_counter() < end and (case.buggy or executions < CORRECT):
        executions += 1
        try:
            case.run()
        except Exception as error:
            return {"failed": True, "executions": executions, "kind": type(error).__name__}
    return {"failed": False, "executions": executions, "kind": ""}


def run_parallel(case: Any, mode: str, folder: str) -> Report:
    """Have pytest-run-parallel call the program in eight threads at once, again and again."""
    test = f"import sys\nsys.path.insert(0, {folder!r})\nfrom allcases import REGISTRY\n"
    test += f"def test_program():\n    REGISTRY[{case.name!r}].run()\n"
    with tempfile.TemporaryDirectory() as place:
        Path(place, "test_program.py").write_text(test)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:frontrun"]
        command += [f"--parallel-threads={PARALLEL}", f"--iterations={ITERATIONS}", "test_program.py"]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    failed = {0: False, 1: True}.get(done.returncode)
    return {
        "failed": failed,
        "executions": PARALLEL * ITERATIONS,
        "kind": done.stdout[-80:] if failed else "",
    }


TOOLS: dict[str, Callable[[Any, str, str], Report]] = {
    "torture": torture,
    "interleave": interleave,
    "frontrun": frontrun,
    "stress": stress,
    "run-parallel": run_parallel,
}


def main(tool: str, name: str, folder: str) -> None:
    """Print the report; ends the process without waiting for threads that were left behind."""
    kind, _, mode = tool.partition(":")
    case = load(folder)[name]
    started = time.perf_counter()
    try:
        report = TOOLS[kind](case, mode, folder)
    except Exception as error:
        report = {"failed": None, "executions": 0, "kind": f"{type(error).__name__}: {error}"[:400]}
    report["seconds"] = time.perf_counter() - started
    report.setdefault("rate", report["executions"] / report["seconds"])
    print(json.dumps(report), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
