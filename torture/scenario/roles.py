"""Programs that say their roles: what the processes of a scenario do, and what its threads do on the other engines.

Such a program is a class. It is made anew in every process, as ``program(component, folder, **parameters)``; what its
processes share is the folder alone. In threads one object serves all.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from torture.errors import CheckFailed, UsageError
from torture.oracles import durability
from torture.oracles.accounting import Ledger

MEMORY = "/dev/shm"  # a disk's fsync costs milliseconds, and shows nothing here


class Cast(Protocol):
    """What a program with roles has.

    Each role is a method ``role(ledger, number)``; what it returns is held until all have ended, and then closed. It may
    also have ``prepare(ledger)``, run to its end before the roles begin and held likewise, and ``conclude(ledger)``, run
    by somebody fresh after they have ended, by kill or by itself.
    """

    def roles(self) -> Mapping[str, int]:
        """Return how many play each role, by the name of its method."""


class RoleTarget:
    """The target of a scenario whose program says its roles; ``component`` may be replaced by one that is timed."""

    def __init__(
        self,
        component: Any,
        program: Callable[..., Any],
        parameters: Callable[[], dict[str, Any]],
        balance: Callable[[Ledger], None],
    ) -> None:
        self.component = component
        self.counts: dict[str, int] = {}  # what threads counted, over all executions
        self._program = program
        self._parameters = parameters
        self._balance = balance

    def make(self, folder: Path) -> Any:
        """Return the program for one process, or for all threads. Raises UsageError if its roles are wrong."""
        program = self._program(self.component, folder, **self._parameters())
        for role, count in program.roles().items():
            if not callable(getattr(program, role, None)) or count < 1:
                raise UsageError(
                    f"{type(program).__name__} has {count} of role {role!r}; give it a method {role}(ledger, number)"
                )
        return program

    def judge(self, ledger: Ledger) -> None:
        """Raise CheckFailed if the ledger does not balance, or something that was acknowledged is lost."""
        wrong = durability.judge(ledger.marks)
        if wrong is not None:
            raise CheckFailed(*wrong)
        self._balance(ledger)

    def __call__(self) -> None:
        """Play every role on a thread of its own."""
        ledger = Ledger()
        held: list[Any] = []
        with _folder() as folder:
            program = self.make(folder)
            try:
                if hasattr(program, "prepare"):
                    held.append(program.prepare(ledger))
                _play(program, ledger, held)
                if hasattr(program, "conclude"):
                    program.conclude(ledger)
            finally:
                close(held)
                ledger.add_to(self.counts)
        self.judge(ledger)


def close(held: list[Any]) -> None:
    """Close what roles returned, as far as it can be closed."""
    for each in held:
        if hasattr(each, "close"):
            each.close()


def _play(program: Any, ledger: Ledger, held: list[Any]) -> None:
    errors: list[Exception] = []

    def play(role: str, number: int) -> None:
        try:
            held.append(getattr(program, role)(ledger, number))
        except Exception as error:
            errors.append(error)
            raise  # the engine ends the execution here, before others wait in vain for this thread

    threads = [
        threading.Thread(target=play, args=(role, number), name=f"{role}-{number}")
        for role, count in program.roles().items()
        for number in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ExceptionGroup("several roles failed", errors)


@contextmanager
def _folder() -> Iterator[Path]:
    mask = os.umask(0o022)  # permissions as most people have them
    place = MEMORY if os.path.isdir(MEMORY) else None
    try:
        with tempfile.TemporaryDirectory(prefix="roles.", dir=place, ignore_cleanup_errors=True) as folder:
            yield Path(folder)
    finally:
        os.umask(mask)
