"""The worker's half: runs a job and sends its result, or what went wrong, to the parent."""

from __future__ import annotations

import faulthandler
import fcntl
import os
import pickle
import select
import signal
from collections.abc import Callable

from torture.errors import InternalError, TortureError, UsageError
from torture.isolation.state import DUMP, State

Send = Callable[[object], None]  # ends the process


def serve(arguments: list[str], run: Callable[[str, State, Send], object]) -> None:
    """Run ``run(job, state, send)`` with the arguments of a worker's command line, and send what it returns.

    Whatever goes wrong in torture itself is sent as an error. Another thread may send, too: the first counts.
    """
    job, results, state = arguments[0], os.fdopen(int(arguments[1]), "wb"), State(int(arguments[2]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business: it ends us
    _die_with_the_parent(results.fileno(), wanted=True)
    own = os.getpid()
    faulthandler.enable()
    faulthandler.register(DUMP, all_threads=True)

    def send(answer: object) -> None:
        if os.getpid() != own:  # the code under test has forked, and went on in both
            os._exit(1)
        _die_with_the_parent(
            results.fileno(), wanted=False
        )  # now the parent reads, which would be an event, too
        pickle.dump(answer, results)
        results.flush()
        os._exit(0)  # threads that the code under test left behind must not keep the process

    answer: object
    try:
        answer = run(job, state, send)
    except TortureError as error:
        answer = error if isinstance(error, UsageError) else InternalError(str(error))
    except Exception:
        import traceback

        answer = InternalError(traceback.format_exc())
    send(answer)


def _die_with_the_parent(pipe: int, *, wanted: bool) -> None:
    """Have the system end this process when nobody can read its answer any more: SIGIO does, whatever runs then."""
    flags = fcntl.fcntl(pipe, fcntl.F_GETFL)
    asynchronous = getattr(os, "O_ASYNC", getattr(fcntl, "FASYNC", 0))
    fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETFL, flags | asynchronous if wanted else flags & ~asynchronous)
    poller = select.poll()
    poller.register(pipe, 0)
    if wanted and poller.poll(0):  # it was killed before that
        os._exit(1)
