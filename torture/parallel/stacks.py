"""Stacks of every thread of a running process, taken from outside with py-spy, or told by itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torture.parallel.asked import ask
from torture.parallel.gil import free_threaded_build

_PATIENCE = 10.0  # seconds
_OURS = str(Path(__file__).parents[1]) + os.sep
_STDLIB = sysconfig.get_paths()["stdlib"] + os.sep
_IMPORT = "<frozen importlib._bootstrap>"
_START = frozenset(
    {"_bootstrap", "_bootstrap_inner", "run"}
)  # of threading: below what a thread was told to do


@dataclass(frozen=True, slots=True)
class Frame:
    """One call. ``addresses`` identify the locals' objects; compared is the place alone."""

    function: str
    file: str
    line: int
    addresses: dict[str, int] = field(compare=False)
    values: dict[str, str] = field(compare=False)

    @property
    def name(self) -> str:
        """The function's name without its class: older interpreters do not tell that."""
        return self.function.rpartition(".")[2]

    def __str__(self) -> str:
        return f"{self.function} ({self.file}:{self.line})"

    @property
    def standard(self) -> bool:
        """Tell whether this is code of the standard library."""
        return self.file.startswith(_STDLIB) and "site-packages" not in self.file

    @property
    def library(self) -> bool:
        """Tell whether this is a primitive's own code, not the program's."""
        folder, name = os.path.split(self.file)
        return name in ("threading.py", "queue.py", "_base.py") or folder.endswith("asyncio")


@dataclass(frozen=True, slots=True)
class Stack:
    """One thread; ``frames`` without torture's own, innermost first."""

    thread: str
    frames: tuple[Frame, ...]
    identity: int = field(compare=False)  # address of the Thread object, 0 where there is none
    busy: bool = field(compare=False)  # it runs, or waits for the GIL
    imports: tuple[str, ...] = ()  # modules that it is importing, and whose locks it holds
    awaits: str = ""  # module whose import by another thread it waits for

    def text(self) -> str:
        """Return the stack as a traceback shows it, with the locals of the program's functions."""
        lines = [f"{self.thread}:"]
        for frame in reversed(self.frames):
            lines.append(f'  File "{frame.file}", line {frame.line}, in {frame.function}')
            if frame.values and not frame.library:
                lines.append("    " + ", ".join(f"{name} = {value}" for name, value in frame.values.items()))
        return "\n".join(lines)


def py_spy() -> str | None:
    """Return the py-spy to be run, the one beside this interpreter first; None where none can read its kind."""
    if free_threaded_build():
        return None
    return shutil.which("py-spy", path=os.path.dirname(sys.executable)) or shutil.which("py-spy")


def dump(pid: int) -> tuple[Stack, ...] | None:
    """Return the stacks of all threads, the main thread first; None where neither py-spy nor the process can tell."""
    threads = _dumped(pid) or ask(pid)
    if threads is None:
        return None
    threads.sort(key=lambda thread: (thread["os_thread_id"] != pid, thread["os_thread_id"] or 0))
    stacks = [_stack(thread) for thread in threads]
    return tuple(stack for stack in stacks if stack.frames) or None


def _dumped(pid: int) -> list[dict[str, Any]] | None:
    """Return the threads as py-spy sees them, None where it cannot."""
    command = py_spy()
    if command is None:
        return None
    try:
        done = subprocess.run(
            [command, "dump", "--pid", str(pid), "--json", "--locals"],
            capture_output=True,
            timeout=_PATIENCE,
            check=True,
        )
        return list(json.loads(done.stdout))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _stack(thread: dict[str, Any]) -> Stack:
    frames = [_frame(frame) for frame in thread["frames"]]
    start = next(
        (frame for frame in reversed(frames) if frame.name in ("_bootstrap", "_bootstrap_inner")), None
    )
    shown = [
        frame
        for frame in frames
        if not frame.file.startswith((_OURS, "<frozen")) and not (frame.library and frame.name in _START)
    ]
    return Stack(
        thread["thread_name"] or "a thread",
        tuple(shown),
        start.addresses.get("self", 0) if start is not None else 0,
        bool(thread["active"]),
        tuple(_module(frame) for frame in frames if frame.name == "_find_and_load_unlocked"),
        _awaited(frames),
    )


def _awaited(frames: list[Frame]) -> str:
    """Return the module whose lock the innermost call waits for, "" where it does something else."""
    if frames[0].file != _IMPORT or frames[0].name != "acquire":
        return ""
    return next((_module(frame) for frame in frames if frame.file == _IMPORT and "name" in frame.values), "?")


def _module(frame: Frame) -> str:
    return frame.values.get("name", "?").strip("\"'")


def _frame(frame: dict[str, Any]) -> Frame:
    variables = frame["locals"] or []
    return Frame(
        frame["name"],
        frame["filename"],
        frame["line"],
        {variable["name"]: variable["addr"] for variable in variables},
        {variable["name"]: variable["repr"] or "?" for variable in variables},
    )
