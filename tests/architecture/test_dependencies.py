"""What is installed with torture depends on whether the building interpreter has a GIL."""

import importlib.util
import sys
import sysconfig
import tomllib
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]


class Interface:
    """Stands for hatchling's, which is there only while torture is built."""

    def __init__(self, config):
        self.config = config


@pytest.fixture
def hook(monkeypatch):
    module = ModuleType("hatchling.metadata.plugin.interface")
    module.MetadataHookInterface = Interface
    monkeypatch.setitem(sys.modules, module.__name__, module)
    spec = importlib.util.spec_from_file_location("dependencies", ROOT / ".ci/dependencies.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.mark.parametrize(
    ("free_threaded", "version", "greenlet"),
    [(0, (3, 13, 0), True), (None, (3, 12, 1), True), (1, (3, 13, 5), False), (1, (3, 14, 0), True)],
)
def test_greenlet_is_wanted_where_it_has_wheels(hook, monkeypatch, free_threaded, version, greenlet):
    monkeypatch.setattr(hook, "sys", SimpleNamespace(version_info=version))
    monkeypatch.setitem(sysconfig.get_config_vars(), "Py_GIL_DISABLED", free_threaded)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    config = project["tool"]["hatch"]["metadata"]["hooks"]["custom"]
    metadata = {}
    hook.Dependencies(config).update(metadata)

    assert ("greenlet" in metadata["dependencies"]) is greenlet
    assert {"py-spy", "rich"} < set(metadata["dependencies"])
    assert project["project"]["dynamic"] == ["version", "dependencies"]
