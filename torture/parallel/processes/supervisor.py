"""The parent of a run in real processes: makes the folder, watches the worker, cleans up whatever happens."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import replace

from torture.findings import FindingKind, Result
from torture.isolation.process import Death, Interrupted, Progress, Worker
from torture.isolation.state import Seen
from torture.parallel.processes.job import STRATEGY, ProcessJob

MEMORY = "/dev/shm"  # the crash model needs no disk, and an fsync of a real one costs milliseconds
_IMPORT_LIMIT = 60.0  # seconds that the import of the target may take
_PATIENCE = 8  # stall limits without the end of an execution: the worker itself ends a role that hangs


def run_processes(job: ProcessJob, progress: Progress | None = None) -> Result:
    """Run a job in real processes. Raises UsageError for a wrong target."""
    place = MEMORY if os.path.isdir(MEMORY) else None
    with tempfile.TemporaryDirectory(prefix="torture.", dir=place, ignore_cleanup_errors=True) as folder:
        job = replace(job, folder=folder)
        module = "torture.parallel.processes.worker"
        worker = Worker(module, job.to_json(), memory_limit=job.memory_limit, progress=progress)
        try:
            ended = worker.run(_Silence(job.stall_limit))
        except KeyboardInterrupt:
            partial = worker.interrupted(job.target, job.seed)
            raise Interrupted(replace(partial, strategy=STRATEGY)) from None
    if not isinstance(ended, Death):
        return ended
    return replace(worker.died(ended, job.target, job.seed), strategy=STRATEGY)


class _Silence:
    """Finds a worker that does not go on."""

    def __init__(self, limit: float) -> None:
        self._limit = limit * _PATIENCE
        self._progress = (0, 0)
        self._since = time.monotonic()

    def __call__(self, pid: int, seen: Seen, now: float) -> Death | None:
        if (seen.executions, seen.ready) != self._progress:
            self._progress, self._since = (seen.executions, seen.ready), now
        limit = self._limit if seen.ready else _IMPORT_LIMIT
        if now - self._since < limit:
            return None
        return Death(FindingKind.HANG, f"no execution ended within {limit:g} s")
