"""The faults that a scenario may ask for, and what each of them looks like to the role that suffers it."""

from __future__ import annotations

import errno
from dataclasses import dataclass

KILL, STOP, SIGNAL, FULL_DISK = "kill", "stop", "signal", "full-disk"
NO_DESCRIPTORS, SLOW_FSYNC, CLOCK_JUMP, POWER_CUT = "no-descriptors", "slow-fsync", "clock-jump", "power-cut"
KINDS = (KILL, STOP, SIGNAL, FULL_DISK, NO_DESCRIPTORS, SLOW_FSYNC, CLOCK_JUMP, POWER_CUT)
RANDOM, BOUNDARIES = "random", "boundaries"
INSTANTS = (RANDOM, BOUNDARIES)

_TIMES = {STOP: 0.02, SLOW_FSYNC: 0.005, CLOCK_JUMP: -3600.0}  # seconds, where the scenario gives none
# Calls that need room on the disk, and calls that need a descriptor.
ROOM = frozenset(
    {"write", "pwrite", "writev", "mkdir", "link", "symlink", "ftruncate", "truncate", "posix_fallocate"}
)
DESCRIPTORS = frozenset({"open", "dup", "accept", "scandir"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. ``role`` suffers it (its first process at boundaries, any of them at random); "" is any role."""

    kind: str
    role: str = ""
    at: str = RANDOM
    time: float | None = None  # seconds: of a stop, of a slow fsync, of a jump

    @property
    def seconds(self) -> float:
        """Seconds that belong to the fault: how long it stops or delays, how far the clock jumps."""
        return _TIMES.get(self.kind, 0.0) if self.time is None else self.time

    @property
    def name(self) -> str:
        """Say the fault in a report."""
        if self.kind == POWER_CUT:
            return self.kind
        return f"{self.kind} at {'every boundary' if self.at == BOUNDARIES else 'random instants'}"

    def excuses(self, number: int | None, signalled: bool) -> bool:
        """Tell whether the role may have failed so because of the fault: with an errno, or by its signal handler."""
        if self.kind == SIGNAL:
            return signalled
        wanted = {FULL_DISK: errno.ENOSPC, NO_DESCRIPTORS: errno.EMFILE}.get(self.kind)
        return wanted is not None and number == wanted


class Signalled(BaseException):
    """What the handler of an injected signal raises, as the one of Ctrl-C raises KeyboardInterrupt."""
