"""One process of an execution: forked, told what to play, heard through its channel."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torture.findings import FindingKind
from torture.isolation.raised import error_text, innermost, kind_of, message_of
from torture.parallel import asked
from torture.parallel.processes.channel import Receiver, Sender
from torture.parallel.processes.faults import Signalled

_system = ctypes.CDLL(None) if sys.platform == "linux" else None  # here: a child is not to import anything
_PR_SET_PDEATHSIG = 1  # prctl: the signal that we get when who forked us ends


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong in a process, as values that can be sent."""

    kind: str
    message: str
    fingerprint: str
    text: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    number: int | None = None  # errno
    signalled: bool = False


@dataclass(slots=True, eq=False)
class Actor:
    """A forked process, as its parent sees it."""

    name: str
    pid: int
    reading: int
    receiver: Receiver = field(default_factory=Receiver)
    messages: list[tuple[Any, ...]] = field(default_factory=list)  # of its ledger: time, pid, method, ...
    failures: list[Failure] = field(default_factory=list)
    ended: bool = False  # it has said that its part is over
    struck: bool = False  # by a fault
    lasted: float = 0.0  # seconds of its role
    boundaries: int = 0
    latency: list[Any] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)  # what else it sent
    status: int | None = None  # as of waitpid, when it is gone

    def hear(self) -> bool:
        """Take what it has sent; return False when it is gone."""
        data = os.read(self.reading, 1 << 20)
        if not data:
            self.wait()
            return False
        for message in self.receiver.feed(data):
            self._take(message)
        return True

    def kill(self) -> None:
        """End it, whatever it does."""
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)  # a stopped process dies, too
            self.wait()

    @property
    def gone(self) -> bool:
        """Tell whether its part is over, or itself."""
        return self.ended or self.status is not None

    def runs(self) -> bool:
        """Tell whether one of its threads runs or could run; True where the system does not tell."""
        if self.status is not None:
            return False
        try:
            states = [_state(task) for task in Path(f"/proc/{self.pid}/task").iterdir()]
        except OSError:
            return True
        return "R" in states

    def standing(self) -> bool:
        """Tell whether it has been stopped: to let it go on before that would be in vain."""
        if self.status is not None:
            return False
        flags = os.WSTOPPED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.pid, flags) is not None

    def wait(self) -> None:
        """Wait for its end."""
        if self.status is None:
            _, self.status = os.waitpid(self.pid, 0)

    def died(self) -> Failure | None:
        """Return what the way it went says, None where it went as it should."""
        status = self.status
        if status is None or (self.ended and status == 0):
            return None
        if os.WIFSIGNALED(status):
            if self.struck and os.WTERMSIG(status) == signal.SIGKILL:
                return None
            kind, way = FindingKind.CRASH, f"was ended by {signal.Signals(os.WTERMSIG(status)).name}"
        else:
            kind, way = FindingKind.EXIT, f"ended its process with status {os.waitstatus_to_exitcode(status)}"
        return Failure(str(kind), f"{self.name} {way}", f"{kind}:{self.name.partition('-')[0]}")

    def _take(self, message: tuple[Any, ...]) -> None:
        time, what, *rest = message
        if what == "failed":
            self.failures.append(rest[0])
        elif what == "ended":
            self.ended = True
        elif what == "struck":
            self.struck = True
        elif what == "lasted":
            self.lasted = rest[0]
        elif what == "boundaries":
            self.boundaries, struck = rest
            self.struck = self.struck or struck
        elif what == "latency":
            self.latency = rest[0]
        elif what == "told":
            self.told.append(rest[0])
        else:
            self.messages.append((time, self.pid, what, *rest))


def fork(name: str, body: Callable[[Sender], None], others: tuple[int, ...] = ()) -> Actor:
    """Fork a process that runs ``body`` and ends; ``others`` are descriptors of ours that it closes."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        os.close(writing)
        return Actor(name, pid, reading)
    status = 1
    try:
        for descriptor in (reading, *others):
            os.close(descriptor)
        _die_with_parent()
        asked.install()
        body(Sender(writing))
        status = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(status)


def failure(name: str, error: BaseException, own: str) -> Failure:
    """Return what is to be sent of an error of a role."""
    kind = kind_of(error)
    return Failure(
        str(kind),
        message_of(error),
        ":".join([str(kind), type(error).__name__, innermost(error, own)]),
        error_text(name, error),
        dict(getattr(error, "counts", {})),
        error.errno if isinstance(error, OSError) else None,
        isinstance(error, Signalled),
    )


def _state(task: Path) -> str:
    return (task / "stat").read_text().rpartition(")")[2].split()[0]


def _die_with_parent() -> None:
    if _system is not None:
        _system.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
