"""The parent: starts a worker for a job, watches it, and turns its end into a result whatever that end is."""

from __future__ import annotations

import os
import pickle
import select
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from torture.errors import InternalError
from torture.exploration.job import Job
from torture.exploration.state import ASK, DUMP, SIZE, State
from torture.findings import Finding, FindingKind, Result, Verdict

Progress = Callable[[int, float], None]  # executions so far, seconds since the start

_POLL = 0.05  # seconds between two looks at the worker
_PATIENCE = 2.0  # seconds that a worker may leave ASK unanswered
_IMPORT_PATIENCE = 60.0  # the same while it imports the target
_LAST = 40  # lines of a dead worker's output that are kept


def explore(job: Job, progress: Progress | None = None) -> Result:
    """Explore a job in a process of its own. Raises UsageError for a wrong target."""
    return _Worker(job, progress or (lambda executions, seconds: None)).result()


def replay(token: str, *, trace: str | None = None, progress: Progress | None = None) -> Result:
    """Run the schedule of a token again."""
    return explore(Job(target="", token=token, trace=trace), progress)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C; ``result`` says how far the exploration had come (verdict unknown)."""

    def __init__(self, result: Result) -> None:
        super().__init__("interrupted")
        self.result = result


class _Worker:
    """One worker process."""

    def __init__(self, job: Job, progress: Progress) -> None:
        self._job = job
        self._progress = progress
        self._started = time.monotonic()

    def result(self) -> Result:
        """Run the worker to its end."""
        with tempfile.TemporaryFile() as state, tempfile.TemporaryFile() as output:
            state.truncate(SIZE)
            reading, writing = os.pipe()
            child = self._spawn(writing, state.fileno(), output.fileno())
            os.close(writing)
            try:
                return self._watch(child, reading, state, output)
            except KeyboardInterrupt:
                raise Interrupted(self._partial(State(state.fileno()).read()[0])) from None
            finally:
                os.close(reading)
                _end(child)

    def _spawn(self, results: int, state: int, output: int) -> int:
        """Start the worker with the standard streams away from ours, and a fixed hash seed."""
        for descriptor in (results, state):
            os.set_inheritable(descriptor, True)
        null = os.open(os.devnull, os.O_RDONLY)
        environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": _python_path()}
        try:
            return os.posix_spawn(
                sys.executable,
                [
                    sys.executable,
                    "-m",
                    "torture.exploration.worker",
                    self._job.to_json(),
                    str(results),
                    str(state),
                ],
                environment,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, null, 0),
                    (os.POSIX_SPAWN_DUP2, output, 1),
                    (os.POSIX_SPAWN_DUP2, output, 2),
                ],
            )
        finally:
            os.close(null)

    def _watch(self, child: int, reading: int, state: IO[bytes], output: IO[bytes]) -> Result:
        shared = State(state.fileno())
        received = b""
        last, since, asked, answers = (0, 0, 0), time.monotonic(), 0.0, 0
        while True:
            ready, _, _ = select.select([reading], [], [], _POLL)
            if ready:
                data = os.read(reading, 1 << 20)
                if data:
                    received += data
                    continue
                return self._ended(child, received, last[0], output)
            executions, points, answered, imported = shared.read()
            now = time.monotonic()
            self._progress(executions, now - self._started)
            if _resident(child) > self._job.memory_limit:
                return self._killed(child, FindingKind.MEMORY, executions, output)
            if (executions, points, imported) != last:
                last, since, asked = (executions, points, imported), now, 0.0
            elif now - since > self._job.stall_limit:
                patience = _PATIENCE if imported else _IMPORT_PATIENCE
                if asked and answered == answers and now - asked > patience:
                    os.kill(child, DUMP)
                    time.sleep(0.3)
                    return self._killed(child, FindingKind.HANG, executions, output)
                if not asked or (answered != answers and now - asked > 1.0):
                    asked, answers = now, answered
                    os.kill(child, ASK)

    def _ended(self, child: int, received: bytes, executions: int, output: IO[bytes]) -> Result:
        """Turn the worker's answer, or its death without one, into a result."""
        if received:
            answer = pickle.loads(received)
            if isinstance(answer, Result):
                return answer
            if isinstance(answer, Exception):
                raise answer
            raise InternalError(f"the worker answered {answer!r}")
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            name = signal.Signals(os.WTERMSIG(status)).name
            message = f"the code under test crashed the interpreter: {name}"
            return self._fatal(FindingKind.CRASH, message, executions, output)
        message = f"the code under test ended the process with status {os.WEXITSTATUS(status)}"
        return self._fatal(FindingKind.EXIT, message, executions, output)

    def _partial(self, executions: int) -> Result:
        """Return what is known of an exploration that was interrupted."""
        seconds = time.monotonic() - self._started
        return Result(
            target=self._job.target,
            verdict=Verdict.UNKNOWN,
            executions=executions,
            seconds=round(seconds, 6),
            strategy=self._job.strategy,
            seed=self._job.seed,
            granularity=self._job.granularity,
            unseen=(f"interrupted after {executions} executions",),
        )

    def _killed(self, child: int, kind: FindingKind, executions: int, output: IO[bytes]) -> Result:
        _end(child)
        if kind is FindingKind.MEMORY:
            message = f"the code under test used more than {self._job.memory_limit >> 20} MiB of memory"
        else:
            message = f"no progress for {self._job.stall_limit:g} s, in code that cannot be interrupted"
        return self._fatal(kind, message, executions, output)

    def _fatal(self, kind: FindingKind, message: str, executions: int, output: IO[bytes]) -> Result:
        """Return the result of a worker that could not speak for itself."""
        output.seek(0, os.SEEK_END)
        output.seek(max(0, output.tell() - 65536))
        tail = output.read().decode("utf-8", "replace").splitlines()[-_LAST:]
        place = next((line.strip() for line in tail if line.lstrip().startswith('File "')), "")
        if place:
            message += " in " + place.removeprefix("File ")
        finding = Finding(kind=kind, message=message, fingerprint=str(kind), errors=("\n".join(tail),))
        job = self._job
        return Result(
            target=job.target,
            verdict=Verdict.FAILED,
            finding=finding,
            executions=executions + 1,
            executions_to_failure=executions + 1,
            seconds=round(time.monotonic() - self._started, 6),
            strategy=job.strategy,
            seed=job.seed,
            granularity=job.granularity,
            warnings=("the failing schedule is not known: the worker process did not survive it",),
        )


def _end(child: int) -> None:
    """Make sure the worker is gone; one that ends by itself is given a moment."""
    try:
        for _ in range(20):
            if os.waitpid(child, os.WNOHANG)[0]:
                return
            time.sleep(0.005)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    except (ChildProcessError, ProcessLookupError):
        return


def _resident(child: int) -> int:
    """Return the worker's resident memory in bytes, 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{child}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _python_path() -> str:
    """Return a PYTHONPATH with which the worker imports the same torture as the parent."""
    own = str(Path(__file__).parents[2])
    return os.pathsep.join([own, *filter(None, [os.environ.get("PYTHONPATH")])])
