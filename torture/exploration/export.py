"""Writes a stand-alone script that shows a finding on an ordinary interpreter."""

from __future__ import annotations

import pprint
import sys
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

from torture.errors import ReplayMismatchError, UsageError
from torture.exploration import standalone
from torture.exploration.execution import Failure
from torture.exploration.job import Job
from torture.exploration.places import PlaceRecorder, Visit
from torture.exploration.replay import session_for
from torture.exploration.token import Token
from torture.findings import FindingKind, Result, Verdict
from torture.strategies.fixed import Replay

LONGEST = 400  # turns: a longer script persuades nobody

Stop = tuple[str, int, str, int, int]
# Thread, where it stops (None: it runs to its end), whether it waits for something by then.
Turn = tuple[str, Stop | None, bool]


def export(job: Job, token: Token, imported: Callable[[], None]) -> Result:
    """Replay a token and write the script into ``job.export``; raises UsageError where there can be none."""
    session = session_for(job, token, imported)
    if session.code_hash() != token.code:
        raise UsageError(
            "the code has changed since the token was made; explore it again, and export that finding"
        )
    if token.fingerprint.startswith(FindingKind.UNSAFE_BUILTIN):
        raise UsageError(
            "two threads at once in a builtin that nothing guards: an ordinary interpreter does not notice it, so that"
            " a script has nothing to show"
        )
    recorder = PlaceRecorder()
    try:
        execution = session.run(Replay(token.schedule), Random(0), recorder)
    except ReplayMismatchError as mismatch:
        raise UsageError(f"the schedule does not fit the code any more: {mismatch}") from mismatch
    assert execution is not None
    if execution.failure is None:
        raise UsageError("the schedule does not fail any more: there is nothing to show")
    expected = _expected(execution.failure)
    turns = turns_of(recorder.visits)
    if len(turns) > LONGEST:
        raise UsageError(f"the schedule has {len(turns)} turns; a script is written for at most {LONGEST}")
    assert job.export is not None
    Path(job.export).write_text(_script(token, expected, turns), encoding="utf-8")
    inside = "others had a turn inside one C operation; an ordinary interpreter may not allow that"
    seen = {visit.thread.path for visit in recorder.visits}
    unseen = [
        f"thread {thread.path} ({thread.name}) runs no Python code that could be followed: the script may fail to"
        " hold it"
        for thread in execution.threads
        if thread.path not in seen
    ]
    return Result(
        target=token.target,
        verdict=Verdict.FAILED,
        executions=1,
        strategy="replay",
        granularity=token.granularity,
        threads=len(execution.threads),
        warnings=(*unseen, *[inside] * recorder.split),
    )


def _expected(failure: Failure) -> str:
    """Return what the script waits for: the type of an exception, or a deadlock."""
    if failure.errors:
        return type(failure.errors[0][1]).__name__
    if failure.kind is FindingKind.DEADLOCK:
        return "deadlock"
    raise UsageError(f"a finding of kind {failure.kind} has no end that a script could show")


def turns_of(visits: list[Visit]) -> list[Turn]:
    """Return who runs how far: each turn ends just before the first operation of the thread's next one."""
    segments = [list(group) for _, group in groupby(visits, lambda visit: visit.thread.index)]
    turns: list[Turn] = []
    resumed: set[int] = set()
    for at, segment in enumerate(segments):
        thread = segment[0].thread
        if segment[0].last:
            continue  # it is held where it was about to wait for ever
        following = next((later[0] for later in segments[at + 1 :] if later[0].thread is thread), None)
        held = next((visit for visit in segment if visit.last), None)
        following = held or following
        stop: Stop | None = None
        if following is not None:
            place = following.place
            passed = [visit for visit in segment[thread.index in resumed :] if not visit.last]
            arrivals = 1 + sum(visit.place == place for visit in passed)
            stop = (place.function, place.line, place.instruction, place.nth, arrivals)
        resumed.add(thread.index)
        waits = segment[-1].waits and not any(visit.timed_out for visit in segment)  # it takes its time
        turns.append((thread.path, stop, waits))
    return turns


def _script(token: Token, expected: str, turns: list[Turn]) -> str:
    """Return the template with this finding's constants."""
    place, _, function = token.target.rpartition(":")
    target, module, path = token.target, place, str(Path.cwd())
    if place.endswith(".py"):
        file = str(Path(place).resolve())
        found = (name for name, loaded in sys.modules.items() if getattr(loaded, "__file__", None) == file)
        target, module, path = f"{file}:{function}", next(found), str(Path(file).parent)
    constants: dict[str, Any] = {
        "TARGET": target,
        "MODULE": module,
        "ARGUMENTS": token.arguments,
        "PATH": [path],
        "EXPECTED": expected,
        "PYTHON": token.python,
        "SCHEDULE": turns,
    }
    head, _, rest = Path(standalone.__file__).read_text(encoding="utf-8").partition("# <constants>\n")
    block, _, tail = rest.partition("# </constants>\n")
    lines = []
    for line in block.splitlines():
        name, colon, kind = line.partition(" =")[0].partition(":")
        if name not in constants:
            lines.append(line)
        elif name == "SCHEDULE":
            rows = "".join(f"    {turn!r},\n" for turn in turns)
            lines.append(f"{name}{colon}{kind} = [\n{rows}]")
        else:
            lines.append(f"{name}{colon}{kind} = {pprint.pformat(constants[name], width=100)}")
    return head + "\n".join(lines) + "\n" + tail
