"""Concurrent use of a builtin that nothing guards is a finding; the message names it and both threads."""

from __future__ import annotations

import pytest

from tests.exploration.exploring import explored, found
from torture.findings import FindingKind, Verdict


@pytest.mark.parametrize(
    ("target", "builtin", "operation"),
    [
        ("pushes_on_one_heap", "list", "heappush()"),
        ("swallows_every_exception", "list_iterator", "next()"),
    ],
)
def test_two_threads_at_once_are_found(target: str, builtin: str, operation: str) -> None:
    finding = found(FindingKind.UNSAFE_BUILTIN, f"unsynchronised:{target}")

    assert f"use the same {builtin} at the same time" in finding.message
    assert f"{operation} is not synchronised" in finding.message
    assert "left" in finding.message
    assert "right" in finding.message
    assert finding.reachable == "free-threaded"


def test_one_after_the_other_is_no_finding() -> None:
    assert explored("unsynchronised:takes_turns").verdict is Verdict.PASSED


def test_what_is_read_from_a_module_is_named_after_it() -> None:
    finding = found(FindingKind.UNSAFE_BUILTIN, "unsynchronised:pushes_on_one_heap")

    assert finding.trace is not None
    assert "heapq.heappush" in {event.resource for event in finding.trace.events}
