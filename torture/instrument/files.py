"""Calls of C functions that touch the file system: one resource per path, the whole of it where no path is given."""

from __future__ import annotations

import io
import os

_READS = "stat lstat access listdir scandir readlink fstat statvfs getxattr listxattr read pread lseek get_blocking fpathconf"
_WRITES = (
    "open close unlink remove rename replace mkdir rmdir link symlink chmod fchmod lchmod chown fchown lchown truncate"
    " ftruncate write pwrite writev fsync fdatasync utime mkfifo mknod dup dup2 pipe sendfile copy_file_range"
)


def _functions() -> dict[object, bool]:
    found: dict[object, bool] = {open: True, io.open: True}
    for names, writes in ((_READS, False), (_WRITES, True)):
        for name in names.split():
            function = getattr(os, name, None)
            if function is not None:
                found[function] = writes
    return found


# Function -> whether it changes something. Two-path functions are filed under their first path and conflict with
# all: see ANY_PATH.
FILE_FUNCTIONS: dict[object, bool] = _functions()
ANY_PATH: frozenset[object] = frozenset(
    getattr(os, name)
    for name in ("rename", "replace", "link", "symlink", "scandir", "listdir", "rmdir")
    if hasattr(os, name)
)
FILE_TYPES: tuple[type, ...] = (
    io.TextIOWrapper,
    io.BufferedReader,
    io.BufferedWriter,
    io.BufferedRandom,
    io.FileIO,
    io.BytesIO,
    io.StringIO,
)
FILE_METHODS = frozenset(
    [
        "read",
        "readline",
        "readlines",
        "readinto",
        "readinto1",
        "write",
        "writelines",
        "flush",
        "close",
        "seek",
        "tell",
        "truncate",
        "read1",
        "peek",
        "getvalue",
        "readall",
        "getbuffer",
        "detach",
        "reconfigure",
        "__next__",
        "__exit__",
    ]
)
