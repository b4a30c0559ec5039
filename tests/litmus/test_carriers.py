"""The same schedule is the same trace on greenlets and on real OS threads, for every litmus program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.litmus.corpus import GRANULARITIES, MODULES, SPELLINGS, load

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("module", [module for module in MODULES if module not in SPELLINGS])
def test_schedule_events_and_end_are_the_same_on_both_carriers(module: str, granularity: str) -> None:
    pytest.importorskip("greenlet")
    command = [sys.executable, "-m", "tests.litmus.carriers", module, granularity]

    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)

    assert ran.returncode == 0, ran.stderr[-4000:]
    assert json.loads(ran.stdout) == dict.fromkeys(program.name for program in load(module))
