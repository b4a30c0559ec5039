"""``torture export`` writes scripts that show a bug on an ordinary interpreter, which has no torture."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.exploration.exploring import TARGETS, explored, python
from torture.exploration.supervisor import export
from torture.findings import Result

BUGS = [
    "lost_update",
    "lost_update_of_global",
    "deadlock_of_two_locks",
    "deadlock_of_three",
    "exception_in_thread",
    "check_then_act",
    "lost_wakeup",
    "item_in_closed_queue",
    "overdraft_in_pool",
    "iteration_of_growing_dict",
    "torn_pair",
    "late_start",
    "timed_out",
]
GIL_BUGS = ["check_then_act", "late_start", "lost_wakeup"]
RUNS = 10
SHOWN_AT_LEAST = 9
COUNTER = """import threading

class Counter:
    def __init__(self): self.n = 0; self.lock = threading.Lock()
    def add(self):
        self.n += 1

def target():
    counter = Counter()
    threads = [threading.Thread(target=counter.add) for _ in range(2)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert counter.n == 2
"""


def exported(target: str, script: Path, granularity: str = "free-threaded") -> Result:
    """Find the bug of a target and write its script."""
    result = explored(target, executions=1000, granularity=granularity)
    assert result.finding is not None, result
    return export(result.finding.schedule, str(script))


def statuses(script: Path, runs: int) -> list[int]:
    """Run a script so many times, isolated: neither the checkout nor PYTHONPATH is on the path."""

    def run(_: int) -> int:
        command = [sys.executable, "-I", str(script)]
        return subprocess.run(
            command, cwd="/", env={}, capture_output=True, timeout=60, check=False
        ).returncode

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(run, range(runs)))


@pytest.mark.parametrize("bug", BUGS)
def test_script_shows_the_bug(bug: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    exported(f"exported:{bug}", script)

    assert statuses(script, RUNS).count(1) >= SHOWN_AT_LEAST
    assert not re.search(r"^\s*(import|from) (torture|greenlet)", script.read_text(), re.MULTILINE)


@pytest.mark.parametrize("bug", GIL_BUGS)
def test_script_shows_what_was_found_at_the_switch_places_of_a_gil(bug: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    exported(f"exported:{bug}", script, "gil")

    assert statuses(script, 2) == [1, 1]


def test_script_tells_a_repaired_program_and_one_that_it_does_not_know(tmp_path: Path) -> None:
    target, script = tmp_path / "counted.py", tmp_path / "script.py"
    target.write_text(COUNTER)
    exported(f"{target}:target", script)

    shown = statuses(script, 1)
    target.write_text(COUNTER.replace("        self.n += 1", "        with self.lock: self.n += 1"))
    repaired = statuses(script, 1)
    target.write_text("\n" + COUNTER.replace("self.n += 1", "self.n = 2"))
    unknown = statuses(script, 1)

    assert (shown, repaired, unknown) == ([1], [0], [2])


def test_command_writes_a_script_and_says_that_it_shows_the_bug(tmp_path: Path) -> None:
    finding = explored("exported:lost_update").finding
    assert finding is not None
    script = tmp_path / "script.py"

    ended = python("-m", "torture", "export", finding.schedule, "-o", str(script))

    assert (ended.returncode, ended.stdout) == (0, "")
    assert "shows the bug" in ended.stderr
    assert "Counter.add" in script.read_text()


def test_replay_on_real_threads_says_the_same(tmp_path: Path) -> None:
    finding = explored(f"{TARGETS}/exported.py:lost_wakeup").finding
    assert finding is not None

    virtual = python("-m", "torture", "replay", finding.schedule, "--trace", str(tmp_path / "virtual"))
    real = python("-m", "torture", "replay", "--real", finding.schedule, "--trace", str(tmp_path / "real"))

    assert (real.returncode, real.stdout) == (virtual.returncode, virtual.stdout)
    assert real.returncode == 1
    assert (tmp_path / "real").read_text() == (tmp_path / "virtual").read_text()
