"""The engine from the command line, in scenarios, and where greenlet is not installed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.parallel.stressing import PROGRAMS, ROOT
from torture.cli import main
from torture.parallel.stacks import py_spy

SCENARIO = """\
scenarios:
  - name: counters
    program: p.py:program
    checks: [none]
    executions: 4
    variants:
      right: {component: "p.py:Right", expect: passed}
      missed: {component: "p.py:Right", expect: failed, kind: lost}
      wrong: {component: "p.py:Wrong", expect: failed, kind: assertion}
      worse: {component: "p.py:Wrong", expect: failed, kind: lost}
"""
NO_GREENLET = """\
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "greenlet":
            raise ImportError("blocked for a test")
sys.meta_path.insert(0, Blocker())
"""
PROGRAM = """\
class Right:
    def get(self): return 1
class Wrong:
    def get(self): return 2
def program(component, ledger):
    assert component().get() == 1
"""


@pytest.fixture
def scenario(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.yaml").write_text(SCENARIO)
    (tmp_path / "p.py").write_text(PROGRAM)
    return tmp_path


@pytest.fixture
def without_greenlet(scenario):
    """Give a function that runs a command of torture where greenlet is not installed."""
    (scenario / "sitecustomize.py").write_text(NO_GREENLET)

    def run(*arguments):
        environment = {**os.environ, "PYTHONPATH": f"{scenario}{os.pathsep}{ROOT}"}
        command = [sys.executable, "-m", "torture", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=60, check=False
        )

    return run


def test_real_threads_need_no_greenlet(without_greenlet):
    done = without_greenlet("stress", f"{PROGRAMS}:locked_update", "--executions", "20")

    assert (done.returncode, done.stderr) == (0, "")
    assert "passed: 0 of 20 executions failed; stress proves nothing" in done.stdout
    assert "greenlet" not in done.stdout


def test_scenarios_are_listed_and_run_on_real_threads_without_greenlet(without_greenlet):
    listed = without_greenlet("list", "s.yaml")
    done = without_greenlet("run", "s.yaml", "--engine", "stress", "--only", "*/wrong")

    assert (listed.returncode, listed.stderr) == (0, "")
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 caught" in done.stdout


def test_exploring_without_greenlet_is_carried_by_threads_and_says_so(without_greenlet):
    done = without_greenlet("explore", f"{ROOT}/docs/counter.py:race", "--json", "r.json")
    again = without_greenlet("replay", "r.json", "--real")
    told = json.loads(Path("r.json").read_text())

    assert (done.returncode, done.stderr) == (1, "")
    assert told["finding"]["kind"] == "assertion"
    assert [line for line in told["warnings"] if "greenlet cannot be imported (blocked" in line]
    assert all("pip install greenlet" in line or "no wheels" in line for line in told["warnings"])
    assert (again.returncode, again.stderr) == (1, "")
    assert "greenlet" not in again.stdout  # threads were asked for


def test_the_json_says_engine_interpreter_and_disturbance(capsys):
    status = main(["stress", f"{PROGRAMS}:locked_update", "--executions", "6", "--seed", "3", "--json", "-"])
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, json.loads((ROOT / "docs/result.schema.json").read_text()))

    assert (status, document["strategy"], document["seed"], document["executions"]) == (0, "stress", 3, 6)
    assert isinstance(document["stages"][0]["gil"], bool)
    assert [stage["perturbation"] for stage in document["stages"]] == ["off", "light"]


def test_a_failure_is_status_1_and_offers_no_schedule(capsys):
    status = main(["stress", f"{PROGRAMS}:stop", "--executions", "1"])
    out = capsys.readouterr().out

    assert status == 1
    assert "failed: exit in" in out
    assert "there is no schedule to replay" in out


@pytest.mark.skipif(py_spy() is None, reason="py-spy is not installed, or cannot read this interpreter")
def test_a_profile_is_written(tmp_path, capsys):
    file = tmp_path / "profile.json"
    main(["stress", f"{PROGRAMS}:called_at_once", "--threads", "2", "--budget", "1s", "--profile", str(file)])
    profile = json.loads(file.read_text())

    assert "speedscope" in profile["$schema"]
    assert any("called_at_once" in frame["name"] for frame in profile["shared"]["frames"])


@pytest.mark.skipif(py_spy() is None, reason="py-spy is not installed, or cannot read this interpreter")
def test_a_profile_of_each_scenario_is_written(scenario):
    program = PROGRAM.replace("    assert", "    import time\n    time.sleep(0.2)\n    assert")
    (scenario / "p.py").write_text(program)
    arguments = ("--engine", "stress", "--only", "*/right", "--profile", "--report-dir", "out")

    assert main(["run", "s.yaml", *arguments]) == 0
    profile = json.loads((scenario / "out/profile/counters.right.json").read_text())
    assert "speedscope" in profile["$schema"]


def test_stress_may_miss_what_explore_has_to_find(scenario, capsys):
    status = main(["run", "s.yaml", "--engine", "stress", "--report-dir", "out"])
    out = capsys.readouterr().out
    rows = {row["variant"]: row for row in json.loads((scenario / "out/run.json").read_text())["rows"]}

    assert status == 1  # because of the wrong kind alone
    assert {name: row["as_expected"] for name, row in rows.items()} == {
        "right": True,
        "missed": True,
        "wrong": True,
        "worse": False,
    }
    assert "may fail" in out
    assert "1 not caught (stress proves nothing)" in out
    assert rows["right"]["p95"] > 0
    assert rows["right"]["latency"][0]["operation"] == "Right.get"


def test_torn_reads_are_shown_where_there_were_none(scenario):
    (scenario / "p.py").write_text(PROGRAM + "    ledger.count(reads=5, torn=0)\n")

    assert main(["run", "s.yaml", "--engine", "stress", "--only", "*/right"]) == 0
    (row,) = json.loads((scenario / "reports/run.json").read_text())["rows"]
    assert row["torn"] == 0


def test_a_thread_that_died_explains_why_nothing_was_sent(scenario, capsys):
    program = (
        "import threading\ndef program(component, ledger):\n    def run(): raise OSError('gone')\n"
        "    thread = threading.Thread(target=run)\n    thread.start()\n    thread.join()\n"
    )
    (scenario / "s.yaml").write_text(
        SCENARIO.replace("[none]", "[unique]").replace("kind: lost", "kind: exception")
    )
    (scenario / "p.py").write_text(PROGRAM.partition("def program")[0] + program)

    assert main(["run", "s.yaml", "--engine", "stress", "--only", "*/missed"]) == 0
    (row,) = json.loads((scenario / "reports/run.json").read_text())["rows"]
    assert (row["finding"]["kind"], row["finding"]["message"]) == ("exception", "OSError: gone")


def test_a_scenario_that_asks_for_stress_itself_has_to_keep_its_word(scenario, capsys):
    (scenario / "s.yaml").write_text(SCENARIO.replace("    checks", "    engine: stress\n    checks"))

    assert main(["run", "s.yaml", "--only", "*/right"]) == 0
    assert main(["run", "s.yaml", "--only", "*/missed"]) == 1
