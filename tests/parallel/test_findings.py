"""What real threads show: races with odds, and hangs, crashes and exits by their name."""

import pytest

from tests.parallel.stressing import ROOT, found, stressed
from torture.errors import UsageError
from torture.findings import FindingKind, Verdict
from torture.parallel.job import StressJob
from torture.parallel.supervisor import stress


@pytest.mark.parametrize("perturbation", ["light", "heavy"])
def test_a_disturbed_lost_update_is_found(perturbation):
    # An execution fails with about 0.1 (light) or 0.3 (heavy): 15 seeds on each of 3.11 to 3.13 needed 2 to 19
    # executions. Were it 0.01, all 2000 would miss with 0.99 ** 2000 = 2e-9.
    finding = found("lost_update", executions=2000, budget=60, perturbation=perturbation)

    assert finding.kind is FindingKind.ASSERTION
    assert finding.fingerprint == "assertion:AssertionError:lost_update"
    assert "disturbed" in finding.labels
    assert finding.schedule == ""
    assert "assert counter.value == 2" in finding.errors[0]


@pytest.mark.repeat(3)  # a false alarm would come and go
def test_a_lock_is_respected():
    result = stressed("locked_update", executions=100, perturbation="heavy")

    assert (result.verdict, result.executions, result.threads) == (Verdict.PASSED, 100, 3)


def test_each_execution_finds_the_state_of_modules_as_it_was_after_the_import():
    target = f"{ROOT}/tests/exploration/targets/state.py:every_kind"

    assert stress(StressJob(target=target, executions=20, stall_limit=1.0)).verdict is Verdict.PASSED


def test_undisturbed_code_is_left_alone():
    result = stressed("locked_update", executions=50, perturbation="off")

    assert result.verdict is Verdict.PASSED
    assert [stage["perturbation"] for stage in result.stages] == ["off"]


@pytest.mark.repeat(2)
def test_code_that_the_disturbance_itself_uses_may_be_disturbed():
    result = stressed("draws_lots", executions=30, perturbation="heavy")

    assert result.verdict is Verdict.PASSED, result.finding


def test_a_budget_ends_the_run():
    result = stressed("locked_update", budget=0.3)

    assert result.verdict is Verdict.PASSED
    assert result.executions > 1
    assert 0.3 <= result.seconds < 5


def test_a_deadlock_is_named_with_who_holds_what():
    finding = found("lock_order", perturbation="off", executions=5)  # both sleep in between: no luck needed

    assert finding.kind is FindingKind.DEADLOCK
    assert "there waits in with for destination.lock, held by back" in finding.message
    assert "back waits in with for destination.lock, held by there" in finding.message
    assert finding.fingerprint == "deadlock:lock_order.<locals>.transfer" or finding.fingerprint == (
        "deadlock:transfer"  # 3.11: py-spy tells the plain name
    )
    assert [error.partition(":")[0] for error in finding.errors] == ["MainThread", "there", "back"]
    assert all("programs.py" in error for error in finding.errors)


def test_a_thread_that_nobody_wakes_is_a_deadlock():
    finding = found("nobody_puts", executions=1)

    assert finding.kind is FindingKind.DEADLOCK
    assert "MainThread waits in" in finding.message
    assert "nobody_puts" in finding.message


def test_a_loop_without_end_is_a_hang_with_its_place():
    finding = found("endless", executions=1)

    assert (finding.kind, finding.labels) == (FindingKind.HANG, ("busy",))
    assert "MainThread runs in endless" in finding.message
    assert "in endless" in finding.errors[0]


def test_without_py_spy_the_stacks_come_from_the_interpreter(monkeypatch):
    monkeypatch.setattr("torture.parallel.supervisor.dump", lambda pid: None)
    finding = found("endless", executions=1)

    assert finding.kind is FindingKind.HANG
    assert "in endless" in finding.errors[0]
    assert "no-py-spy" in finding.labels


@pytest.mark.parametrize(
    ("function", "kind", "said"),
    [
        ("crash", FindingKind.CRASH, "SIGSEGV"),
        ("leave", FindingKind.EXIT, "status 7"),
        ("stop", FindingKind.EXIT, "SystemExit: 5"),
        ("thread_raises_and_main_waits", FindingKind.EXCEPTION, "ValueError: no such thing"),
    ],
)
def test_what_ends_a_process_is_a_finding_and_not_the_end_of_the_run(function, kind, said):
    result = stressed(function, executions=1)

    assert result.finding.kind is kind
    assert said in result.finding.message
    assert result.warnings == ()  # no execution has ended: nothing is a leak


def test_a_runaway_allocation_is_stopped():
    finding = found("greedy", executions=1, memory_limit=300 << 20)

    assert (finding.kind, "300 MiB" in finding.message) == (FindingKind.MEMORY, True)


def test_a_thread_left_behind_is_a_warning():
    result = stressed("left_running", executions=2)

    assert result.verdict is Verdict.PASSED
    (warning,) = result.warnings
    assert warning.startswith("leak: 2 threads such as sleeper were still running when the target returned")


@pytest.mark.parametrize("function", ["start_after_the_first_has_answered", "own_run_method"])
def test_aligned_starts_change_nothing_a_program_can_rely_on(function):
    result = stressed(function, executions=20)

    assert result.verdict is Verdict.PASSED, result.finding


def test_a_target_can_be_called_in_many_threads_at_once():
    result = stressed("called_at_once", executions=3, threads=8, perturbation="off")

    assert (result.verdict, result.threads) == (Verdict.PASSED, 9)


def test_functions_hidden_from_the_collector_are_disturbed():
    target = f"{ROOT}/tests/exploration/targets/frozen.py:lost_update"
    result = stress(StressJob(target=target, executions=2000, budget=60, perturbation="heavy"))

    assert result.verdict is Verdict.FAILED


def test_a_run_that_disturbed_nothing_says_so():
    result = stress(StressJob(target="gc:collect", executions=2, perturbation="light"))

    assert result.warnings == ("nothing was disturbed: no code under test has scheduling points",)


def test_a_wrong_target_or_perturbation_is_the_callers_mistake():
    with pytest.raises(UsageError, match="did you mean 'crash'"):
        stressed("crahs", executions=1)
    with pytest.raises(UsageError, match="perturbation 'mild' is unknown"):
        stressed("crash", executions=1, perturbation="mild")
