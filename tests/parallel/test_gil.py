"""Free-threaded interpreters, and extensions that switch their GIL on: pretended, for there is none on every machine."""

import json
import os
import subprocess
import sys

import pytest

from tests.parallel.stressing import ROOT

# What CPython says when an extension without Py_mod_gil is imported on a free-threaded build.
PRETENDER = """\
import os, sys, sysconfig, warnings
sys.gil_is_held = os.environ.get("PYTHON_GIL") == "1"  # not in a module's own state, which is put back
sys._is_gil_enabled = lambda: sys.gil_is_held
sysconfig.get_config_vars()["Py_GIL_DISABLED"] = 1
def import_extension():
    sys.gil_is_held = True
    warnings.warn("The global interpreter lock (GIL) has been enabled to load module 'old_extension', which has not "
        "declared that it can run safely without the GIL.", RuntimeWarning)
"""
TARGETS = """\
import sitecustomize, threading, ctypes, os
def right(): threading.Thread(target=len, args=("",)).start()
def wrong(): assert False
def dies(): os._exit(3)
"""
LOUD = "RAN WITH THE GIL: "


@pytest.fixture
def pretended(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(PRETENDER)

    def run(*arguments, source=TARGETS, **environment):
        (tmp_path / "t.py").write_text(source)
        (tmp_path / "s.yaml").write_text(
            "scenarios:\n  - name: one\n    engine: stress\n    executions: 2\n    checks: [none]\n"
            "    program: t.py:program\n    variants: {right: {component: 'builtins:dict', expect: passed}}\n"
        )
        return subprocess.run(
            [sys.executable, "-m", "torture", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.mark.parametrize("target", ["right", "wrong", "dies"])
def test_every_report_says_that_it_ran_free_threaded(pretended, target):
    done = pretended("stress", f"t.py:{target}", "--executions", "3", "--json", "-")
    document = json.loads(done.stdout)

    assert document["stages"][0]["gil"] is False
    assert "on real threads, free-threaded" in done.stderr
    assert LOUD not in done.stderr
    assert document["verdict"] == ("passed" if target == "right" else "failed")
    if target == "wrong":
        assert document["finding"]["reachable"] == "free-threaded"


def test_an_extension_that_switches_the_gil_on_is_said_before_anything_else(pretended):
    source = (
        TARGETS.replace("import sitecustomize, ", "import ")
        + "import sitecustomize\nsitecustomize.import_extension()\n"
    )
    done = pretended("stress", "t.py:right", "--executions", "3", "--json", "-", source=source)
    document = json.loads(done.stdout)

    assert done.stderr.splitlines()[1].startswith(f"{LOUD}the import of 'old_extension', an extension that")
    assert "set PYTHON_GIL=0 to keep it off" in done.stderr
    assert "on real threads, with a GIL" in done.stderr
    assert document["stages"][0]["gil"] is True
    assert [warning for warning in document["warnings"] if warning.startswith(LOUD)]


def test_an_import_while_it_runs_is_seen_too(pretended):
    source = (
        TARGETS
        + "import sys\ndef late():\n    sys.late = getattr(sys, 'late', 0) + 1\n    if sys.late == 2: sitecustomize.import_extension()\n"
    )
    done = pretended("stress", "t.py:late", "--executions", "4", source=source)

    assert f"{LOUD}the import of 'old_extension'" in done.stdout


def test_a_user_who_wants_the_gil_is_told_so(pretended):
    done = pretended("stress", "t.py:right", "--executions", "3", PYTHON_GIL="1")

    assert f"{LOUD}PYTHON_GIL=1 switched it on" in done.stdout


def test_the_table_of_a_run_says_it(pretended):
    source = TARGETS + "def program(component, ledger): component()\n"
    free = pretended("run", "s.yaml", source=source)
    source += "sitecustomize.import_extension()\n"
    held = pretended("run", "s.yaml", source=source)

    assert "stress ran free-threaded" in free.stdout
    assert LOUD not in free.stdout
    assert "stress ran with a GIL" in held.stdout
    assert held.stdout.count(LOUD) == 1
