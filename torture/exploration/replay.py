"""Runs a token's schedule again, or says why it does not fit any more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as with_fields
from random import Random

from torture.errors import ReplayMismatchError, UsageError
from torture.exploration.diagnosis import describe, record, record_under
from torture.exploration.job import Job
from torture.exploration.session import Session
from torture.exploration.token import Token
from torture.exploration.unseen import Unseen
from torture.findings import Result, Verdict
from torture.runtime.kernel import KERNEL
from torture.strategies.fixed import AnchoredReplay


def session_for(job: Job, token: Token, imported: Callable[[], None]) -> Session:
    """Prepare the process for a token's schedule."""
    settings = with_fields(
        job,
        target=token.target,
        arguments=token.arguments,
        granularity=token.granularity,
        step_limit=token.step_limit,
    )
    session = Session(settings, token.modules, imported=imported)
    session.withheld = token.without
    KERNEL.ends_matter = token.ends_matter
    return session


def replay(job: Job, token: Token, imported: Callable[[], None]) -> Result:
    """Replay a token; passed means that the schedule runs and does not fail any more."""
    session = session_for(job, token, imported)
    unseen = Unseen(session)
    changed = session.code_hash() != token.code
    try:
        if changed:
            unseen.warn("the code has changed since the token was made: replayed by its anchors")
            strategy = AnchoredReplay(token.anchors)
            execution, trace = record_under(session, strategy, Random(0))
            strategy.finish()
        else:
            execution, trace = record(session, token.schedule)
    except ReplayMismatchError as mismatch:
        raise UsageError(f"the schedule does not fit the code any more: {mismatch}") from mismatch
    unseen.note(execution)
    finding = describe(session, execution, unseen) if execution.failure is not None else None
    if finding is not None and finding.fingerprint != token.fingerprint:
        unseen.warn(f"it fails differently: {finding.fingerprint} instead of {token.fingerprint}")
    return Result(
        target=token.target,
        verdict=Verdict.FAILED if finding else Verdict.PASSED,
        finding=finding,
        executions=1,
        executions_to_failure=1 if finding else None,
        strategy="replay",
        granularity=token.granularity,
        points=float(execution.points),
        threads=len(execution.threads),
        unseen=unseen.lines(),
        warnings=unseen.warnings(),
        trace=trace if job.trace is not None else None,
    )
