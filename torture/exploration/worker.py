"""The worker process: runs one job and sends its result to the parent.

Started by supervisor.py as ``python -m torture.exploration.worker JOB RESULT_FD STATE_FD``, with a fixed hash seed.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import signal
import sys

from torture.errors import InternalError, TortureError, UsageError
from torture.exploration.job import Job
from torture.exploration.state import DUMP, State


def main(arguments: list[str]) -> None:
    """Run the job; whatever goes wrong in torture itself is sent as an error."""
    job = Job.from_json(arguments[0])
    results = os.fdopen(int(arguments[1]), "wb")
    answer: object
    try:
        answer = _run(job, int(arguments[2]))
    except TortureError as error:
        answer = error if isinstance(error, UsageError) else InternalError(str(error))
    except Exception:
        import traceback

        answer = InternalError(traceback.format_exc())
    pickle.dump(answer, results)
    results.flush()
    os._exit(0)  # threads that the code under test left behind must not keep the process


def _run(job: Job, descriptor: int) -> object:
    state = State(descriptor)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business: it ends us
    faulthandler.enable()
    faulthandler.register(DUMP, all_threads=True)
    from torture.exploration.loop import explore
    from torture.exploration.session import Session
    from torture.exploration.watch import Watch

    Watch(state)
    if job.token is not None:
        from torture.exploration.replay import replay
        from torture.exploration.token import Token

        return replay(job, Token.decode(job.token), state.ready)
    return explore(Session(job, imported=state.ready), state.tell)


if __name__ == "__main__":
    main(sys.argv[1:])
