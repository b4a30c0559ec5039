"""A one-line progress bar on stderr, only on a terminal and only for what takes over a second."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE = 1.0  # seconds; importing rich costs a tenth of that, and a short run needs no bar
LONGEST_TITLE = 30  # columns; the line must stay one line


class ProgressLine:
    """The callback ``(executions, seconds)`` of an exploration, drawn as a bar."""

    def __init__(self, title: str, *, executions: int | None, budget: float | None) -> None:
        self._title = title if len(title) <= LONGEST_TITLE else f"…{title[1 - LONGEST_TITLE :]}"
        self._executions = executions
        self._budget = budget
        self._bar: tuple[Progress, TaskID] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar[0].stop()

    def __call__(self, executions: int, seconds: float) -> None:
        """Draw how far the run is: the nearer of its two ends counts."""
        if self._bar is None:
            if seconds < PATIENCE or not sys.stderr.isatty():
                return
            self._bar = self._start()
        shares = [0.0]
        if self._executions:
            shares.append(executions / self._executions)
        if self._budget:
            shares.append(seconds / self._budget)
        progress, task = self._bar
        rate = f"{executions:,} executions, {executions / seconds:,.0f}/s"
        progress.update(task, completed=min(1.0, max(shares)), rate=rate, refresh=True)

    def _start(self) -> tuple[Progress, TaskID]:
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rate]}"))
        progress = Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False)
        task = progress.add_task(escape(self._title), total=1.0, rate="")
        progress.start()
        return progress, task
