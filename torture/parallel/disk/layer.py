"""A layer under the code under test: its calls of the system for files and sockets pass through a watcher.

Python's names for the calls are replaced in every module that is loaded, so ``from os import fsync`` is seen, too. Not seen
are calls made in C: of an extension, ``sqlite3``, ``mmap`` and sub-processes. Installed once, in a process of its own; never taken
away. Rejected: ptrace (a hundred times slower, not permitted in most containers), an LD_PRELOAD library (needs a compiler).
"""

from __future__ import annotations

import io
import os
import socket
import sys
from collections.abc import Callable
from typing import Any, Protocol

# Calls of ``os`` that change or read the disk, as a program spells them.
_WRITING = "write pwrite writev pwritev sendfile copy_file_range splice posix_fallocate truncate ftruncate"
_NAMING = "rename replace link symlink unlink remove rmdir mkdir mkfifo mknod chmod fchmod lchmod chown fchown lchown utime"
_READING = "read pread readv stat lstat fstat access listdir scandir readlink lseek"
_REST = "open close closerange dup dup2 fsync fdatasync sync"
FILES = frozenset(f"{_WRITING} {_NAMING} {_READING} {_REST}".split())
SOCKETS = ("bind", "listen", "connect", "connect_ex", "accept")
LOCKS = ("flock", "lockf", "fcntl")
_KEPT = ("torture", "importlib", "posix", "_frozen_importlib", "_frozen_importlib_external")


class Watcher(Protocol):
    """Stands between the code under test and the system."""

    def call(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Perform a call: return what ``function`` returns, or raise what it might."""


def install(watcher: Watcher) -> None:
    """Let every call pass through the watcher from now on, in this process."""
    import fcntl

    replaced: dict[Any, Any] = {}
    for module, names in ((os, FILES), (fcntl, LOCKS)):
        for name in names:
            function = getattr(module, name, None)
            if function is not None:
                replaced[function] = _watched(watcher, name, function)
    replaced[io.open] = _opener(
        replaced[os.open], replaced[os.close], replaced[os.write], replaced[os.ftruncate]
    )
    os.supports_fd.update(replaced[each] for each in list(os.supports_fd) if each in replaced)
    for supported in (os.supports_dir_fd, os.supports_follow_symlinks):
        supported.update(replaced[each] for each in list(supported) if each in replaced)
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in _KEPT:
            _replace(module, replaced)
    for name in SOCKETS:
        function = getattr(socket.socket, name)
        setattr(socket.socket, name, _watched(watcher, name, function))


def _replace(module: Any, replaced: dict[Any, Any]) -> None:
    for name, value in list(getattr(module, "__dict__", {}).items()):
        try:
            new = replaced.get(value)
        except TypeError:  # what cannot be hashed is no function
            continue
        if new is not None:
            setattr(module, name, new)


def _watched(watcher: Watcher, name: str, function: Any) -> Any:
    def watched(*args: Any, **kwargs: Any) -> Any:
        return watcher.call(name, function, *args, **kwargs)

    watched.__name__, watched.__doc__ = function.__name__, function.__doc__
    return watched


def _opener(opened: Any, closed: Any, written: Any, truncated: Any) -> Callable[..., Any]:
    """Return an ``open`` whose files call the system through these four."""

    class File(io.FileIO):
        """The lowest part of a file object; buffers and text stand on it as ever."""

        def __init__(self, file: Any, mode: str, closefd: bool, opener: Any) -> None:
            if isinstance(file, int):
                descriptor = file
            elif opener is not None:
                descriptor = opener(os.fspath(file), _flags(mode))
            else:
                descriptor = opened(os.fspath(file), _flags(mode), 0o666)
            self._own = None if isinstance(file, int) and not closefd else descriptor
            try:
                super().__init__(descriptor, mode, closefd=False)
            except BaseException:  # a folder
                if not isinstance(file, int):
                    closed(descriptor)
                raise
            self.name = file

        def write(self, data: Any) -> int:
            if not self.writable():
                return super().write(data)  # raises
            count: int = written(self.fileno(), data)
            return count

        def truncate(self, size: int | None = None) -> int:
            size = self.tell() if size is None else size
            truncated(self.fileno(), size)
            return size

        def close(self) -> None:
            if not self.closed:
                super().close()
                if self._own is not None:
                    closed(self._own)

    def open(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        binary, text = "b" in mode, "b" not in mode
        if binary and (encoding is not None or errors is not None or newline is not None):
            raise ValueError("binary mode doesn't take an encoding, errors or newline argument")
        raw = File(file, mode.replace("b", "").replace("t", ""), closefd, opener)
        if buffering == 0:
            if text:
                raise ValueError("can't have unbuffered text I/O")
            return raw
        size = buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE
        buffer: Any
        if "+" in mode:
            buffer = io.BufferedRandom(raw, size)
        else:
            buffer = io.BufferedReader(raw, size) if raw.readable() else io.BufferedWriter(raw, size)
        if binary:
            return buffer
        stream = io.TextIOWrapper(buffer, encoding, errors, newline, line_buffering=buffering == 1)
        stream.mode = mode  # type: ignore[misc]  # io.open sets it, too
        return stream

    return open


def _flags(mode: str) -> int:
    """Return the flags with which FileIO opens."""
    kinds = [kind for kind in mode if kind in "rwax"]
    if len(kinds) != 1:
        raise ValueError("must have exactly one of create/read/write/append mode")
    flags = os.O_CLOEXEC
    flags |= {
        "r": 0,
        "w": os.O_CREAT | os.O_TRUNC,
        "a": os.O_CREAT | os.O_APPEND,
        "x": os.O_CREAT | os.O_EXCL,
    }[kinds[0]]
    if "+" in mode:
        return flags | os.O_RDWR
    return flags | (os.O_RDONLY if kinds[0] == "r" else os.O_WRONLY)
