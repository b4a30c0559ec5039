"""Samplers learn which points cannot matter: what they leave out, and that no bug is lost by it."""

from __future__ import annotations

import pytest

from tests.exploration.exploring import explored
from torture.exploration.supervisor import replay
from torture.findings import Result, Verdict
from torture.strategies import EXHAUSTIVE, STRATEGIES

SAMPLERS = sorted(STRATEGIES.keys() - EXHAUSTIVE - {"pct"})  # pct does not go as deep as these bugs lie


def left_out(result: Result) -> list[str]:
    """Return what a run left out, in words."""
    assert result.learnt is not None
    found: list[str] = result.learnt["left_out"]
    return found


def test_what_no_two_threads_share_is_left_out() -> None:
    # With this seed neither meets the bug, which either does in about 60 executions.
    on = explored("learning:rare_loss", executions=32, learn=True, seed=4)
    off = explored("learning:rare_loss", executions=32, learn=False, seed=4)

    assert on.verdict is off.verdict is Verdict.PASSED
    assert {"private", "done"} <= set(left_out(on))
    assert "step" not in left_out(on)
    assert off.learnt is None
    assert on.points < 0.8 * off.points


def test_a_name_is_kept_while_a_place_that_uses_it_was_not_executed() -> None:
    result = explored("learning:rare_branch", strategy="pct", executions=40)

    assert "private" in left_out(result)
    assert "value" not in left_out(result)


def test_one_batch_in_four_has_every_point() -> None:
    result = explored("learning:rare_branch", executions=16 * 8)

    assert result.learnt is not None
    assert result.learnt["executions"] == 16 * 6


@pytest.mark.parametrize("strategy", SAMPLERS)
@pytest.mark.parametrize("target", ["rare_loss", "rare_share"])
def test_what_is_found_without_some_points_replays_with_all(strategy: str, target: str) -> None:
    # The seed makes it certain.
    result = explored(f"learning:{target}", strategy=strategy, executions=6_000, seed=1)
    assert result.finding is not None
    assert "not-replayed" not in result.finding.labels

    again = replay(result.finding.schedule)
    assert again.verdict is Verdict.FAILED
    assert again.finding is not None
    assert again.finding.fingerprint == result.finding.fingerprint


@pytest.mark.parametrize("strategy", sorted(EXHAUSTIVE))
def test_what_is_to_be_proved_has_every_point(strategy: str) -> None:
    result = explored("learning:rare_branch", strategy=strategy, executions=200)

    assert result.learnt is None


def test_auto_learns_too_and_finds_the_same_in_every_process() -> None:
    first, second = (explored("learning:rare_share", strategy="auto", executions=3_000) for _ in range(2))

    assert first.finding is not None
    assert second.finding is not None
    assert first.executions_to_failure == second.executions_to_failure
    assert first.finding.schedule == second.finding.schedule
