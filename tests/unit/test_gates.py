"""Semaphores, queues and futures of one step a method: what is said of who waits in them, and what they are outside."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@cache
def report() -> Any:
    command = [sys.executable, str(Path(__file__).parent / "gate_programs.py")]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    ran = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    return json.loads(ran.stdout)


@pytest.mark.parametrize(
    ("program", "waits"),
    [
        ("waits_for_permit", "Semaphore.acquire for BoundedSemaphore#1"),
        ("waits_for_item", "Queue.get for LifoQueue#1"),
        ("waits_for_room", "Queue.put for Queue#1"),
        ("waits_for_tasks", "Queue.join for Queue#1"),
        ("waits_for_result", "Future.result for Future#1"),
    ],
)
def test_a_deadlock_names_the_method_and_the_object(program: str, waits: str) -> None:
    assert f"MainThread waits in {waits}, at {ROOT}/tests/unit/gate_programs.py:" in report()[program]


def test_what_is_inside_at_first_is_inside_an_execution() -> None:
    assert report()["made_outside"] == [[1, 0, True], 2]


def test_outside_of_an_execution_they_are_the_library_s() -> None:
    assert report()["on_real_threads"] == [0, 1, 2, True, True, False, False]
