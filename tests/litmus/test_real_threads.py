"""Real threads of this interpreter never show an outcome that the corpus does not state."""

from __future__ import annotations

import json
import subprocess
import sys
from ast import literal_eval
from pathlib import Path

import pytest

from tests.litmus.corpus import DEADLOCK, MODULES, load

# Not ``timing``: real time also passes while a loaded machine keeps a runnable thread waiting.
TIMELESS = [module for module in MODULES if module != "timing"]
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("module", TIMELESS)
def test_real_outcomes_are_among_those_stated(module: str) -> None:
    programs = {program.name: program for program in load(module)}

    command = [sys.executable, "-m", "tests.litmus.real", module]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    assert ran.returncode == 0, ran.stderr[-4000:]
    report = json.loads(ran.stdout)
    for name, outcomes in report.items():
        assert {literal_eval(outcome) for outcome in outcomes} <= programs[name].free_threaded | programs[
            name
        ].gil, name
    assert set(report) == {
        name for name, program in programs.items() if DEADLOCK not in program.free_threaded
    }
