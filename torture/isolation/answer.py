"""The worker's half: runs a job and sends its result, or what went wrong, to the parent."""

from __future__ import annotations

import faulthandler
import os
import pickle
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
    faulthandler.enable()
    faulthandler.register(DUMP, all_threads=True)

    def send(answer: object) -> None:
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
