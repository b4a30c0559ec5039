"""A schedule happens again: in another process, after edits elsewhere, or not at all, and then it is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.exploration.exploring import TARGETS, found, python
from torture.errors import UsageError
from torture.exploration.supervisor import replay
from torture.findings import Finding, FindingKind, Verdict

COUNTER = """\
import threading


class Counter:
    def __init__(self):
        self.n = 0

    def add(self):
        self.n += 1


def lost_update():
    counter = Counter()
    threads = [threading.Thread(target=counter.add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.n == 2, counter.n
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "counting.py"
    file.write_text(COUNTER)
    return file


def token_of(source: Path) -> str:
    return found(FindingKind.ASSERTION, f"{source}:lost_update", executions=500).schedule


def test_a_token_fails_again_in_a_fresh_process(source: Path) -> None:
    token = token_of(source)

    result = replay(token)
    assert result.verdict is Verdict.FAILED
    assert result.finding is not None
    assert result.finding.message == "AssertionError: 1"
    assert result.warnings == ()
    assert result.executions == 1


def test_a_replay_reports_the_same_finding_with_the_same_token(source: Path) -> None:
    found_first = found(FindingKind.ASSERTION, f"{source}:lost_update", executions=500)

    again = replay(found_first.schedule).finding
    assert again is not None
    assert (again.fingerprint, again.message) == (found_first.fingerprint, found_first.message)
    assert (again.steps, again.preemptions) == (found_first.steps, found_first.preemptions)
    assert again.schedule == found_first.schedule


def test_a_token_survives_an_edit_elsewhere(source: Path) -> None:
    token = token_of(source)
    source.write_text(
        "import os\n"
        + COUNTER.replace("counter = Counter()", "counter = Counter()\n    log = [1]\n    log.append(2)")
    )

    result = replay(token)
    assert result.finding is not None
    assert result.finding.message == "AssertionError: 1"
    assert any("code has changed" in warning for warning in result.warnings)


def test_a_token_of_code_that_was_mended_passes_or_says_that_it_does_not_fit(source: Path) -> None:
    token = token_of(source)
    source.write_text(
        COUNTER.replace("self.n = 0", "self.n = 0; self.lock = threading.Lock()").replace(
            "self.n += 1", "with self.lock: self.n += 1"
        )
    )

    # Neither is a failure: its choices may still be there, or the new lock is in their way.
    try:
        said = str(replay(token).verdict)
    except UsageError as error:
        said = str(error)
    assert said == "passed" or "does not fit the code any more" in said


def test_a_token_of_code_that_is_gone_does_not_fit_loudly(source: Path) -> None:
    token = token_of(source)
    source.write_text(COUNTER.replace("self.n += 1", "pass"))

    with pytest.raises(UsageError, match="does not fit the code any more: the program never came to thread"):
        replay(token)


def test_a_target_that_is_gone_is_named(source: Path) -> None:
    token = token_of(source)
    source.unlink()

    with pytest.raises(UsageError, match=r"counting\.py"):
        replay(token)


@pytest.mark.parametrize("damage", ["cut", "turned", "foreign"])
def test_a_damaged_token_is_refused(damage: str, source: Path) -> None:
    token = token_of(source)
    damaged = {"cut": token[: len(token) // 2], "turned": token[:3] + token[:2:-1], "foreign": "hello"}[
        damage
    ]

    with pytest.raises(UsageError, match="token"):
        replay(damaged)


def test_the_command_replays_the_file_that_explore_wrote(source: Path, tmp_path: Path) -> None:
    saved = tmp_path / "result.json"
    target = f"{source}:lost_update"

    explore = python("-m", "torture", "explore", target, "--executions", "500", "--json", str(saved))
    assert explore.returncode == 1, explore.stderr
    again = python("-m", "torture", "replay", str(saved), "--json", "-")
    assert again.returncode == 1, again.stderr
    assert json.loads(again.stdout)["finding"]["message"] == "AssertionError: 1"


FINGERPRINTED = """\
import json, sys
from torture.exploration.job import Job
from torture.exploration.supervisor import explore
result = explore(Job(target=sys.argv[1], strategy=sys.argv[2], executions=400, seed=int(sys.argv[3])))
finding = result.finding
print(json.dumps([finding.schedule, finding.message, finding.errors, result.executions_to_failure, str(finding.trace)]))
"""


@pytest.mark.parametrize("strategy", ["auto", "random", "pct", "pos"])
def test_equal_seeds_find_the_same_bytes_whatever_the_hash_seed(source: Path, strategy: str) -> None:
    runs = [
        python("-c", FINGERPRINTED, f"{source}:lost_update", strategy, "3", PYTHONHASHSEED=hash_seed)
        for hash_seed in ("1", "2")
    ]

    assert runs[0].returncode == 0, runs[0].stderr
    assert runs[0].stdout == runs[1].stdout


def test_other_seeds_take_other_schedules(source: Path) -> None:
    tokens = {
        found(FindingKind.ASSERTION, f"{source}:lost_update", seed=seed, shrink=False).schedule
        for seed in range(8)
    }

    assert len(tokens) > 1


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("wrong:deadlocks", FindingKind.DEADLOCK),
        ("wrong:joins_who_joins", FindingKind.DEADLOCK),
        ("wrong:fails_in_two_threads", FindingKind.EXCEPTION),
        ("files:looks_then_makes", FindingKind.ASSERTION),
        ("races:lost_in_a_pool", FindingKind.ASSERTION),
        ("races:lost_wake_up", FindingKind.DEADLOCK),
        ("races:too_short_a_time_out", FindingKind.ASSERTION),
        ("races:taken_for_alive", FindingKind.ASSERTION),
        ("races:polls_too_briefly", FindingKind.ASSERTION),
    ],
)
@pytest.mark.parametrize("strategy", ["random", "pct"])
def test_every_kind_of_failure_replays(target: str, kind: FindingKind, strategy: str) -> None:
    finding: Finding = found(kind, target, strategy=strategy, executions=2_000)
    assert "not-replayed" not in finding.labels

    again = replay(finding.schedule)
    assert again.finding is not None
    assert again.finding.fingerprint == finding.fingerprint
    assert again.warnings == ()


SAME = [
    "starting:subclasses_of_timer",
    "starting:joins_with_a_timeout",
    "starting:several_threads_join_one",
    "starting:many_threads",
    "starting:a_thread_ends_before_it_is_joined",
    "starting:threads_without_the_module",
    "identity:enumerate_and_active_count",
    "identity:logging_from_threads",
    "identity:subclasses_of_local",
    "waiting:locks_made_at_import",
    "waiting:conditions",
    "waiting:conditions_keep_a_nested_lock",
    "waiting:events",
    "waiting:barriers",
    "waiting:barriers_break",
    "waiting:queues",
    "waiting:simple_queues_block",
    "waiting:sleeping_takes_time",
    "waiting:schedulers",
    "pools:mapping",
    "pools:waiting_for_some",
    "pools:cancelling",
    "pools:callbacks",
    "pools:pools_in_pools",
    "lifetimes:what_a_thread_kept_for_itself_goes_when_it_ends",
    "lifetimes:cycles_go_when_they_are_collected",
    "language:generators",
    "language:classes",
    "language:caches",
    "language:imports_inside_threads",
    "language:objects_with_their_own_ways",
    "network:echo_server",
    "network:servers_with_a_thread_for_each_request",
    "network:pipes",
    "wrong:spins_and_yields",
    "wrong:spins_for_a_lock",
    "wrong:polls_the_clock",
]


@pytest.mark.parametrize("granularity", ["free-threaded", "gil"])
@pytest.mark.parametrize("program", SAME)
def test_an_execution_that_is_recorded_is_the_one_that_was_explored(program: str, granularity: str) -> None:
    place, _, name = program.partition(":")

    run = python(
        "-m", "tests.exploration.same", f"{TARGETS / place}.py:{name}", granularity, PYTHONHASHSEED="0"
    )
    assert (run.returncode, run.stdout) == (0, ""), run.stdout + run.stderr
