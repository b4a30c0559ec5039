"""Programs for the state file; rows 1.5 to 1.7, 1.10, 1.13 and 1.14.

Each is the same for all variants: ``component`` makes the port manager of a project. Files are real.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

STATE = ".mcp_server_state.json"
MEMORY = "/dev/shm"  # a disk's fsync costs milliseconds, and shows nothing here


class Project:
    """Tells at once what the project is; the real discovery asks git."""

    def __init__(self, root: Path, name: str = "project") -> None:
        self._info = {"name": name, "root": str(root)}

    def get_project_info(self) -> dict[str, Any]:
        """Return name and root."""
        return self._info


def read_while_written(component: Any, ledger: Any, writers: int, reads: int) -> None:
    """Read a project's state while some threads write it; there is one at any time."""
    with project_folder() as base:
        manager = component(base, Project(base))
        manager.write_state("dual", 4242)
        states: list[Any] = []

        def write(number: int) -> None:
            with suppress(FileNotFoundError):  # row 1.6, not asked here
                manager.write_state("dual", 4243 + number, path="/mcp" * (writers - number))

        def read() -> None:
            for _ in range(reads):
                states.append(component.read_state(base))

        together(read, *(lambda number=number: write(number) for number in range(writers)))
        states.append(component.read_state(base))
        torn = states.count(None)
        ledger.count(reads=len(states), torn=torn)
        if torn:
            ledger.fail(
                "torn", f"{torn} of {len(states)} reads found no state; there was one all the time", torn=torn
            )


def write_together(component: Any, ledger: Any, writers: int) -> None:
    """Write a project's state from some threads."""
    with project_folder() as base:
        manager = component(base, Project(base))

        together(
            *(lambda port=port: manager.write_state("dual", port) for port in range(4242, 4242 + writers))
        )
        assert component.read_state(base)["port"] in range(4242, 4242 + writers)


def look_while_written(component: Any, ledger: Any) -> None:
    """Look at the permissions of all files of a state that is written again."""
    with project_folder() as base:
        manager = component(base, Project(base))
        manager.write_state("dual", 4242)

        def look() -> None:
            for name in os.listdir(base):
                with suppress(FileNotFoundError):
                    mode = stat.S_IMODE(os.stat(base / name).st_mode)
                    if mode & 0o077:
                        which = "the state file" if name == STATE else "a temporary file"
                        ledger.fail("invariant", f"{which} has mode {mode:o}, others can read it")

        together(lambda: manager.write_state("dual", 4243), look)


def read_foreign_state(component: Any, ledger: Any, content: list[int]) -> None:
    """Read a state file that holds something else (its bytes); that is no state."""
    with project_folder() as base:
        (base / STATE).write_bytes(bytes(content))

        state = component.read_state(base)
        assert state is None, f"{bytes(content)!r} was read as {state!r}"


def second_server_fails(component: Any, ledger: Any) -> None:
    """Start a server of a project, while another one that did not start cleans up."""
    with project_folder() as base:
        ledger.expect(minimum=1)

        def serve() -> None:
            ledger.sent("state", "first server")
            component(base, Project(base, "first server")).write_state("dual", 4242)

        together(component(base, Project(base, "second server")).cleanup_state, serve)
        state = component.read_state(base)
        if state is not None:
            ledger.received("state", state["project"]["name"])


def clean_up_twice(component: Any, ledger: Any) -> None:
    """Clean up from two threads, as a signal handler and an ending main function do."""
    with project_folder() as base:
        manager = component(base, Project(base))
        manager.write_state("dual", 4242)

        together(manager.cleanup_state, manager.cleanup_state)
        assert component.read_state(base) is None


@contextmanager
def project_folder() -> Iterator[Path]:
    """Make the folder of a project, for the time of an execution; permissions are as most people have them."""
    mask = os.umask(0o022)
    place = MEMORY if os.path.isdir(MEMORY) else None
    try:
        with tempfile.TemporaryDirectory(
            prefix="state_files.", dir=place, ignore_cleanup_errors=True
        ) as folder:
            yield Path(folder)
    finally:
        os.umask(mask)


def together(*functions: Callable[[], object]) -> None:
    """Run each function on a thread of its own, and raise what they raised."""
    errors: list[Exception] = []

    def guarded(function: Callable[[], object]) -> None:
        try:
            function()
        except Exception as error:
            errors.append(error)

    threads = [Thread(target=guarded, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ExceptionGroup("several threads failed", errors)
