"""The samplers that learn from execution to execution: surw and parking, and auto, which is made of all."""

from __future__ import annotations

import pytest

from tests.exploration.exploring import explored
from torture.findings import Verdict

pytestmark = pytest.mark.one_version

LEARNING = ["surw", "parking"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_surw_puts_a_rare_access_before_many_others(seed: int) -> None:
    # With the access interesting, either order is as likely as the other; a random walk needs 2**20 executions.
    result = explored("sampling:slow_one_first", strategy="surw", seed=seed, executions=100, shrink=False)

    assert result.verdict is Verdict.FAILED


@pytest.mark.parametrize("strategy", LEARNING)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_like_threads_do_not_hide_a_bug(strategy: str, seed: int) -> None:
    # Random walk, pos and pct found it in none of 1,000 executions with 20 setters.
    result = explored("sampling:one_of_thirty", strategy=strategy, seed=seed, executions=400, shrink=False)

    assert result.verdict is Verdict.FAILED


@pytest.mark.parametrize("strategy", LEARNING)
@pytest.mark.parametrize("target", ["silent", "opposite_and_timed"])
def test_a_correct_program_passes(strategy: str, target: str) -> None:
    result = explored(f"sampling:{target}", strategy=strategy, executions=200)

    assert (result.verdict, result.executions, result.exhausted) == (Verdict.PASSED, 200, None)


@pytest.mark.parametrize("strategy", [*LEARNING, "auto"])
def test_the_same_seed_finds_the_same_schedule(strategy: str) -> None:
    first, second = (explored("sampling:slow_one_first", strategy=strategy, executions=500) for _ in range(2))

    assert first.executions_to_failure is not None
    assert first.executions_to_failure == second.executions_to_failure
    assert first.finding is not None
    assert second.finding is not None
    assert first.finding.schedule == second.finding.schedule


def test_learning_works_at_the_switch_places_of_the_gil() -> None:
    result = explored("races:lost_wake_up", strategy="surw", granularity="gil", executions=300)

    assert result.verdict is Verdict.FAILED


def test_auto_tells_what_each_strategy_did_and_ends_in_a_proof() -> None:
    result = explored("sampling:opposite_and_timed", strategy="auto", executions=500)

    told = {stage["strategy"]: stage["executions"] for stage in result.stages}
    assert told.keys() == {"dpor", "parking", "surw", "pos", "pct"}
    assert sum(told.values()) == result.executions < 500
    assert result.exhausted is not None


@pytest.mark.parametrize("target", ["one_of_thirty", "second_lock_of_thirty"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_number_of_like_threads_does_not_matter(target: str, seed: int) -> None:
    # The seeds make it certain. Of 200 seeds the worst needed 66 and 216 executions, with the median at 14 and 26.
    result = explored(f"sampling:{target}", strategy="auto", seed=seed, executions=300, shrink=False)

    assert result.verdict is Verdict.FAILED
