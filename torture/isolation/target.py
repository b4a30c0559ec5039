"""Finds what a user points at: ``package.module:function`` or ``path/to/file.py:function``."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from torture.errors import UsageError
from torture.isolation.raised import message_of


def load(target: str, arguments: dict[str, Any] | None = None) -> tuple[Callable[[], object], str]:
    """Import a target and return it with the name of its module.

    With ``arguments`` the function is a factory, called here with them. Raises UsageError, naming the cure.
    """
    place, colon, name = target.rpartition(":")
    if not colon or not place or not name:
        raise UsageError(
            f"target {target!r} is not of the form package.module:function or path/to/file.py:function"
        )
    module = _import_file(place, target) if place.endswith(".py") else _import_module(place, target)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            from difflib import get_close_matches  # here: a slow import that only an error needs

            names = [key for key, value in vars(found).items() if callable(value) and not key.startswith("_")]
            close = get_close_matches(part, names, n=1)
            cure = f"; did you mean {close[0]!r}?" if close else ""
            raise UsageError(f"target {target!r}: {place} has no {part!r}{cure}")
        found = getattr(found, part)
    if not callable(found):
        kind = type(found).__name__
        raise UsageError(f"target {target!r}: {name} is of type {kind}, not a function without arguments")
    if arguments is not None:
        found = found(**arguments)
        return found, getattr(found, "__module__", module.__name__)
    _check_signature(found, target)
    return found, module.__name__


def _check_signature(found: Callable[..., object], target: str) -> None:
    if inspect.isclass(found):
        raise UsageError(
            f"target {target!r} is a class, and to make one tests nothing: write a function that makes it and calls"
            " its methods in threads"
        )
    if inspect.iscoroutinefunction(found) or inspect.isasyncgenfunction(found):
        raise UsageError(
            f"target {target!r} is a coroutine function, which only makes a coroutine: write a function that"
            " calls asyncio.run with it"
        )
    if inspect.isgeneratorfunction(found):
        raise UsageError(
            f"target {target!r} is a generator function, which runs nothing when it is called:"
            " write a function that iterates over it"
        )
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):  # a C function that does not tell
        return
    needed = [
        name
        for name, parameter in signature.parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if needed:
        raise UsageError(
            f"target {target!r} needs the arguments {', '.join(needed)}; a target takes none:"
            " write a function that makes its own state and calls it"
        )


def _import_file(place: str, target: str) -> ModuleType:
    path = Path(place).resolve()
    if not path.is_file():
        raise UsageError(f"target {target!r}: there is no file {place}")
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    name = path.stem
    if getattr(sys.modules.get(name), "__file__", None) == str(path):
        return sys.modules[name]
    if name in sys.modules or name in sys.stdlib_module_names:
        name = f"target_{name}"  # a file called queue.py must not replace the standard library's
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    _guard(lambda: spec.loader.exec_module(module), target)  # type: ignore[union-attr]
    return module


def _import_module(place: str, target: str) -> ModuleType:
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found = importlib.util.find_spec(place)
    except (ImportError, ValueError):
        found = None
    if found is None:
        raise UsageError(
            f"target {target!r}: no module named {place!r} can be found from {Path.cwd()};"
            " give the path of a file (path/to/file.py:function) or install the package"
        )
    _guard(lambda: importlib.import_module(place), target)
    return sys.modules[place]


def _guard(importing: Callable[[], object], target: str) -> None:
    try:
        importing()
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        where = ""
        trace = error.__traceback__
        while trace is not None:
            file = trace.tb_frame.f_code.co_filename
            if not file.startswith("<") and file != __file__:
                where = f" at {file}:{trace.tb_lineno}"
            trace = trace.tb_next
        if isinstance(error, SyntaxError):
            where = f" at {error.filename}:{error.lineno}"
        if isinstance(error, ImportError) and "relative import" in str(error):
            where += "; the file is part of a package: write package.module:function"
        raise UsageError(f"target {target!r} cannot be imported: {message_of(error)}{where}") from error
