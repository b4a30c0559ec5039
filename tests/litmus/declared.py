"""A litmus program one of whose outcomes is declared wrong: a target for explore, replay and export."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Callable
from importlib import import_module


def program(module: str, name: str, wrong: str) -> Callable[[], None]:
    """Return the program; it fails where its outcome is ``wrong``, a literal ("": none is)."""
    function: Callable[[], object] = getattr(import_module(f"tests.litmus.programs.{module}"), name)

    def run() -> None:
        outcome = function()
        assert not wrong or outcome != literal_eval(wrong), "the outcome that was declared wrong"

    return run
