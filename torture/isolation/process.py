"""The parent's half of a worker process: starts it, watches it, and says what became of it."""

from __future__ import annotations

import os
import pickle
import select
import signal
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from torture.errors import InternalError
from torture.findings import Finding, FindingKind, Result, Verdict
from torture.isolation.state import ENDING, SIZE, Seen, State

Progress = Callable[[int, float], None]  # executions so far, seconds since the start

_MARKED = ("Current thread ", "Stack (")  # first words of faulthandler's stack of one thread
_LIBRARY = (f'File "{sysconfig.get_paths()["stdlib"]}', 'File "<frozen')
_OURS = f'File "{Path(__file__).parents[1]}{os.sep}'
_START = 'File "<frozen runpy>"'
_POLL = 0.05  # seconds between two looks at the worker
_LAST = 40  # lines of a dead worker's output that are kept


@dataclass(frozen=True, slots=True)
class Death:
    """How a worker ended that did not answer: the code under test ended it, or a look demanded it."""

    kind: FindingKind
    message: str
    errors: tuple[str, ...] = ()  # its last output, where nothing better is known
    labels: tuple[str, ...] = ()
    fingerprint: str = ""

    def finding(self) -> Finding:
        """Return the finding that the death is."""
        return Finding(
            kind=self.kind,
            message=self.message,
            fingerprint=self.fingerprint or str(self.kind),
            labels=self.labels,
            errors=self.errors,
        )


class Look(Protocol):
    """Judges a running worker, every 50 ms."""

    def __call__(self, pid: int, seen: Seen, now: float) -> Death | None:
        """Return why the worker has to be killed, None to let it go on; ``now`` is monotonic, in seconds."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C; ``result`` says how far the run had come (verdict unknown)."""

    def __init__(self, result: Result) -> None:
        super().__init__("interrupted")
        self.result = result


class Worker:
    """One worker process: ``python -m MODULE JOB RESULT_FD STATE_FD``, see answer.py."""

    def __init__(self, module: str, job: str, *, memory_limit: int, progress: Progress | None = None) -> None:
        self._command = [sys.executable, "-m", module, job]
        self._memory_limit = memory_limit
        self._progress = progress
        self._started = time.monotonic()
        self.executions = 0  # that have ended, as far as it was seen
        self.gil: bool | None = None  # whether the worker said that it holds one

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return round(time.monotonic() - self._started, 6)

    def run(self, look: Look) -> Result | Death:
        """Run the worker to its end; raises what it answers with if that is an exception."""
        with tempfile.TemporaryFile() as state, tempfile.TemporaryFile() as output:
            state.truncate(SIZE)
            reading, writing = os.pipe()
            child = self._spawn(writing, state.fileno(), output.fileno())
            os.close(writing)
            try:
                return self._watch(child, reading, State(state.fileno()), output, look)
            finally:
                os.close(reading)
                _end(child)

    def interrupted(self, target: str, seed: int) -> Result:
        """Return what is known of a run that was interrupted."""
        return Result(
            target=target,
            verdict=Verdict.UNKNOWN,
            executions=self.executions,
            seconds=self.seconds,
            seed=seed,
            unseen=(f"interrupted after {self.executions} executions",),
        )

    def died(self, death: Death, target: str, seed: int) -> Result:
        """Return the result of a worker that could not speak for itself."""
        return Result(
            target=target,
            verdict=Verdict.FAILED,
            finding=death.finding(),
            executions=self.executions + 1,
            executions_to_failure=self.executions + 1,
            seconds=self.seconds,
            seed=seed,
        )

    def _spawn(self, results: int, state: int, output: int) -> int:
        """Start the worker with the standard streams away from ours, a group of its own, and a fixed hash seed."""
        for descriptor in (results, state):
            os.set_inheritable(descriptor, True)
        null = os.open(os.devnull, os.O_RDONLY)
        environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": _python_path()}
        try:
            return os.posix_spawn(
                sys.executable,
                [*self._command, str(results), str(state)],
                environment,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, null, 0),
                    (os.POSIX_SPAWN_DUP2, output, 1),
                    (os.POSIX_SPAWN_DUP2, output, 2),
                ],
                setpgroup=0,  # a signal to the program's group is not for us
            )
        finally:
            os.close(null)

    def _note(self, seen: Seen) -> None:
        self.executions = seen.executions
        self.gil = seen.gil > 1 if seen.gil else None

    def _watch(self, child: int, reading: int, state: State, output: IO[bytes], look: Look) -> Result | Death:
        received = b""
        while True:
            gone = _has_ended(child)  # a process that it forked may keep the pipe open
            ready, _, _ = select.select([reading], [], [], 0 if gone else _POLL)
            data = os.read(reading, 1 << 20) if ready else b""
            if data:
                received += data
                continue
            if ready or gone:
                self._note(state.read())
                return _answer(received) if received else _dead(child, output, state.read())
            seen = state.read()
            self._note(seen)
            if self._progress is not None:
                self._progress(seen.executions, self.seconds)
            death = look(child, seen, time.monotonic())
            if death is None and resident(child) > self._memory_limit:
                size = f"{self._memory_limit >> 20} MiB"
                death = Death(FindingKind.MEMORY, f"the code under test used more than {size} of memory")
            if death is not None:
                _end(child)
                return death if death.errors else _with_output(death, output)


