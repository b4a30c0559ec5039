"""The parent: runs a job in a worker process; sees a hang from outside and names who waits for whom."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from torture.errors import UsageError
from torture.findings import FindingKind, Result
from torture.isolation.process import Death, Interrupted, Progress, Worker, resident
from torture.isolation.state import DUMP, ENDING, Seen
from torture.oracles import deadlock
from torture.parallel.gil import free_threaded_build
from torture.parallel.job import PERTURBATIONS, STRATEGY, StressJob
from torture.parallel.journal import recover
from torture.parallel.stacks import Stack, dump, py_spy
from torture.parallel.waits import place, waiters

_IMPORT_LIMIT = 60.0  # seconds that the import of the target may take
_AGAIN = 1.0  # seconds between two looks at the threads: those that moved do not hang
_LOOKS = 3  # for the place of an allocation
_BUSY = 6  # stall limits after which an execution counts as endless although its threads move


def stress(job: StressJob, progress: Progress | None = None) -> Result:
    """Run a job on real threads, in a process of its own. Raises UsageError for a wrong target or job."""
    if job.perturbation not in PERTURBATIONS:
        raise UsageError(
            f"perturbation {job.perturbation!r} is unknown; choose one of {', '.join(PERTURBATIONS)}"
        )
    module = "torture.parallel.worker"
    worker = Worker(module, job.to_json(), memory_limit=job.memory_limit, progress=progress)
    profiler = _Profiler(job.profile)
    hang = _Hang(job.stall_limit)

    def look(pid: int, seen: Seen, now: float) -> Death | None:
        profiler.start(pid, seen)
        if resident(pid) > job.memory_limit:
            return _grown(pid, job.memory_limit, seen.executions + 1)
        return hang(pid, seen, now)

    try:
        ended = worker.run(look)
    except KeyboardInterrupt:
        partial = _with_history(worker.interrupted(job.target, job.seed), job)
        raise Interrupted(replace(partial, strategy=STRATEGY, stages=_stages(job, worker))) from None
    finally:
        profiler.end()
    if not isinstance(ended, Death):
        return ended
    died = replace(worker.died(ended, job.target, job.seed), strategy=STRATEGY, stages=_stages(job, worker))
    return _with_history(died, job)


def _with_history(result: Result, job: StressJob) -> Result:
    """Save what the worker had recorded of an execution that did not end, and say so."""
    said = "" if job.history is None else recover(job.history)
    return replace(result, warnings=(*result.warnings, said)) if said else result


def _stages(job: StressJob, worker: Worker) -> tuple[dict[str, Any], ...]:
    """Return what is known of a run whose worker cannot tell any more."""
    stage: dict[str, Any] = {"strategy": STRATEGY, "perturbation": job.perturbation}
    if worker.gil is not None:
        stage |= {"gil": worker.gil, "cores": os.cpu_count()}
    return (stage,)


class _Hang:
    """Finds an execution that does not end."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._progress = (0, 0)  # executions, imported
        self._since = time.monotonic()
        self._next = 0.0
        self._stacks: tuple[Stack, ...] | None = None

    def __call__(self, pid: int, seen: Seen, now: float) -> Death | None:
        if (seen.executions, seen.ready) != self._progress:
            self._progress, self._since = (seen.executions, seen.ready), now
            self._next, self._stacks = 0.0, None
            return None
        limit = self._limit if seen.ready else _IMPORT_LIMIT
        if now - self._since < limit or now < self._next:
            return None
        self._next = now + _AGAIN
        what = "an execution" if seen.ready != ENDING else "what the program registered with atexit"
        what = f"{what} did not end within {limit:g} s" if seen.ready else f"the import took over {limit:g} s"
        if _is_stopped(pid):  # nothing can be asked
            return Death(FindingKind.HANG, f"{what}: a signal has stopped the process", labels=("stopped",))
        before, self._stacks = self._stacks, dump(pid)
        if self._stacks is None:
            os.kill(pid, DUMP)  # faulthandler writes the stacks into the worker's output
            time.sleep(0.3)
            return Death(FindingKind.HANG, what, labels=("no-py-spy",))
        if before == self._stacks:
            return _hung(self._stacks, what)
        return None if now - self._since < _BUSY * limit else _stuck(self._stacks, what)


def _hung(stacks: tuple[Stack, ...], what: str) -> Death:
    """Return the death of a worker whose threads all stand still."""
    waiting = () if any(stack.busy for stack in stacks) else waiters(stacks)
    if not waiting:
        return _stuck(stacks, what)
    errors = tuple(stack.text() for stack in stacks)
    places = sorted({waiter.function for waiter in waiting})
    fingerprint = ":".join([str(FindingKind.DEADLOCK), *places])
    message = deadlock.describe(waiting).removeprefix("deadlock: ")  # the kind says it
    return Death(FindingKind.DEADLOCK, message, errors, (), fingerprint)


def _stuck(stacks: tuple[Stack, ...], what: str) -> Death:
    """Return the death of a worker whose execution does not end, for no reason that the stacks tell."""
    labels = ("busy",) if any(stack.busy for stack in stacks) else ()
    return _death(FindingKind.HANG, what, stacks, labels)


def _grown(pid: int, limit: int, executions: int) -> Death:
    """Return the death of a worker that used too much memory, with what its threads were doing."""
    # Between two executions there is nothing of the program to be seen: look again.
    stacks = next(filter(None, (dump(pid) for _ in range(_LOOKS))), ())
    what = f"the code under test used more than {limit >> 20} MiB of memory in execution {executions:,}"
    running = tuple(stack for stack in stacks if stack.busy)
    return _death(FindingKind.MEMORY, what, running or stacks)


def _death(kind: FindingKind, what: str, stacks: tuple[Stack, ...], labels: tuple[str, ...] = ()) -> Death:
    """Return a death with the place of every thread."""
    places = [f"{stack.thread} {'runs' if stack.busy else 'waits'} in {place(stack)}" for stack in stacks]
    functions = sorted({place(stack).function for stack in stacks})
    message = f"{what}: {', '.join(places)}" if places else what
    errors = tuple(stack.text() for stack in stacks)
    return Death(kind, message, errors, labels, ":".join([str(kind), *functions]))


def _is_stopped(pid: int) -> bool:
    """Tell whether a signal has stopped a process, False where the system does not tell."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except (OSError, IndexError):
        return False


class _Profiler:
    """Runs py-spy beside the worker, from the import of the target on."""

    def __init__(self, file: str | None) -> None:
        self._file = file
        self._running: subprocess.Popen[bytes] | None = None
        if file is not None and py_spy() is None:
            cure = (
                "cannot read free-threaded interpreters"
                if free_threaded_build()
                else "is not installed; pip install py-spy"
            )
            raise UsageError(f"--profile needs py-spy, which {cure}")

    def start(self, pid: int, seen: Seen) -> None:
        command = py_spy() if self._file is not None and self._running is None and seen.ready else None
        if command is None or self._file is None:
            return
        self._running = subprocess.Popen(
            [command, "record", "--pid", str(pid), "--format", "speedscope", "--output", self._file],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def end(self) -> None:
        """Wait for the file: py-spy writes it when the worker has ended."""
        if self._running is None:
            return
        try:
            self._running.wait(5)
        except subprocess.TimeoutExpired:
            self._running.send_signal(signal.SIGINT)
            self._running.wait(5)
