"""Explores generated programs: ``python -m tests.oracle.worker KIND SEED COUNT STRATEGY GRANULARITY``; prints JSON.

A process of its own, because torture's patches must be in place before the programs are imported.
"""

from __future__ import annotations

import json
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from tests.oracle.generate import KINDS
from tests.oracle.translate import to_python
from torture.exploration.outcomes import outcomes, prepare


def main(kind: str, seed: int, count: int, strategy: str, granularity: str, most: int = 200_000) -> int:
    """Print one JSON list: for each program what was seen, whether that is all, and the number of executions."""
    prepare()
    report = []
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, folder)
        for index, program in enumerate(KINDS[kind](seed, count)):
            name = f"generated_{index}"
            (Path(folder) / f"{name}.py").write_text(to_python(program), encoding="utf-8")
            target = import_module(name).target
            found = outcomes(target, strategy=strategy, granularity=granularity, executions=most)
            report.append(
                {
                    "seen": sorted(repr(outcome) for outcome in found.seen),
                    "exhausted": found.exhausted,
                    "executions": found.executions,
                }
            )
            del sys.modules[name]  # the engine looks through all modules for each program
    print(json.dumps(report))
    return 0


if __name__ == "__main__":
    _, kind, seed, count, strategy, granularity, *most = sys.argv
    sys.exit(main(kind, int(seed), int(count), strategy, granularity, *map(int, most)))
