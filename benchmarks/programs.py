"""The programs that all tools run; they lie outside the checkout, see README.md."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "shared" / "peers" / "programs"


def load(folder: str) -> dict[str, Any]:
    """Return the programs of a folder by name: objects with ``run``, ``setup``, ``workers``, ``invariant``, ``buggy``."""
    if folder not in sys.path:
        sys.path.insert(0, folder)
    registry: dict[str, Any] = importlib.import_module("allcases").REGISTRY
    return registry


def program(folder: str, name: str) -> Callable[[], object]:
    """Return one program as a target of torture."""
    run: Callable[[], object] = load(folder)[name].run
    return run


def shared_code(folder: str) -> list[str]:
    """Return the files that belong to every program and are none of the code under test."""
    return [os.path.join(folder, "common.py")]
