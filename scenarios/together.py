"""Runs functions beside each other; their errors are not lost."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread


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
