"""How long `torture explore` takes on a trivial target, in units of importing rich's console (at most 4)."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST = 4.0
TRIVIAL = """\
import threading
def target():
    thread = threading.Thread(target=len, args=("",))
    thread.start()
    thread.join()
"""


def seconds(command: list[str], repetitions: int) -> float:
    """Return the shortest of several runs of a command."""
    shortest = float("inf")
    for _ in range(repetitions):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
        shortest = min(shortest, time.perf_counter() - start)
    return shortest


def main() -> int:
    """Print both times and their ratio; 1 when it is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=7)
    repetitions: int = parser.parse_args().repetitions
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trivial.py"
        file.write_text(TRIVIAL)
        explore = [sys.executable, "-m", "torture", "explore", f"{file}:target", "--executions", "1"]
        unit = seconds([sys.executable, "-c", "import rich.console"], repetitions)
        own = seconds(explore, repetitions)
    ratio = own / unit
    print(f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")
    print(
        f"import rich.console: {unit * 1000:.0f} ms; torture explore: {own * 1000:.0f} ms; ratio {ratio:.1f} (at most {MOST:g})"
    )
    return int(ratio > MOST)


if __name__ == "__main__":
    sys.exit(main())
