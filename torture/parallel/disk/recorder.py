"""Records what the code under test changes in one folder, as operations that a model can drop and reorder."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torture.oracles.durability import Mark
from torture.parallel.disk.operations import (
    ROOT,
    Change,
    Image,
    Marked,
    Mode,
    Names,
    Node,
    Operation,
    Sync,
    Truncate,
    Write,
)
from torture.parallel.disk.order import Order

# Originals: those in ``os`` are replaced by the time they are used.
_lstat, _stat, _fstat, _lseek, _realpath, _fspath = (
    os.lstat,
    os.stat,
    os.fstat,
    os.lseek,
    os.path.realpath,
    os.fspath,
)
_UNKNOWN = frozenset(
    {"sendfile", "copy_file_range", "splice", "posix_fallocate", "mkfifo", "mknod", "pwritev", "closerange"}
)


def snapshot(folder: Path) -> tuple[Image, dict[int, int]]:
    """Return the image of a folder, and the number of each node by its inode."""
    image = Image({})
    numbers: dict[int, int] = {}

    def walk(path: Path) -> int:
        status = path.lstat()
        if status.st_ino in numbers:  # a hard link
            return numbers[status.st_ino]
        number = numbers[status.st_ino] = len(numbers)
        node = image.nodes[number] = Node("file", stat.S_IMODE(status.st_mode))
        if stat.S_ISDIR(status.st_mode):
            node.kind = "folder"
            for child in sorted(path.iterdir()):
                node.names[child.name] = walk(child)
        elif stat.S_ISLNK(status.st_mode):
            node.kind, node.content = "link", bytearray(os.fsencode(os.readlink(path)))
        elif stat.S_ISREG(status.st_mode):
            node.content = bytearray(path.read_bytes())
        else:
            node.kind = "other"
        return number

    assert walk(folder) == ROOT
    return image, numbers


class Recorder:
    """A watcher that performs every call and writes down what it changed below a folder."""

    def __init__(self, folder: Path) -> None:
        self.operations: list[Operation] = []
        self.marks: list[Mark] = []  # of the ledgers, in the order of the operations
        self.unmodelled: dict[str, None] = {}  # calls that changed something the records do not hold
        self.initial, self._numbers = snapshot(folder)
        self._next = len(self._numbers)
        self._root = str(_realpath(folder))
        self._open: dict[int, tuple[int, bool, bool]] = {}  # descriptor -> node, appends, syncs each write
        self._lock = threading.RLock()  # an operation and its record are one step
        self._paths: dict[int, str] = {}
        self._order: Order | None = None
        self._in_step = False

    def share(self, place: Path) -> None:
        """Record with other processes from now on, and take in what they have recorded at ``place``."""
        self._order = Order(place)
        with self.step():
            pass

    @contextmanager
    def step(self) -> Iterator[None]:
        """Let no other operation be recorded meanwhile, neither here nor in the other processes."""
        with self._lock:
            if self._order is None or self._in_step:  # a finaliser closes a file in the midst of one
                yield
                return
            for operations, marks, *state in self._order.begin():
                self.operations += operations
                self.marks += marks
                self._numbers, self._paths, self._next, self.unmodelled = state
            known, marked = len(self.operations), len(self.marks)
            self._in_step = True
            try:
                yield
            finally:
                self._in_step = False
                state = [self._numbers, self._paths, self._next, self.unmodelled]
                self._order.end((self.operations[known:], self.marks[marked:], *state))

    def mark(self, text: str, mark: Mark) -> None:
        """Record a mark of a ledger."""
        with self.step():
            self.marks.append(mark)
            self._add(Marked(f"{text}: {mark.item!r}", len(self.marks)))

    def call(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        record = getattr(self, "_opened" if name == "open" else f"_{name}", None)
        if record is None and name not in _UNKNOWN:
            return function(*args, **kwargs)
        with self.step():
            if record is None:
                if name == "closerange" or any(isinstance(each, int) and each in self._open for each in args):
                    self.unmodelled[name] = None
                return function(*args, **kwargs)
            return record(function, *args, **kwargs)

    # One method for each call, with the call's own parameters: they may be given by name.

    def _opened(self, function: Any, path: Any, flags: int, mode: int = 0o777, *, dir_fd: Any = None) -> int:
        place = _at(path, dir_fd)
        entry = self._entry(place)
        existed = entry is not None and _exists(place)
        fd: int = function(path, flags, mode, dir_fd=dir_fd)
        if entry is None:
            return fd
        status = _fstat(fd)
        if not existed and flags & os.O_CREAT:
            node = self._made(entry, status.st_ino, "file", stat.S_IMODE(status.st_mode), "create")
        else:
            known = self._numbers.get(status.st_ino)
            if known is None:
                self.unmodelled[f"open of {entry[1]}, which another process made"] = None
                return fd
            node = known
            if flags & os.O_TRUNC and flags & (os.O_WRONLY | os.O_RDWR):
                self._add(Truncate(f"truncate {entry[1]}", node, 0))
        syncs = bool(flags & (os.O_SYNC | os.O_DSYNC))
        self._open[fd] = (node, bool(flags & os.O_APPEND), syncs)
        self._paths[node] = entry[1]
        return fd

    def _write(self, function: Any, fd: int, data: Any) -> int:
        return self._wrote(function, fd, data, None)

    def _pwrite(self, function: Any, fd: int, data: Any, offset: int) -> int:
        return self._wrote(function, fd, data, offset)

    def _writev(self, function: Any, fd: int, buffers: Any) -> int:
        return self._wrote(lambda fd, data: function(fd, [data]), fd, b"".join(buffers), None)

    def _ftruncate(self, function: Any, fd: int, length: int) -> None:
        function(fd, length)
        if fd in self._open:
            node = self._open[fd][0]
            self._add(Truncate(f"truncate {self._paths[node]} to {length}", node, length))

    def _truncate(self, function: Any, path: Any, length: int) -> None:
        if isinstance(path, int):
            return self._ftruncate(function, path, length)
        function(path, length)
        node = self._numbers.get(_stat(path).st_ino) if self._entry(path) else None
        if node is not None:
            self._add(Truncate(f"truncate {self._short(path)} to {length}", node, length))
        return None

    def _fsync(self, function: Any, fd: Any) -> None:
        self._synced(function, fd, data_only=False)

    def _fdatasync(self, function: Any, fd: Any) -> None:
        self._synced(function, fd, data_only=True)

    def _sync(self, function: Any) -> None:
        function()
        self._add(Sync("sync", None))

    def _close(self, function: Any, fd: int) -> None:
        self._open.pop(fd, None)  # before: the number is somebody else's at once
        function(fd)

    def _dup(self, function: Any, fd: int) -> int:
        new: int = function(fd)
        if fd in self._open:
            self._open[new] = self._open[fd]
        return new

    def _dup2(self, function: Any, fd: int, fd2: int, inheritable: bool = True) -> int:
        new: int = function(fd, fd2, inheritable)
        self._open.pop(new, None)
        if fd in self._open:
            self._open[new] = self._open[fd]
        return new

    def _rename(self, function: Any, src: Any, dst: Any, **kwargs: Any) -> None:
        before, after = self._entry(src), self._entry(dst)
        node = self._node_at(src) if before is not None else None
        function(src, dst, **kwargs)
        if before is None and after is None:
            return
        if before is None or after is None or node is None or kwargs:
            self.unmodelled["rename across the folder's border"] = None
            return
        changes = (Change(*after[0], node), Change(*before[0], None))
        self._paths[node] = after[1]
        self._add(Names(f"rename {before[1]} to {after[1]}", changes))

    _replace = _rename

    def _link(self, function: Any, src: Any, dst: Any, **kwargs: Any) -> None:
        entry, node = self._entry(dst), self._node_at(src)
        function(src, dst, **kwargs)
        if entry is not None and node is not None:
            self._add(Names(f"link {self._short(src)} as {entry[1]}", (Change(*entry[0], node),)))
        elif entry is not None:
            self.unmodelled["link across the folder's border"] = None

    def _symlink(self, function: Any, src: Any, dst: Any, *args: Any, **kwargs: Any) -> None:
        function(src, dst, *args, **kwargs)
        if self._entry(dst) is not None:
            self.unmodelled["symlink"] = None

    def _unlink(self, function: Any, path: Any, *, dir_fd: Any = None) -> None:
        entry = self._entry(_at(path, dir_fd))
        function(path, dir_fd=dir_fd)
        if entry is not None:
            self._add(Names(f"remove {entry[1]}", (Change(*entry[0], None),)))

    _remove = _rmdir = _unlink

    def _mkdir(self, function: Any, path: Any, mode: int = 0o777, *, dir_fd: Any = None) -> None:
        place = _at(path, dir_fd)
        entry = self._entry(place)
        function(path, mode, dir_fd=dir_fd)
        if entry is not None:
            status = _lstat(place)
            self._made(entry, status.st_ino, "folder", stat.S_IMODE(status.st_mode), "make folder")

    def _chmod(self, function: Any, path: Any, mode: int, **kwargs: Any) -> None:
        function(path, mode, **kwargs)
        if isinstance(path, int):
            node = self._open[path][0] if path in self._open else None
        else:
            node = self._numbers.get(_stat(path).st_ino) if self._entry(path) else None
        if node is not None:
            self._add(Mode(f"chmod {self._paths.get(node, '.')} to {mode:o}", node, mode))

    def _fchmod(self, function: Any, fd: int, mode: int) -> None:
        self._chmod(function, fd, mode)

    # What they share.

    def _add(self, operation: Operation) -> None:
        self.operations.append(operation)

    def _wrote(self, function: Any, fd: int, data: Any, offset: int | None) -> int:
        if fd not in self._open:
            written: int = function(fd, data) if offset is None else function(fd, data, offset)
            return written
        node, appends, syncs = self._open[fd]
        size = _fstat(fd).st_size
        if offset is None:
            where = size if appends else _lseek(fd, 0, os.SEEK_CUR)
            written = function(fd, data)
        else:
            where = offset
            written = function(fd, data, offset)
        content = bytes(memoryview(data).cast("B")[:written])
        path = self._paths[node]
        text = f"write {written} bytes at {where} of {path}"
        self._add(Write(text, node, where, content, where + written > size))
        if syncs:
            self._add(Sync(f"sync {path} (O_SYNC)", node))
        return written

    def _synced(self, function: Any, file: Any, *, data_only: bool) -> None:
        function(file)
        fd = file if isinstance(file, int) else file.fileno()
        if fd in self._open:
            node = self._open[fd][0]
            self._add(Sync(f"fsync {self._paths.get(node, '.')}", node, data_only))

    def _made(self, entry: tuple[tuple[int, str], str], inode: int, kind: str, mode: int, verb: str) -> int:
        node = self._numbers[inode] = self._next  # a new number: the system gives an inode again
        self._next += 1
        self._paths[node] = entry[1]
        self._add(Names(f"{verb} {entry[1]}", (Change(*entry[0], node),), node, kind, mode))
        return node

    def _node_at(self, path: Any) -> int | None:
        return self._numbers.get(_lstat(path).st_ino) if _exists(path) else None

    def _entry(self, path: Any) -> tuple[tuple[int, str], str] | None:
        """Return folder and name of a path below the watched folder with its text, None for any other."""
        if isinstance(path, int):
            return None
        text = os.fsdecode(_fspath(path))
        if _realpath(text) == self._root and not os.path.islink(text):
            return (ROOT, "."), "."
        folder, name = os.path.split(text.rstrip("/"))
        folder = str(_realpath(folder or "."))
        if folder != self._root and not folder.startswith(self._root + os.sep):
            return None
        number = self._numbers.get(_stat(folder).st_ino) if _exists(folder) else None
        if number is None:
            return None
        return (number, name), os.path.relpath(os.path.join(folder, name), self._root)

    def _short(self, path: Any) -> str:
        entry = self._entry(path)
        return entry[1] if entry is not None else str(path)


def _at(path: Any, dir_fd: int | None) -> Any:
    """Return where a path leads that counts from an open folder."""
    if dir_fd is None:
        return path
    return os.path.join(_realpath(f"/proc/self/fd/{dir_fd}"), os.fsdecode(_fspath(path)))


def _exists(path: Any) -> bool:
    try:
        _lstat(path)
    except OSError:
        return False
    return True
