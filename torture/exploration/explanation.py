"""From a failing execution to the finding that a reader gets: shrunk, with what it hinges on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from torture.exploration.diagnosis import describe
from torture.exploration.no_return import point_of_no_return
from torture.exploration.shrink import shrink
from torture.exploration.twin import nearest_twin
from torture.findings import Finding

if TYPE_CHECKING:
    from torture.exploration.execution import Execution
    from torture.exploration.session import Session
    from torture.exploration.unseen import Unseen


def explain(session: Session, failing: Execution, unseen: Unseen) -> Finding:
    """Return the finding of a failing execution; as it was found, and without more, where the job forbids to shrink."""
    if not session.job.shrink:
        return describe(session, failing, unseen)
    simplest = shrink(session, failing)
    finding = describe(session, simplest, unseen)
    trace = finding.trace
    if trace is None or "not-replayed" in finding.labels:
        return finding
    if simplest is not failing:
        sizes = {
            "threads": len(failing.threads),
            "preemptions": failing.preemptions,
            "steps": failing.steps,
        }
        finding = replace(finding, shrunk_from=sizes)
    return replace(
        finding,
        twin=nearest_twin(session, simplest, trace),
        no_return=point_of_no_return(session, simplest),
    )
