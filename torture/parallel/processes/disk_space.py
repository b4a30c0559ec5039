"""A disk that can be full: a small file system in memory, seen by this process and those it forks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_SIZE = 1 << 20  # bytes
_CLONE_NEWNS = 0x00020000
_MS_PRIVATE, _MS_REC = 1 << 18, 1 << 14


def mount(folder: Path) -> bool:
    """Mount a small file system over a folder; tell whether that was possible.

    It is mounted in a name space of this process: nobody else sees it, and it goes with us. Needs the rights of an administrator.
    """
    if sys.platform != "linux":
        return False
    import ctypes

    system = ctypes.CDLL(None, use_errno=True)
    if system.unshare(_CLONE_NEWNS) or system.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None):
        return False
    options = f"size={_SIZE},mode=755".encode()
    return not system.mount(b"torture", os.fsencode(folder), b"tmpfs", 0, options)


class Ballast:
    """What fills the file system of a folder but for some blocks."""

    def __init__(self, folder: Path, spare: int | None) -> None:
        """``spare`` is how many blocks are left; None fills nothing."""
        self._file = folder.parent / "ballast"
        if spare is None:
            return
        space = os.statvfs(folder)
        if space.f_bavail * space.f_bsize > _SIZE:  # no file system of ours
            raise ValueError(f"{folder} is not on a small file system")
        with open(self._file, "wb") as stream:
            stream.write(bytes(max(0, space.f_bavail - spare) * space.f_bsize))

    def drop(self) -> None:
        """Make room again."""
        self._file.unlink(missing_ok=True)
