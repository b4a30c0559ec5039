"""The summary of a result never claims more than was done."""

from dataclasses import replace

from torture.findings import Finding, FindingKind, Result, Verdict
from torture.report.text import summary

SAMPLED = Result("m:f", Verdict.PASSED, executions=1234, seconds=1.0, threads=2, points=7.5)
FINDING = Finding(FindingKind.CRASH, "SIGSEGV", "crash", errors=("Fatal Python error",), counts={"lost": 2})
FAILED = Result("m:f", Verdict.FAILED, FINDING, executions=3, executions_to_failure=3)


def test_a_sample_is_said_to_be_a_sample() -> None:
    first = summary(SAMPLED).splitlines()[0]

    assert first == "passed: 0 of 1,234 sampled schedules failed; not exhausted"


def test_a_proof_names_what_it_holds_for() -> None:
    text = summary(replace(SAMPLED, exhausted={"granularity": "gil", "instrumented": ["m", "n"]}))

    assert "not exhausted" not in text
    assert "exhausted for granularity: gil; instrumented: m, n" in text


def test_unknown_is_no_pass() -> None:
    text = summary(replace(SAMPLED, verdict=Verdict.UNKNOWN, unseen=("thread 7 ran outside",)))

    assert "passed" not in text
    assert "this is no pass" in text.splitlines()[0]
    assert "not seen: thread 7 ran outside" in text


def test_long_lists_are_cut_and_say_so() -> None:
    text = summary(replace(SAMPLED, warnings=tuple(f"w{number}" for number in range(25))))

    assert text.count("warning: w") == 10
    assert "… 15 more" in text


def test_a_finding_without_a_schedule_says_that_it_cannot_be_replayed() -> None:
    text = summary(FAILED)

    assert text.startswith("failed: crash in m:f in execution 3")
    assert "cannot be replayed" in text
    assert "counted: lost 2" in text
    assert "Fatal Python error" in text


def test_a_schedule_is_quoted_for_the_shell() -> None:
    text = summary(replace(FAILED, finding=replace(FINDING, schedule="a;b")))

    assert "replay: torture replay 'a;b'" in text


def test_a_replay_speaks_of_its_one_schedule() -> None:
    assert summary(replace(FAILED, strategy="replay")).startswith("failed: crash; the schedule fails again")
    assert summary(replace(SAMPLED, strategy="replay")).startswith("passed: the schedule does not fail")
