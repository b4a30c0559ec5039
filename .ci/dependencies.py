"""Build hooks: what torture needs at run time, which differs on free-threaded CPython before 3.14.

There greenlet has no wheels, and pydantic's core has none after a certain version; and no environment marker says
"free-threaded". So the building interpreter decides, which is the installing one for ``pip install .``. A wheel that is
built there says so in its tags: installers prefer it to the wheel for all others where both are offered.
"""

from __future__ import annotations

import sys
import sysconfig
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

FIRST_WITH_WHEELS = (3, 14)
# No installer knows "any" platform together with an ABI, hence these: the name of one wheel may hold several.
PLATFORMS = (
    "manylinux_2_17_x86_64.manylinux_2_17_aarch64.musllinux_1_1_x86_64.musllinux_1_1_aarch64"
    ".macosx_10_13_x86_64.macosx_11_0_arm64"
)


class Dependencies(MetadataHookInterface):
    """Fills ``dependencies`` from the hook's own tables in pyproject.toml."""

    def update(self, metadata: dict[str, object]) -> None:
        """Set the dependencies."""
        others = self.config["free-threaded-before-3-14" if _lacks_wheels() else "others"]
        metadata["dependencies"] = sorted([*self.config["always"], *others], key=str.lower)


class Tag(BuildHookInterface):  # type: ignore[type-arg]
    """Names the interpreter that a wheel's dependencies are for."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Set the tag of a wheel; an editable one is used where it is built."""
        if _lacks_wheels() and version != "editable":
            python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
            build_data["tag"] = f"{python}-{python}t-{PLATFORMS}"


def _lacks_wheels() -> bool:
    return bool(sysconfig.get_config_var("Py_GIL_DISABLED")) and sys.version_info < FIRST_WITH_WHEELS
