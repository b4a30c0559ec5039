"""Explores generated programs: ``python -m tests.oracle.worker SEED COUNT GRANULARITY``; prints JSON.

A process of its own, because torture's patches must be in place before the programs are imported.
"""

from __future__ import annotations

import json
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from tests.oracle.generate import programs, to_python
from torture.exploration.outcomes import outcomes, prepare


def main(seed: int, count: int, granularity: str) -> int:
    """Print one JSON list: for each program what was seen, and whether that is all."""
    prepare()
    report = []
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, folder)
        for index, program in enumerate(programs(seed, count)):
            name = f"generated_{index}"
            (Path(folder) / f"{name}.py").write_text(to_python(program), encoding="utf-8")
            found = outcomes(import_module(name).target, strategy="dfs", granularity=granularity)
            report.append(
                {"seen": sorted(repr(outcome) for outcome in found.seen), "exhausted": found.exhausted}
            )
            del sys.modules[name]  # the engine looks through all modules for each program
    print(json.dumps(report))
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
