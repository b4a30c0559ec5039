"""Planted hangs, crashes and leaks: each is named with its kind and its place, and none ends the run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parallel.stressing import ROOT
from torture.findings import FindingKind, Verdict
from torture.parallel.gil import free_threaded_build
from torture.parallel.job import StressJob
from torture.parallel.supervisor import stress

PLANTED = Path(__file__).parent / "targets/planted.py"
CYCLE = Path(__file__).parent / "targets/imports_itself.py"
DEADLOCK, HANG, EXCEPTION = FindingKind.DEADLOCK, FindingKind.HANG, FindingKind.EXCEPTION
EXIT, CRASH, MEMORY = FindingKind.EXIT, FindingKind.CRASH, FindingKind.MEMORY
LEAK = None  # no finding: the run passes, with a warning

CORPUS = {
    "locks_crosswise": (DEADLOCK, "held by back (taken at"),
    "lock_taken_twice": (DEADLOCK, "MainThread waits in acquire for lock, held by MainThread"),
    "joins_itself": (EXCEPTION, "RuntimeError: cannot join current thread"),
    "join_of_each_other": (DEADLOCK, "worker waits in Thread.join for main.join()"),
    "lost_notify": (DEADLOCK, "waiter waits in Condition.wait"),
    "barrier_for_too_many": (DEADLOCK, "early waits in Barrier.wait"),
    "nobody_puts": (DEADLOCK, "consumer waits in Queue.get"),
    "pool_waits_for_itself": (DEADLOCK, "waits in Future.result"),
    "import_lock": (DEADLOCK, "importer waits in import for tests.parallel.targets.imports_itself"),
    "c_call_keeps_the_gil": (HANG, "MainThread waits in c_call_keeps_the_gil"),
    "c_code_runs_for_ages": (HANG, "MainThread runs in c_code_runs_for_ages"),
    "endless_loop": (HANG, "spinner runs in"),
    "endless_recursion": (EXCEPTION, "RecursionError"),
    "polls_for_ever": (HANG, "MainThread waits in polls_for_ever"),
    "nobody_writes": (HANG, "MainThread waits in nobody_writes"),
    "asks_the_terminal": (EXCEPTION, "EOFError"),
    "awaits_nobody": (HANG, "MainThread waits in awaits_nobody"),
    "stops_itself": (HANG, "a signal has stopped the process"),
    "leaves": (EXIT, "status 3"),
    "system_exit": (EXIT, "SystemExit: no more"),
    "segmentation_fault": (CRASH, "SIGSEGV"),
    "abort": (CRASH, "SIGABRT"),
    "kills_itself": (CRASH, "SIGKILL"),
    "eats_memory": (MEMORY, "more than 300 MiB"),
    "keeps_memory": (MEMORY, "more than 300 MiB"),
    "keeps_memory_where_nobody_puts_it_back": (MEMORY, "more than 300 MiB"),
    "keeps_files": (LEAK, "leak: 58 file descriptors more after 58 executions"),
    "keeps_threads": (LEAK, "leak: 60 threads such as idler were still running"),
    "blocked_daemon": (LEAK, "leak: 60 threads such as daemon were still running"),
    "hangs_at_exit": (HANG, "registered with atexit did not end within 1 s: MainThread waits in"),
}
IN_C = ("c_call_keeps_the_gil", "c_code_runs_for_ages")


def planted_at(name):
    """Return the file and the line that a report has to name."""
    file, start = (CYCLE, "") if name == "import_lock" else (PLANTED, f"def {name}():")
    lines = file.read_text().splitlines()
    first = lines.index(start)
    return file, next(number for number in range(first + 1, len(lines) + 1) if "# here" in lines[number - 1])


@pytest.mark.parametrize("name", CORPUS)
def test_a_planted_fault_is_named_with_kind_and_place(name):
    kind, said = CORPUS[name]
    if free_threaded_build() and name in IN_C:  # its threads cannot be asked: faulthandler names the place
        said = said.removeprefix("MainThread waits ").removeprefix("MainThread runs ")
    file, line = planted_at(name)
    job = StressJob(
        target=f"{PLANTED}:{name}",
        executions=60,
        perturbation="off",
        stall_limit=1.0,
        memory_limit=300 << 20,
    )
    result = stress(job)
    if kind is LEAK:
        assert (result.verdict, result.finding, result.executions) == (Verdict.PASSED, None, 60)
        told = "\n".join(result.warnings)
    else:
        assert result.verdict is Verdict.FAILED, result
        assert result.finding.kind is kind, result.finding
        told = "\n".join([result.finding.message, *result.finding.errors])

    assert said in told
    assert f"{file}:{line}" in told or f'File "{file}", line {line}' in told, told


def test_every_program_of_the_corpus_is_asked_for():
    helpers = {"started", "together"}
    defined = {line[4:].partition("(")[0] for line in PLANTED.read_text().splitlines() if line[:4] == "def "}

    assert defined - helpers == set(CORPUS)
    assert len(CORPUS) >= 20


def test_none_ends_the_run_of_a_scenario_file(tmp_path):
    names = ("leaves", "segmentation_fault", "kills_itself", "system_exit", "endless_recursion")
    (tmp_path / "p.py").write_text("def program(component, ledger):\n    component()\n")
    (tmp_path / "s.yaml").write_text(
        "scenarios:\n  - name: planted\n    engine: stress\n    program: p.py:program\n    checks: [none]\n"
        "    executions: 4\n    variants:\n"
        + "".join(
            f'      {name}: {{component: "tests.parallel.targets.planted:{name}",'
            f" expect: failed, kind: {CORPUS[name][0]}}}\n"
            for name in names
        )
        + '      right: {component: "builtins:dict", expect: passed}\n'
    )
    command = [
        sys.executable,
        "-m",
        "torture",
        "run",
        str(tmp_path / "s.yaml"),
        "--report-dir",
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    rows = json.loads((tmp_path / "run.json").read_text())["rows"]

    assert done.returncode == 0, done.stdout + done.stderr
    assert [row["variant"] for row in rows] == [*names, "right"]
    assert "5 caught, 1 clean, 0 not as expected" in done.stdout
