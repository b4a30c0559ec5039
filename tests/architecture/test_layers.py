"""The house keeps its rules: every room has a layer (lint-imports, among the checks, holds them), no module is too long."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted([*ROOT.glob("torture/**/*.py"), *ROOT.glob("mcp_reference/**/*.py")])
LONGEST = 450  # lines


def test_every_room_has_its_layer() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")

    named = {name for layer in layers for name in re.findall(r"torture\.(\w+)", layer)}
    rooms = {
        path.stem
        for path in (ROOT / "torture").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert rooms - {"__init__", "__main__"} == named


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_is_too_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_the_readmes_test_command_is_what_ci_runs() -> None:
    command = re.search(r"^(pip install tox && tox)\b", (ROOT / "README.md").read_text(), re.MULTILINE)
    ci = (ROOT / ".ci/run").read_text()

    assert command is not None
    assert re.search(r"^pip install --quiet tox$", ci, re.MULTILINE)
    assert re.search(r"^timeout .* tox$", ci, re.MULTILINE)
