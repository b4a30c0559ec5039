"""Choose which of the modules that ran are instrumented."""

from __future__ import annotations

import os
import sys

from torture.instrument.learn import NEVER, TRUSTED


def is_trusted(name: str, opened: tuple[str, ...]) -> bool:
    """Tell whether a module's lock operations are points and the rest is trusted."""
    return name.partition(".")[0] in TRUSTED and not _below(name, opened)


def is_own(name: str, own: str) -> bool:
    """Tell whether a module is below the target's top-level package or, where that is a file, in its folder."""
    if name.partition(".")[0] == own:
        return True
    target, module = sys.modules.get(own), sys.modules.get(name)
    if target is None or hasattr(target, "__path__") or not getattr(target, "__file__", None):
        return False
    file = getattr(module, "__file__", None)
    return file is not None and file.startswith(os.path.dirname(str(target.__file__)) + os.sep)


def choose_modules(ran: frozenset[str], own: str, opened: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the modules to instrument: all that ran but the trusted ones, or with "own" only the target's own."""
    if "own" in opened:
        return tuple(sorted(name for name in ran if is_own(name, own) or _below(name, opened)))
    return tuple(
        sorted(name for name in ran if name.partition(".")[0] not in NEVER and not is_trusted(name, opened))
    )


def evidence() -> list[str]:
    """Return the trusted modules that are loaded: they write attributes that instrumented code may read."""
    return [name for name in ("threading", "queue", "concurrent.futures._base") if name in sys.modules]


def _below(name: str, packages: tuple[str, ...]) -> bool:
    return any(is_below(name, package) for package in packages)


def is_below(name: str, package: str) -> bool:
    """Tell whether a module is a package, or in it."""
    return name == package or name.startswith(f"{package}.")
