"""How these tests explore: a target's path in, a result out."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

from torture.exploration.job import Job
from torture.exploration.supervisor import explore
from torture.findings import Finding, FindingKind, Result, Verdict

ROOT = Path(__file__).parents[2]
TARGETS = Path(__file__).parent / "targets"


def explored(target: str, **settings: Any) -> Result:
    """Explore ``module:function`` of the folder ``targets``, or any other target, with ``random``."""
    place, _, function = target.rpartition(":")
    if "/" not in place:
        target = f"{TARGETS / place}.py:{function}"
    return explore(Job(target=target, **{"strategy": "random", "executions": 100, **settings}))


def found(kind: FindingKind, target: str, **settings: Any) -> Finding:
    """Explore, and return the finding, which has to be of this kind."""
    result = explored(target, **settings)
    assert result.verdict is Verdict.FAILED, result
    assert result.finding is not None
    assert result.finding.kind is kind, result.finding.message
    return result.finding


def functions(module: str) -> list[str]:
    """Return the public functions of a file in ``targets``, which is not imported here."""
    tree = ast.parse((TARGETS / f"{module}.py").read_text())
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [name for name in names if not name.startswith("_")]


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run this interpreter in the checkout's root."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
