"""The worker process: runs one job on real threads and sends its result to the parent, see supervisor.py."""

from __future__ import annotations

import signal
import sys

from torture.isolation.answer import Send, serve
from torture.isolation.state import State
from torture.parallel.job import StressJob

_PR_SET_PTRACER = 0x59616D61  # prctl: who may look into this process ...
_ANYBODY = -1  # ... of the same user: py-spy is no parent of ours, and the system may ask for one


def _run(text: str, state: State, send: Send) -> object:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_long(_ANYBODY), 0, 0, 0)
    from torture.parallel import asked, endings
    from torture.parallel.loop import Run

    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # the program's own, as ``interrupt_main`` makes it
    asked.install()
    endings.install()
    return Run(StressJob.from_json(text), state, send).result()


if __name__ == "__main__":
    serve(sys.argv[1:], _run)
