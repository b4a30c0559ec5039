"""Races in the file system, and how they are avoided."""

import contextlib
import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path


def _together(*functions: Callable[[], object]) -> None:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def looks_then_makes() -> None:
    made = []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "lock")

        def make() -> None:
            if not os.path.exists(path):
                with open(path, "w"):
                    made.append(path)

        _together(make, make)
    assert len(made) == 1


def looks_then_makes_with_pathlib() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inner"

        def make() -> None:
            if not path.is_dir():
                path.mkdir()

        _together(make, make)


def looks_then_removes() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "file")
        with open(path, "w"):
            pass

        def remove() -> None:
            if os.path.exists(path):
                os.remove(path)

        _together(remove, remove)


def counts_in_a_file() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "count"
        path.write_text("0")

        def add() -> None:
            path.write_text(str(int(path.read_text() or "0") + 1))

        _together(add, add)
        assert path.read_text() == "2"


def makes_exclusively() -> None:
    made, refused = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "lock")

        def make() -> None:
            try:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL))
                made.append(path)
            except FileExistsError:
                refused.append(path)

        _together(make, make)
    assert (len(made), len(refused)) == (1, 1)


def makes_exclusively_with_open() -> None:
    made, refused = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "lock")

        def make() -> None:
            try:
                with open(path, "x"):
                    made.append(path)
            except FileExistsError:
                refused.append(path)

        _together(make, make)
    assert (len(made), len(refused)) == (1, 1)


def replaces_at_once() -> None:
    seen = []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "state")
        with open(path, "w") as file:
            file.write("old")

        def write() -> None:
            with open(path + ".new", "w") as file:
                file.write("new")
            os.replace(path + ".new", path)

        def read() -> None:
            with open(path) as file:
                seen.append(file.read())

        _together(write, read)
    assert seen in (["old"], ["new"])


def names_of_their_own() -> None:
    names = []

    def make() -> None:
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"x")
            names.append(file.name)

    _together(make, make)
    assert len(set(names)) == 2


def databases() -> None:
    """A writer waits for the other one's transaction, whatever happens inside of that."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "database")
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("create table numbers (number)")
        steps: list[int] = []

        def work(number: int) -> None:
            with contextlib.closing(sqlite3.connect(path, timeout=60.0)) as connection, connection:
                connection.execute("insert into numbers values (?)", (number,))
                steps.append(number)
                time.sleep(0.01)
                steps.append(number)

        _together(lambda: work(1), lambda: work(2))
        assert steps in ([1, 1, 2, 2], [2, 2, 1, 1])
        with contextlib.closing(sqlite3.connect(path)) as connection:
            rows = connection.execute("select number from numbers order by number").fetchall()
        assert rows == [(1,), (2,)]


def connections_of_other_threads() -> None:
    errors: list[str] = []
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:

        def work() -> None:
            try:
                connection.execute("select 1")
            except sqlite3.ProgrammingError as error:
                errors.append(str(error)[:38])

        _together(work, work)
        assert connection.execute("select 1").fetchone() == (1,)
    assert errors == ["SQLite objects created in a thread can"] * 2
