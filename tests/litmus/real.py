"""Runs the programs of one module on real threads: ``python -m tests.litmus.real MODULE``; prints JSON.

Programs that may block for ever are left out. A process of its own, because an uncaught exception in a thread
goes through ``threading.excepthook``, and a program that hangs after all must not take the tests with it.
"""

from __future__ import annotations

import json
import sys
import threading
import time

from tests.litmus.corpus import DEADLOCK, Litmus, load, raises

RUNS = 50
SECONDS = 0.3  # for one program: those that sleep run less often


def once(program: Litmus) -> object:
    """Return the outcome of one run."""
    died: list[str] = []

    def note(caught: threading.ExceptHookArgs) -> None:
        died.append(caught.exc_type.__name__)

    threading.excepthook = note
    try:
        outcome: object = program.function()
    except Exception as error:  # whatever leaves the program is its outcome
        outcome = raises(type(error).__name__)
    finally:
        threading.excepthook = threading.__excepthook__
    return raises(died[0]) if died else outcome


def main(module: str) -> int:
    """Print one JSON object: program name to the outcomes seen."""
    sys.setswitchinterval(1e-6)
    report = {}
    for program in load(module):
        if DEADLOCK in program.free_threaded:
            continue
        seen = set()
        deadline = time.monotonic() + SECONDS
        for _ in range(RUNS):
            seen.add(repr(once(program)))
            if time.monotonic() > deadline:
                break
        report[program.name] = sorted(seen)
    print(json.dumps(report, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
