"""The worker process: runs one job and sends its result to the parent, see supervisor.py."""

from __future__ import annotations

import sys

from torture.exploration.job import Job
from torture.isolation.answer import Send, serve
from torture.isolation.state import State


def _run(text: str, state: State, _send: Send) -> object:
    job = Job.from_json(text)
    from torture.exploration.loop import explore
    from torture.exploration.session import Session
    from torture.exploration.watch import Watch

    Watch(state)
    if job.token is not None:
        from torture.exploration.token import Token

        token = Token.decode(job.token)
        if job.export is not None:
            from torture.exploration.export import export

            return export(job, token, state.ready)
        from torture.exploration.replay import replay

        return replay(job, token, state.ready)
    return explore(Session(job, imported=state.ready), state.tell)


if __name__ == "__main__":
    serve(sys.argv[1:], _run)
