"""What is installed with torture depends on whether the building interpreter has a GIL, and the wheel says so."""

import importlib.util
import sys
import sysconfig
import tomllib
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


class Interface:
    """Stands for hatchling's, which is there only while torture is built."""

    def __init__(self, config):
        self.config = config


@pytest.fixture
def hooks(monkeypatch):
    for name in ("metadata", "builders.hooks"):
        module = ModuleType(f"hatchling.{name}.plugin.interface")
        module.MetadataHookInterface = module.BuildHookInterface = Interface
        monkeypatch.setitem(sys.modules, module.__name__, module)
    spec = importlib.util.spec_from_file_location("dependencies", ROOT / ".ci/dependencies.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.mark.parametrize(
    ("free_threaded", "version", "greenlet", "tag"),
    [
        (0, (3, 13, 0), True, ""),
        (None, (3, 12, 1), True, ""),
        (1, (3, 13, 5), False, "cp313-cp313t-manylinux_"),
        (1, (3, 14, 0), True, ""),
    ],
)
def test_greenlet_is_wanted_where_it_has_wheels(hooks, monkeypatch, free_threaded, version, greenlet, tag):
    monkeypatch.setattr(hooks, "sys", SimpleNamespace(version_info=version))
    monkeypatch.setitem(sysconfig.get_config_vars(), "Py_GIL_DISABLED", free_threaded)
    metadata, build = {}, {}
    hooks.Dependencies(PROJECT["tool"]["hatch"]["metadata"]["hooks"]["custom"]).update(metadata)
    hooks.Tag({}).initialize("standard", build)

    assert ("greenlet" in metadata["dependencies"]) is greenlet
    assert {"py-spy", "PyYAML", "rich"} < set(metadata["dependencies"])
    assert [each.partition(">")[0] for each in metadata["dependencies"]].count("pydantic") == 1
    assert build.get("tag", "").startswith(tag)
    assert bool(build) is bool(tag)


def test_what_depends_on_the_interpreter_is_left_to_the_hooks():
    assert PROJECT["project"]["dynamic"] == ["version", "dependencies"]
    assert PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"] == {
        "path": ".ci/dependencies.py"
    }
