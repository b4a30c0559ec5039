"""What was not seen or not controlled: said in every result, and never a pass where it is essential."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torture.findings import FindingKind
from torture.instrument.choice import is_below

if TYPE_CHECKING:
    from torture.exploration.execution import Execution
    from torture.exploration.session import Session


class Unseen:
    """Collects, each thing once, in the order of first sight."""

    def __init__(self, session: Session) -> None:
        self._unseen: dict[str, None] = dict.fromkeys(session.skipped)
        self._warnings: dict[str, None] = {}
        self.essential = False
        if session.without_greenlets:
            self.warn(
                f"greenlet cannot be imported ({session.without_greenlets}): OS threads carried the virtual ones,"
                " and a switch takes about ten times as long"
            )
        for line in session.hidden_locks:
            self.uncontrolled(line)

    def uncontrolled(self, line: str) -> None:
        """Note something without which there is no pass."""
        self._unseen[line] = None
        self.essential = True

    def warn(self, line: str) -> None:
        """Note something that does not change the verdict."""
        self._warnings[line] = None

    def note(self, execution: Execution) -> bool:
        """Take in what an execution says of itself; return True where no further one makes sense."""
        for name in execution.leaked:
            self.warn(f"thread {name} was still running when the target returned: join it")
        for name in execution.held:
            self.warn(f"{name} was still held at the end")
        if execution.foreign:
            self.uncontrolled("a thread that was started before the exploration ran code under test")
        if execution.abandoned:
            count = execution.abandoned
            threads = f"{count} thread{'s' if count > 1 else ''} that caught what should end it"
            self.uncontrolled(f"{threads}: the exploration stopped there")
        if execution.stalled and not execution.alone:
            self.uncontrolled(execution.stalled)
        return bool(execution.stalled or execution.abandoned)

    def left_out(self, session: Session, threads: int) -> None:
        """Note the code that ran without scheduling points; without any at all there is no pass."""
        names = ", ".join((*session.left_out, *(() if session.opened else session.modules)))
        if threads < 2:
            self.warn("the target started no thread: there was only one schedule")
        elif not session.opened:
            self.uncontrolled(f"no code under test has scheduling points; what ran: {names}")
        elif names:
            self._unseen[f"not instrumented: {names}"] = None
        for package in session.job.instrument:
            if package != "own" and not any(is_below(name, package) for name in session.modules):
                self.warn(f"--instrument {package}: no module of that name ran")

    def only_ours(self, failing: Execution | None) -> bool:
        """Tell whether a failure may be due to what was not controlled alone: then it is not one."""
        return (
            self.essential
            and failing is not None
            and failing.failure is not None
            and failing.failure.kind in (FindingKind.DEADLOCK, FindingKind.HANG)
        )

    def lines(self) -> tuple[str, ...]:
        """Return what was not seen."""
        return tuple(self._unseen)

    def warnings(self) -> tuple[str, ...]:
        """Return what deserves a look."""
        return tuple(self._warnings)
