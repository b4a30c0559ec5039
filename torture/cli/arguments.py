"""What the options of several commands share: their types, and errors of one line."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from torture.errors import UsageError

GRANULARITIES = ("free-threaded", "gil")
ENGINES = ("explore", "stress", "processes")
CARRIERS = ("greenlet", "thread")
DEFAULT_BUDGET = 10.0  # seconds

_DURATION = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(ms|s|m|h)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Parser(argparse.ArgumentParser):
    """Reports a mistake as a :class:`UsageError` of one line, not as a page of usage."""

    def __init__(self, **options: Any) -> None:
        # Abbreviated options would make every new option a breaking change.
        super().__init__(**{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)

    def options(self) -> list[str]:
        """Return the long options this parser knows."""
        return sorted(set(re.findall(r"--[a-z-]+", self.format_help())))


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """Return ``did you mean 'x'?``, or "" where nothing known is near."""
    import difflib

    near = difflib.get_close_matches(wrong, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else ""


def duration(text: str) -> float:
    """Return the seconds that ``30s``, ``500ms``, ``2m`` or a plain number of seconds says.

    >>> duration("500ms"), duration("2m"), duration("1.5")
    (0.5, 120.0, 1.5)
    """
    match = _DURATION.fullmatch(text.strip())
    seconds = float(match[1]) * _SECONDS[match[2] or "s"] if match else 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration above zero; write 30s, 500ms or 2m")
    return seconds


def whole(minimum: int) -> Callable[[str], int]:
    """Return a type that accepts whole numbers from ``minimum`` up."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:  # also a number too long for int()
            number = minimum - 1
        if number < minimum:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {minimum} up")
        return number

    return parse


def one_of(names: Iterable[str]) -> Callable[[str], str]:
    """Return a type that accepts one of ``names`` and suggests the nearest for anything else."""
    known = tuple(names)

    def parse(text: str) -> str:
        if text in known:
            return text
        cure = suggestion(text, known) or f"choose one of {', '.join(known)}"
        raise argparse.ArgumentTypeError(f"{text!r} is unknown; {cure}")

    return parse


def target(text: str) -> str:
    """Return ``text`` if it reads ``package.module:function`` or ``path/to/file.py:function``, or as pytest writes it."""
    text = text.replace("::", ":", 1).replace("::", ".")
    place, colon, function = text.rpartition(":")
    if not (colon and place and _is_dotted(function)):
        raise argparse.ArgumentTypeError(
            f"{text!r} names no function; write package.module:function or path/to/file.py:function"
        )
    if place.endswith(".py") or "/" in place:
        if not os.path.isfile(place):
            raise argparse.ArgumentTypeError(f"there is no file {place!r}; check the path before the colon")
    elif not _is_dotted(place):
        raise argparse.ArgumentTypeError(f"{place!r} is neither a module nor a .py file")
    return text


def add_target(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names the function to run."""
    parser.add_argument(
        "target",
        metavar="TARGET",
        type=target,
        help="package.module:function or path/to/file.py:function, called without arguments",
    )


def package(text: str) -> str:
    """Return ``text`` if it is ``own`` or reads like the name of a package."""
    if not _is_dotted(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no package; write own, or a name such as threading")
    return text


def output(text: str) -> str:
    """Return the absolute path of a file that can be written; ``-`` (stdout) stays.

    Checked before the run, because what was found in it must not be lost to a wrong path.
    """
    if text == "-":
        return text
    path = os.path.abspath(text)
    folder = os.path.dirname(path)
    if os.path.isdir(path):
        raise argparse.ArgumentTypeError(f"{text!r} is a directory; name a file in it")
    if not os.path.isdir(folder):
        raise argparse.ArgumentTypeError(f"{text!r} cannot be written: make the directory {folder!r} first")
    if not os.access(path if os.path.exists(path) else folder, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text!r} cannot be written: permission denied")
    return path


def _is_dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))
