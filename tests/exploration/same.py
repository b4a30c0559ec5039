"""Explores, records and replays by anchors: ``python -m tests.exploration.same TARGET GRANULARITY``.

Prints where an execution differs from the recorded one of the same schedule: exploring asks the strategy as seldom
as it can, recording asks at every point, and both have to mean the same.
"""

from __future__ import annotations

import sys
from random import Random

from torture.errors import ReplayMismatchError
from torture.exploration.diagnosis import record_under
from torture.exploration.execution import Execution
from torture.exploration.job import Job
from torture.exploration.session import Session
from torture.strategies import STRATEGIES
from torture.strategies.fixed import AnchoredReplay, Anchoring

EXECUTIONS = 12  # of each strategy


def main(target: str, granularity: str) -> int:
    """Print each difference; return how many there are."""
    session = Session(Job(target=target, granularity=granularity))
    differences = 0
    for name in ("random", "pct", "pos"):
        strategy, rng = STRATEGIES[name](), Random(1)
        for number in range(EXECUTIONS):
            explored = session.run(strategy, rng)
            assert explored is not None
            difference = _difference(session, explored)
            if difference:
                print(f"{name} {number}: {difference}")
                differences += 1
    return int(differences > 0)


def _difference(session: Session, explored: Execution) -> str:
    try:
        anchoring = Anchoring(explored.schedule)
        recorded, _ = record_under(session, anchoring, Random(0))
        by_anchors = AnchoredReplay(tuple(anchoring.anchors))
        anchored, _ = record_under(session, by_anchors, Random(0))
        by_anchors.finish()
    except ReplayMismatchError as mismatch:
        return str(mismatch)
    if _essence(recorded) != _essence(explored):
        return f"recorded {_essence(recorded)}, explored {_essence(explored)}"
    if _essence(anchored) != _essence(explored):
        return f"by anchors {_essence(anchored)}, explored {_essence(explored)}"
    return ""


def _essence(execution: Execution) -> tuple[object, ...]:
    kind = execution.failure.kind if execution.failure else None
    return execution.steps, execution.points, execution.preemptions, execution.schedule.changes, kind


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
