"""Which process is meant: a number is given again to a stranger, number and start time are not."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")


def identity(pid: int) -> str | None:
    """Return what tells a running process from all others that have or had its number; None if it does not run.

    On Linux it is the boot and the start time in clock ticks. Elsewhere it is "", where only the number is known.
    """
    if not (_PROC / "self" / "stat").exists():
        return "" if _runs(pid) else None
    try:
        with open(_PROC / str(pid) / "stat", "rb") as status:
            # The name in parentheses may hold anything; after it come the state (field 3) and the rest.
            fields = status.read().rpartition(b")")[2].split()
        with open(_PROC / "sys" / "kernel" / "random" / "boot_id", "rb") as boot:
            return None if fields[0] in (b"Z", b"X") else f"{boot.read().decode().strip()}:{int(fields[19])}"
    except (FileNotFoundError, ProcessLookupError):
        return None


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, but it runs
        return True
    return True
