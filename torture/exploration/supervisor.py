"""The parent: starts a worker for a job, watches it, and turns its end into a result whatever that end is."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import replace

from torture.exploration.job import Job
from torture.findings import FindingKind, Result
from torture.isolation.process import Death, Interrupted, Progress, Worker
from torture.isolation.state import ASK, DUMP, Seen

_PATIENCE = 2.0  # seconds that a worker may leave ASK unanswered
_AGAIN = 20.0  # seconds that finding a dead worker's schedule may take, besides twice the time until it died
_NO_SCHEDULE = (
    "the failing schedule is not known: the worker process did not survive it, and did not end again"
)
_IMPORT_PATIENCE = 60.0  # the same while it imports the target


def explore(job: Job, progress: Progress | None = None) -> Result:
    """Explore a job in a process of its own. Raises UsageError for a wrong target."""
    module = "torture.exploration.worker"
    worker = Worker(module, job.to_json(), memory_limit=job.memory_limit, progress=progress)
    try:
        ended = worker.run(_Stall(job.stall_limit))
    except KeyboardInterrupt:
        partial = worker.interrupted(job.target, job.seed)
        raise Interrupted(replace(partial, strategy=job.strategy, granularity=job.granularity)) from None
    if not isinstance(ended, Death):
        return ended
    result = replace(
        worker.died(ended, job.target, job.seed), strategy=job.strategy, granularity=job.granularity
    )
    if job.token is not None:
        from torture.exploration.token import Token  # here: see below

        replayed = Token.decode(job.token)
        result = replace(result, target=replayed.target, strategy="replay", granularity=replayed.granularity)
    finding = result.finding
    token = _token_of(job, ended, worker.executions + 1, worker.seconds)
    if finding is None or not token:
        return replace(result, warnings=(_NO_SCHEDULE,))
    return replace(result, finding=replace(finding, schedule=token))


def _token_of(job: Job, death: Death, executions: int, seconds: float) -> str:
    """Return the token of the execution that ended a worker, "" where it does not end one again.

    The same job is run once more, mirrored, for equal seeds make equal executions; what it leaves is replayed.
    """
    from torture.exploration import mirror  # here: only a death needs it

    if job.export is not None:
        return ""
    if job.token is not None:
        return job.token
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        file = os.path.join(folder, "mirror")
        mirror.prepare(file)
        again = replace(job, mirror=file, executions=executions, budget=None, trace=None)
        if _ends(again, 2 * seconds + _AGAIN) != death.kind:
            return ""
        found = mirror.read(file)
    if found is None:
        return ""
    token = replace(found, fingerprint=death.fingerprint or str(death.kind)).encode()
    alone = replace(job, target="", token=token, arguments=None, trace=None)
    return token if _ends(alone, seconds + _AGAIN) == death.kind else ""


def _ends(job: Job, seconds: float) -> FindingKind | None:
    """Return how a job ends its worker, None where it does not within so many seconds."""
    stall, end = _Stall(job.stall_limit), time.monotonic() + seconds

    def look(pid: int, seen: Seen, now: float) -> Death | None:
        return Death(FindingKind.STEP_LIMIT, "no end") if now > end else stall(pid, seen, now)

    ended = Worker("torture.exploration.worker", job.to_json(), memory_limit=job.memory_limit).run(look)
    return ended.kind if isinstance(ended, Death) else None


def replay(
    token: str, *, trace: str | None = None, carrier: str = "greenlet", progress: Progress | None = None
) -> Result:
    """Run the schedule of a token again."""
    return explore(Job(target="", token=token, trace=trace, carrier=carrier), progress)


def export(token: str, file: str) -> Result:
    """Write a script that shows on an ordinary interpreter what a token shows here."""
    return explore(Job(target="", token=token, export=file))


class _Stall:
    """Asks a worker that makes no progress, and has it killed when it does not even answer."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._last = Seen(0, 0, 0, 0)
        self._since = time.monotonic()
        self._asked = 0.0

    def __call__(self, pid: int, seen: Seen, now: float) -> Death | None:
        if not seen.answers:  # it cannot answer yet, and the signal would end it
            return None
        answered = seen.answers != self._last.answers
        if seen._replace(answers=0) != self._last._replace(answers=0):
            self._last, self._since, self._asked = seen, now, 0.0
        elif now - self._since > self._limit:
            patience = _PATIENCE if seen.ready else _IMPORT_PATIENCE
            if self._asked and not answered and now - self._asked > patience:
                os.kill(pid, DUMP)
                time.sleep(0.3)
                message = f"no progress for {self._limit:g} s, in code that cannot be interrupted"
                return Death(FindingKind.HANG, message)
            if not self._asked or (answered and now - self._asked > 1.0):
                self._last, self._asked = seen, now
                os.kill(pid, ASK)
        return None
