"""How these tests run a target on real threads."""

from pathlib import Path

from torture.findings import Verdict
from torture.parallel.job import StressJob
from torture.parallel.supervisor import stress

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "targets/programs.py"


def stressed(function, **settings):
    return stress(StressJob(target=f"{PROGRAMS}:{function}", **{"stall_limit": 1.0, **settings}))


def found(function, **settings):
    result = stressed(function, **settings)
    assert result.verdict is Verdict.FAILED, result
    return result.finding
