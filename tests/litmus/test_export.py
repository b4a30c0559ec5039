"""The failures of the litmus corpus show on an ordinary interpreter, by a script that knows nothing of torture."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.litmus.corpus import MODULES, UNSAFE, load
from tests.litmus.test_minima import KNOWN
from torture.errors import UsageError
from torture.exploration.job import Job
from torture.exploration.supervisor import explore, export, replay
from torture.findings import Finding, Verdict

pytestmark = pytest.mark.one_version

PROGRAMS = [
    pytest.param(module, program.name, id=program.name)
    for module in MODULES
    for program in load(module)
    if program.name in KNOWN and UNSAFE not in program.free_threaded
]
UNSHOWABLE = [
    pytest.param(module, program.name, id=program.name)
    for module in MODULES
    for program in load(module)
    if UNSAFE in program.free_threaded
]


def found(module: str, name: str) -> Finding:
    """Find the failure of a program with the fewest preemptions."""
    arguments = {"module": module, "name": name, "wrong": ""}
    job = Job(
        target="tests.litmus.declared:program", arguments=arguments, strategy="bounded", executions=3_000
    )
    finding = explore(job).finding
    assert finding is not None
    return finding


@pytest.mark.parametrize(("module", "name"), PROGRAMS)
def test_the_script_shows_the_failure_and_real_threads_do(module: str, name: str, tmp_path: Path) -> None:
    finding = found(module, name)
    script = tmp_path / "script.py"
    export(finding.schedule, str(script))

    command = [sys.executable, "-I", str(script)]
    ran = subprocess.run(command, cwd="/", env={}, capture_output=True, text=True, timeout=90, check=False)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    again = replay(finding.schedule, carrier="thread")
    assert again.verdict is Verdict.FAILED
    assert again.finding is not None
    assert again.finding.fingerprint == finding.fingerprint


@pytest.mark.parametrize(("module", "name"), UNSHOWABLE)
def test_what_an_ordinary_interpreter_does_not_notice_is_refused(
    module: str, name: str, tmp_path: Path
) -> None:
    finding = found(module, name)

    with pytest.raises(UsageError, match="does not notice"):
        export(finding.schedule, str(tmp_path / "script.py"))


def test_the_corpus_has_failures_of_both_kinds() -> None:
    assert (len(PROGRAMS), len(UNSHOWABLE)) == (27, 9)
