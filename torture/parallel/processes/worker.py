"""The worker process: runs one job in real processes that it forks, and sends its result to the parent."""

from __future__ import annotations

import sys

from torture.isolation.answer import Send, serve
from torture.isolation.state import State
from torture.parallel.processes.job import ProcessJob
from torture.parallel.processes.loop import Run


def _run(text: str, state: State, send: Send) -> object:
    return Run(ProcessJob.from_json(text), state).result()


if __name__ == "__main__":
    serve(sys.argv[1:], _run)
