"""The sentences that say what a failure hinges on."""

from __future__ import annotations

import pytest

from torture.findings import NoReturn, Twin
from torture.report.hinge import no_return_sentence, operation, twin_sentence
from torture.trace.event import Event


def step(kind: str, resource: str = "", line: int = 3) -> Event:
    return Event(7, 1, kind, resource, "", "C.add", "count", "/home/me/count.py", line, 0)


READ, WRITE = step("read", "C#1.n"), step("write", "C#1.n", 4)
DROPPED = Twin("dropped", "A", "B", preempts=True, token="T1-x", instead="A", at=READ)


@pytest.mark.parametrize(
    ("twin", "sentence"),
    [
        (
            Twin("moved", "A", "B", preempts=True, token="", sooner=READ, later=WRITE),
            "It passes if B gets its turn before A's read of C#1.n (count.py:3) or after its write of it (count.py:4).",
        ),
        (
            Twin("moved", "A", "B", preempts=True, token="", later=WRITE),
            "It passes if B gets its turn only after A's write of C#1.n (count.py:4).",
        ),
        (
            Twin("moved", "A", "B", preempts=True, token="", sooner=READ),
            "It passes if B gets its turn before A's read of C#1.n (count.py:3).",
        ),
        (
            Twin("moved", "A", "B", preempts=True, token="", sooner=READ, later=READ),
            "It passes if B gets its turn before A's read of C#1.n (count.py:3) or after a later read of it (count.py:3).",
        ),
        (
            Twin("moved", "A", "B", preempts=True, token="", later=step("acquire")),
            "It passes if B gets its turn only after A's next acquire (count.py:3).",
        ),
        (
            Twin("moved", "A", "", preempts=True, token="", later=WRITE),
            "It passes if the timer fires only after A's write of C#1.n (count.py:4).",
        ),
        (DROPPED, "It passes if A is not interrupted after A's read of C#1.n (count.py:3)."),
        (
            Twin("dropped", "A", "", preempts=False, token="", instead="B", at=READ),
            "It passes if no timer fires early while A waits (count.py:3).",
        ),
        (
            Twin("dropped", "A", "B", preempts=False, token="", instead="C", at=READ),
            "It passes if C goes first, not B, when A cannot go on (count.py:3).",
        ),
        (
            Twin("added", "A", "B", preempts=True, token="", sooner=READ),
            "It fails without a preemption, and passes if B gets its turn before A's read of C#1.n (count.py:3).",
        ),
        (
            Twin("added", "A", "B", preempts=False, token="", at=READ),
            "It fails without a preemption, and passes if B gets its turn when A cannot go on (count.py:3).",
        ),
    ],
)
def test_the_twin_is_told_in_one_sentence(twin: Twin, sentence: str) -> None:
    assert twin_sentence(twin) == sentence


def test_the_point_of_no_return_is_said_to_be_sampled() -> None:
    found = NoReturn(sampled=32, passing=5, step=READ)

    assert no_return_sentence(found, "A") == (
        "No way back (✗) from A's read of C#1.n (count.py:3) on: all of 32 sampled continuations fail; one step earlier"
        " 5 of 32 pass."
    )


def test_failing_from_the_start_is_said() -> None:
    told = no_return_sentence(NoReturn(sampled=32), "")
    assert told == "All of 32 schedules sampled at random fail: it may be no matter of threads."


@pytest.mark.parametrize(
    ("event", "noun"),
    [
        (step("write", "list#1.append()"), "call of list#1.append() (count.py:3)"),
        (step("spawn", "Thread-1"), "start of Thread-1 (count.py:3)"),
        (step("try", "Event#1.waiter#1"), "wait for Event#1 (count.py:3)"),
        (step("end"), "end (count.py:3)"),
        (step("switch"), "step (count.py:3)"),
        (step("timer"), "early timer (count.py:3)"),
        (step("acquire", "Lock#1"), "acquire of Lock#1 (count.py:3)"),
    ],
)
def test_an_operation_is_a_noun_with_its_place(event: Event, noun: str) -> None:
    assert operation(event) == noun
