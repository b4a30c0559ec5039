"""Each care that the hardened state file takes is needed: without it a scenario of the catalogue fails."""

import os
from pathlib import Path

import pytest

from tests.parallel.stressing import ROOT
from torture.parallel.processes.faults import Fault
from torture.parallel.processes.job import ProcessJob
from torture.parallel.processes.supervisor import run_processes

CARELESS = Path(__file__).parent / "targets/careless.py"
SCENARIO = """\
scenarios:
  - name: s
    engine: processes
    program: {programs}:{program}
    checks: [none]
    parameters: {{writers: {writers}, writes: 1}}
    variants:
      v: {{component: "{component}", expect: passed}}
"""


def performed(tmp_path, component, program, writers, fault):
    text = SCENARIO.format(
        programs=os.path.relpath(ROOT / "scenarios/state_roles.py", tmp_path),
        program=program,
        writers=writers,
        component=os.path.relpath(CARELESS, tmp_path) + f":{component}",
    )
    (tmp_path / "s.yaml").write_text(text)
    arguments = {"file": str(tmp_path / "s.yaml"), "name": "s", "variant": "v"}
    target = "torture.scenario.program:build"
    result = run_processes(ProcessJob(target=target, arguments=arguments, faults=(fault,), executions=4))
    assert result.exhausted is not None or result.finding is not None, result
    return result


def kind(*arguments):
    """Return the kind of what is found, None for nothing."""
    finding = performed(*arguments).finding
    return finding.kind.value if finding is not None else None


@pytest.mark.parametrize(
    ("component", "expected"),
    [
        ("careful", None),
        ("no_fsync_of_the_folder", "lost"),
        ("no_fsync_of_the_file", "torn"),
        ("fsync_after_the_rename", "torn"),
    ],
)
def test_a_power_cut_shows_the_missing_fsync(tmp_path, component, expected):
    assert kind(tmp_path, component, "WriteUnderFire", 1, Fault("power-cut", "write")) == expected


def test_a_power_cut_strikes_all_who_write(tmp_path):
    cut = Fault("power-cut", "write")

    # Each creates, writes, syncs and renames a file, and syncs the folder.
    tried = performed(tmp_path, "careful", "WriteUnderFire", 2, cut).exhausted["power cut"]
    assert tried.startswith("10 operations, 11 prefixes, ")
    assert tried.endswith(", in one order of what 2 processes did")
    (tmp_path / "wrong").mkdir()
    assert kind(tmp_path / "wrong", "no_fsync_of_the_folder", "WriteUnderFire", 2, cut) == "lost"


@pytest.mark.parametrize("fault", ["kill", "full-disk"])
def test_nothing_else_shows_it(tmp_path, fault):
    found = kind(tmp_path, "no_fsync_of_the_folder", "WriteUnderFire", 2, Fault(fault, "write", "boundaries"))

    assert found is None


def test_a_full_disk_shows_who_does_not_look_how_much_was_written(tmp_path):
    found = kind(tmp_path, "one_write", "WriteUnderFire", 1, Fault("full-disk", "write", "boundaries"))

    assert found == "torn"


@pytest.mark.parametrize(("component", "expected"), [("no_lock", "exception"), ("careful", None)])
def test_a_stop_shows_the_missing_lock(tmp_path, component, expected):
    assert kind(tmp_path, component, "WriteTogether", 2, Fault("stop", "", "boundaries")) == expected
