"""The event trace of a seeded exploration is the same, byte for byte, in every process.

Six processes per program; ``TORTURE_FULL=1`` runs two hundred.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).with_name("programs.py")
PROCESSES = 200 if os.environ.get("TORTURE_FULL") == "1" else 6
TARGETS = (
    "set_of_strings",
    "set_of_threads",
    "executor",
    "queues",
    "conditions",
    "timers",
    "nested_threads",
    "logs",
    "exceptions",
    "locked_accounts",
)
HASH_SEEDS = ("random", "0", "1", "2", "77", "4294967295")


def explore(target: str, hash_seed: str, trace: Path) -> tuple[int, bytes]:
    """Return the exit status and the trace of one exploration in a fresh process."""
    command = [sys.executable, "-m", "torture", "explore", f"{PROGRAMS}:{target}"]
    command += ["--seed", "3", "--executions", "20", "--trace", str(trace)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    ran = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode in (0, 1), (
        f"exit status {ran.returncode}\n{ran.stdout[-2000:]}\n{ran.stderr[-2000:]}"
    )
    return ran.returncode, trace.read_bytes()


@pytest.mark.parametrize("target", TARGETS)
def test_traces_are_equal_in_all_processes(target: str, tmp_path: Path) -> None:
    seen: Counter[tuple[int, bytes]] = Counter()
    for number in range(PROCESSES):
        hash_seed = HASH_SEEDS[number % len(HASH_SEEDS)]
        seen[explore(target, hash_seed, tmp_path / f"{number}.trace")] += 1

    assert len(seen) == 1, (
        f"{len(seen)} different traces in {PROCESSES} processes: {sorted(seen.values())} times"
    )
    ((_, trace),) = seen
    assert len(trace.splitlines()) > 10, "the trace says nothing"
