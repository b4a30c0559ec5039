"""Whether this interpreter holds a GIL, and what switched it on again where it was built without one."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
import warnings
from typing import Any

# CPython warns once: "The global interpreter lock (GIL) has been enabled to load module 'x', which has not declared ..."
_WARNED = re.compile(r"\(GIL\) has been enabled to load module '([^']+)'")


def enabled() -> bool:
    """Tell whether a GIL is held now: an import may have switched it on again."""
    check = getattr(sys, "_is_gil_enabled", None)
    return check is None or bool(check())


def free_threaded_build() -> bool:
    """Tell whether the interpreter was built to run without a GIL."""
    return bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


class Watch:
    """Remembers which import switched the GIL on, which the interpreter says in a warning and nowhere else."""

    def __init__(self) -> None:
        self._module = ""
        self._before = enabled()  # then it was torture itself, or the user
        if free_threaded_build():
            self._show = warnings.showwarning
            warnings.filterwarnings("always", ".*global interpreter lock", RuntimeWarning)
            patched: Any = warnings
            patched.showwarning = self._shown

    def _shown(self, message: Any, *args: Any, **kwargs: Any) -> None:
        found = _WARNED.search(str(message))
        if found is not None:
            self._module = self._module or found[1]
        self._show(message, *args, **kwargs)

    def said(self) -> str:
        """Return the loud sentence of a free-threaded build that ran with a GIL, "" where all is as it should be."""
        if not free_threaded_build() or not enabled():
            return ""
        cure = "set PYTHON_GIL=0 to keep it off"
        if os.environ.get("PYTHON_GIL") == "1":
            who, cure = "PYTHON_GIL=1", "unset it"
        elif self._before:
            who = "torture's own imports, or -X gil=1,"
        elif self._module:
            who = f"the import of {self._module!r}, an extension that does not declare that it runs without,"
        else:
            who = "an import"
        return (
            f"RAN WITH THE GIL: {who} switched it on in this free-threaded interpreter;"
            f" no two threads ran Python code at once; {cure}"
        )
