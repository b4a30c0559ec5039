"""Races in the file system, and how they are avoided."""

import os
import tempfile
import threading
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