def _has_ended(child: int) -> bool:
    """Tell whether a worker is gone; False where the system does not tell."""
    return hasattr(os, "waitid") and (
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    )


def _answer(received: bytes) -> Result:
    answer = pickle.loads(received)
    if isinstance(answer, Result):
        return answer
    if isinstance(answer, Exception):
        raise answer
    raise InternalError(f"the worker answered {answer!r}")


def _dead(child: int, output: IO[bytes], seen: Seen) -> Death:
    _, status = os.waitpid(child, 0)
    when = " while what it registered with atexit ran" if seen.ready == ENDING else ""
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        death = Death(FindingKind.CRASH, f"the code under test crashed the interpreter{when}: {name}")
    else:
        message = f"the code under test ended the process with status {os.WEXITSTATUS(status)}{when}"
        death = Death(FindingKind.EXIT, message)
    return _with_output(death, output)


def _with_output(death: Death, output: IO[bytes]) -> Death:
    """Add what the worker wrote last, and the place that faulthandler names in it."""
    output.seek(0, os.SEEK_END)
    output.seek(max(0, output.tell() - 65536))
    lines = output.read().decode("utf-8", "replace").splitlines()
    place = _place(lines)
    message = death.message + (f" in {place.removeprefix('File ')}" if place else "")
    shown = [line for line in lines if not _is_ours(line)]
    return Death(death.kind, message, ("\n".join(shown[-_LAST:]),), death.labels, death.fingerprint)


def _is_ours(line: str) -> bool:
    """Tell whether this is a frame of torture's own, as faulthandler writes them."""
    return line.lstrip().startswith((_OURS, _START)) and ", in " not in line


def _place(lines: list[str]) -> str:
    """Return the place that faulthandler names: the innermost line outside the standard library and torture.

    It is looked for in the thread that faulthandler marks, which crashed or was asked, then in the others: where OS
    threads carry the virtual ones, the one that was asked only waits.
    """
    marked: list[list[str]] = []
    others: list[list[str]] = []
    current: list[str] | None = None
    for line in lines:
        if line.startswith((*_MARKED, "Thread 0x")):
            current = []
            (marked if line.startswith(_MARKED) else others).append(current)
        elif current is not None and line.lstrip().startswith('File "'):
            current.append(line.strip())
        else:
            current = None
    stacks = (*reversed(marked), *others)
    frames = [frame for stack in stacks for frame in stack if not frame.startswith(_OURS)]
    own = (frame for frame in frames if "site-packages" in frame or not frame.startswith(_LIBRARY))
    return next(own, frames[0] if frames and not frames[0].startswith(_START) else "")


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


def resident(child: int) -> int:
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
