"""What explore and replay do with a result: print it, write it, turn it into an exit status."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from torture.errors import UsageError
from torture.findings import Result
from torture.report import text

NARROWEST, WIDEST = 80, 160  # columns of a report


def conclude(result: Result, *, json_file: str | None, trace_file: str | None) -> int:
    """Print the summary, write the files and return the exit status.

    With JSON on standard output (``-``) the summary goes to standard error: each stream stays whole.
    """
    try:
        _write_files(result, json_file, trace_file)
    finally:  # last, for whoever reads it may close the pipe; in any case, for a file that cannot be written loses nothing
        width = min(max(shutil.get_terminal_size().columns, NARROWEST), WIDEST)
        print(text.summary(result, width), file=sys.stderr if json_file == "-" else sys.stdout)
    return result.verdict.exit_status


def _write_files(result: Result, json_file: str | None, trace_file: str | None) -> None:
    if json_file is not None:
        from torture.report import json

        _write("--json", json_file, json.dumps(result) + "\n")
    if trace_file is not None:
        trace = result.trace if result.finding is None else result.finding.trace
        if trace is not None:
            from torture.report.failure import render_trace

            _write("--trace", trace_file, render_trace(trace))
        else:
            print(f"torture: --trace {trace_file}: not written, no execution was recorded", file=sys.stderr)


@contextmanager
def said_when_interrupted(json_file: str | None) -> Iterator[None]:
    """Print how far a run had come that Ctrl-C ends inside the ``with`` block."""
    from torture.isolation.process import Interrupted

    try:
        yield
    except Interrupted as interrupted:
        conclude(interrupted.result, json_file=json_file, trace_file=None)
        raise


def _write(option: str, name: str, content: str) -> None:
    if name == "-":
        sys.stdout.write(content)
        return
    try:
        with open(name, "w", encoding="utf-8") as file:
            file.write(content)
    except OSError as error:
        raise UsageError(f"{option} {name}: {error.strerror}; name a file that can be written") from error
