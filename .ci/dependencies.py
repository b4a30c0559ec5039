"""Build hook: what torture needs at run time, without greenlet where it has no wheel.

There is none for free-threaded builds before CPython 3.14, and no environment marker that says "free-threaded": so the
building interpreter decides, which is the installing one for ``pip install .``. There ``torture explore`` runs on OS threads.
"""

from __future__ import annotations

import sys
import sysconfig

from hatchling.metadata.plugin.interface import MetadataHookInterface

FIRST_WITH_WHEELS = (3, 14)


class Dependencies(MetadataHookInterface):
    """Fills ``dependencies`` from the hook's own table in pyproject.toml."""

    def update(self, metadata: dict[str, object]) -> None:
        """Set the dependencies."""
        wanted = list(self.config["always"])
        if not _lacks_greenlet():
            wanted += self.config["where-greenlet-has-wheels"]
        metadata["dependencies"] = sorted(wanted, key=str.lower)


def _lacks_greenlet() -> bool:
    return bool(sysconfig.get_config_var("Py_GIL_DISABLED")) and sys.version_info < FIRST_WITH_WHEELS
