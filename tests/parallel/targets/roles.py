"""Programs that say their roles, right and wrong ones, for the engine of real processes. The component is not used."""

import fcntl
import mmap
import os
import signal
import socket
import time
from contextlib import suppress
from datetime import datetime


class Component:
    def act(self):
        time.sleep(0.001)


class Program:
    count = 2

    def __init__(self, component, folder, **parameters):
        self.component, self.folder = component, folder
        self.__dict__.update(parameters)

    def roles(self):
        return {"play": self.count}

    def play(self, ledger, number):
        pass


class Quiet(Program):
    """Does what it should."""

    def play(self, ledger, number):
        ledger.sent("all", number)
        ledger.received("all", number)
        ledger.count(played=1)
        self.component().act()


class Lost(Program):
    def play(self, ledger, number):
        ledger.sent("all", number)


class Raises(Program):
    def play(self, ledger, number):
        raise ValueError(f"number {number}")


class RaisesInOne(Program):
    """One process raises, and the other would wait for it for ever."""

    def play(self, ledger, number):
        if number:
            raise ValueError("the other waits")
        while not (self.folder / "never").exists():
            time.sleep(0.01)


class RaisesWhenMade(Program):
    def __init__(self, component, folder, **parameters):
        super().__init__(component, folder, **parameters)
        self.parent = os.getppid()
        if (folder / "prepared").exists():
            raise ValueError("made in a process of its own")

    def prepare(self, ledger):
        (self.folder / "prepared").touch()


class BlocksWhenMade(RaisesWhenMade):
    def __init__(self, component, folder, **parameters):
        Program.__init__(self, component, folder, **parameters)
        while (folder / "prepared").exists():
            time.sleep(0.01)


class RaisesBefore(Program):
    def prepare(self, ledger):
        raise ValueError("prepare")


class RaisesAfter(Program):
    def conclude(self, ledger):
        raise ValueError("conclude")


class Crashes(Program):
    def play(self, ledger, number):
        os.kill(os.getpid(), signal.SIGSEGV)


class Exits(Program):
    def play(self, ledger, number):
        os._exit(3)


class Leaves(Program):
    """Ends its process as if all was well."""

    def play(self, ledger, number):
        os._exit(0)


class Hangs(Program):
    def play(self, ledger, number):
        self.wait_for_nobody()

    def wait_for_nobody(self):
        while True:
            time.sleep(0.01)


class Eats(Program):
    count = 1

    def play(self, ledger, number):
        self.food = bytearray(8 << 30)


class Holds(Program):
    """What a role returns is held until all have ended."""

    def play(self, ledger, number):
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        ledger.received("ports", listener.getsockname()[1])
        return listener


class Alone(Program):
    """Each process has a program of its own, and sees what the others wrote in the folder."""

    def prepare(self, ledger):
        self.mine = os.getpid()
        (self.folder / "pids").write_text(f"{os.getpid()} ")

    def play(self, ledger, number):
        assert not hasattr(self, "mine")
        with open(self.folder / "pids", "a") as file:
            file.write(f"{os.getpid()} ")

    def conclude(self, ledger):
        pids = (self.folder / "pids").read_text().split()
        assert len({*pids, str(os.getpid())}) == 4, pids
        for pid in pids:
            os.kill(int(pid), 0)  # they live until all is said


class Check(Program):
    """Looks whether a file is there, then makes it: two system calls."""

    locked = False

    def play(self, ledger, number):
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT)
        if self.locked:
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not (self.folder / "mine").exists():
            (self.folder / "mine").touch()
            ledger.received("mine", "the file")
        os.close(lock)


class CheckInOne(Check):
    """Only the second role has two calls between which something can happen."""

    def roles(self):
        return {"first": 1, "second": 1}

    def first(self, ledger, number):
        with suppress(FileExistsError):
            os.close(os.open(self.folder / "mine", os.O_CREAT | os.O_EXCL))
            ledger.received("mine", "the file")

    def second(self, ledger, number):
        self.play(ledger, number)


class Counted(Program):
    """Calls the system exactly five times: open, write, fsync, close, stat."""

    count = 1

    def play(self, ledger, number):
        descriptor = os.open(self.folder / "file", os.O_WRONLY | os.O_CREAT)
        os.write(descriptor, b"x")
        os.fsync(descriptor)
        os.close(descriptor)
        os.stat(self.folder / "file")


class LockFile(Program):
    """Takes a lock that a killed process does not give back."""

    def play(self, ledger, number):
        while True:
            with suppress(FileExistsError):
                os.close(os.open(self.folder / "lock", os.O_CREAT | os.O_EXCL))
                break
            time.sleep(0.001)
        os.stat(self.folder)
        os.unlink(self.folder / "lock")

    def conclude(self, ledger):
        self.play(ledger, 2)


class TwoFiles(Program):
    """Writes two files that must agree."""

    count = 1
    careful = False

    def prepare(self, ledger):
        self._write("0")

    def play(self, ledger, number):
        before = (self.folder / "a").read_text()
        try:
            self._write("1")
        except BaseException:
            if self.careful:
                self._write(before)
            raise

    def conclude(self, ledger):
        if (self.folder / "a").read_text() != (self.folder / "b").read_text():
            ledger.fail("invariant", "the files differ")

    def _write(self, text):
        for name in ("a", "b"):
            (self.folder / f"{name}.new").write_text(text)
            os.replace(self.folder / f"{name}.new", self.folder / name)


class Writer(Program):
    """Writes a register; ``how`` says with how much care."""

    count = 1
    how = "safe"
    writes = 2

    def prepare(self, ledger):
        ledger.begun("file", 0)
        (self.folder / "file").write_text("00000000")
        ledger.acknowledged("file", 0)

    def play(self, ledger, number):
        for item in range(1, self.writes + 1):
            ledger.begun("file", item)
            getattr(self, f"_{self.how}")(f"{item:04}" * 2)
            ledger.acknowledged("file", item)

    def conclude(self, ledger):
        text = (self.folder / "file").read_text()
        if len(text) != 8 or not text.isdigit() or text != text[:4] * 2:
            ledger.fail("torn", f"{text!r} was found", torn=1)
        ledger.survived("file", int(text[:4]))

    def _in_place(self, text):
        (self.folder / "file").write_text(text)

    def _renamed(self, text, file=False, folder=False):
        descriptor = os.open(self.folder / "new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        rest = text.encode()
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        if file:
            os.fsync(descriptor)
        os.close(descriptor)
        os.rename(self.folder / "new", self.folder / "file")
        if folder:
            descriptor = os.open(self.folder, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)

    def _file_synced(self, text):
        self._renamed(text, file=True)

    def _safe(self, text):
        self._renamed(text, file=True, folder=True)

    def _swallowed(self, text):
        with suppress(OSError):
            self._safe(text)

    def _mapped(self, text):
        with open(self.folder / "file", "r+b") as file, mmap.mmap(file.fileno(), 8) as memory:
            memory[:8] = text.encode()


class CrashesWhenRead(Writer):
    """Its reader does not survive an empty file."""

    how = "renamed"

    def conclude(self, ledger):
        if not (self.folder / "file").read_bytes():
            os.kill(os.getpid(), signal.SIGSEGV)


class Waits(Program):
    """Waits for a moment by a clock, wall or monotonic."""

    count = 1
    clock = "time"

    def play(self, ledger, number):
        clock = getattr(time, self.clock)
        begun, now = clock(), datetime.now()
        while clock() - begun < 0.02:
            os.stat(self.folder)
        if self.clock == "time":
            assert datetime.now() >= now, "datetime went back"
        assert clock() - begun < 10
