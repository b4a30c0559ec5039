"""Says where the code under test ends or stops its own process: nothing is left that could be asked afterwards.

The functions of ``os`` and ``signal`` that may do so are wrapped, and write the caller's stack to the worker's output
first, from which the parent reads the place. A forked child may end as it likes.
"""

from __future__ import annotations

import faulthandler
import os
import signal
from collections.abc import Callable
from typing import Any

_ALWAYS = frozenset({signal.SIGKILL, signal.SIGSTOP})  # no handler is asked


def install() -> None:
    """Wrap the functions for good."""
    own = os.getpid()
    patched: Any = os
    patched._exit = _wrapped(os._exit, lambda status=0: os.getpid() == own)
    patched.kill = _wrapped(
        os.kill, lambda pid, number: pid in (0, own) and own == os.getpid() and _ends(number)
    )
    patched.killpg = _wrapped(os.killpg, lambda group, number: group in (0, os.getpgrp()) and _ends(number))
    patched = signal
    patched.raise_signal = _wrapped(signal.raise_signal, lambda number: os.getpid() == own and _ends(number))


def _wrapped(function: Callable[..., Any], is_end: Callable[..., bool]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            if is_end(*args, **kwargs):
                faulthandler.dump_traceback(all_threads=False)
        except (TypeError, ValueError, OSError):
            pass  # wrong arguments, or no standard error: the function itself says so
        return function(*args, **kwargs)

    wrapper.__name__ = wrapper.__qualname__ = function.__name__
    wrapper.__doc__ = function.__doc__
    return wrapper


def _ends(number: int) -> bool:
    return number in _ALWAYS or (number != 0 and signal.getsignal(number) == signal.SIG_DFL)
