"""What a thread tells another thread's event loop: the search reverses it with the loop's look."""

from __future__ import annotations

import pytest

from tests.exploration.exploring import explored, found
from torture.findings import FindingKind, Verdict

BUGS = {
    "call_soon": FindingKind.ASSERTION,  # the loop waits already: a timer wakes it, seconds later
    "result_set": FindingKind.ASSERTION,
    "put_nowait": FindingKind.DEADLOCK,
    "stop": FindingKind.DEADLOCK,
    "told_when_closed": FindingKind.EXCEPTION,  # closed between check and call
}


@pytest.mark.parametrize("name", BUGS)
def test_telling_a_loop_something_without_its_thread_safe_call_is_found(name: str) -> None:
    finding = found(BUGS[name], f"loops:{name}", strategy="dpor")

    assert finding.trace is not None
    assert not [event for event in finding.trace.events if "/torture/runtime/" in event.file]


def test_the_thread_safe_call_is_proved() -> None:
    result = explored("loops:call_soon_threadsafe", strategy="dpor", executions=500)

    assert result.verdict is Verdict.PASSED
    assert result.exhausted is not None
