"""One call: what was asked, of whom, and the Future that belongs to this call alone."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from mcp_reference.router.errors import RemoteError, ServerStopped

Arguments = dict[str, Any]
Handler = Callable[[str, Arguments], Any]  # (function, arguments) -> response; one call at a time

_log = logging.getLogger(__name__)
_thread = threading.local()


@dataclass(frozen=True, slots=True, eq=False)
class Server:
    """A registered server; another one of the same name is another server."""

    name: str
    handler: Handler


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A request under way. ``id`` (the correlation id) is unique in its manager and stands in every error."""

    id: int
    server: Server
    function: str
    args: Arguments
    future: Future[Any] = field(default_factory=Future)

    def __str__(self) -> str:
        return f"call {self.id} to {self.server.name}.{self.function}"

    def run(self) -> None:
        """Carry out the call and settle its Future; nothing that the handler raises gets out.

        Not even SystemExit: the thread serves other callers, who would wait for ever.
        """
        if not self.future.set_running_or_notify_cancel():
            return
        outer = serving()
        _thread.server = self.server
        try:
            response = self.server.handler(self.function, self.args)
        except BaseException as error:  # see above
            failure = RemoteError(f"{self}: {type(error).__name__}: {error}")
            failure.__cause__ = error
            self._settle(None, failure)
        else:
            self._settle(response, None)
        finally:
            _thread.server = outer

    def fail(self, reason: str) -> None:
        """Answer with ServerStopped, unless the caller gave up already."""
        if self.future.set_running_or_notify_cancel():
            self._settle(None, ServerStopped(f"{self}: {reason}"))

    def _settle(self, response: Any, error: Exception | None) -> None:
        try:
            if error is None:
                self.future.set_result(response)
            else:
                self.future.set_exception(error)
        except BaseException:  # from a callback; the Future is settled, this thread has more to do
            _log.exception("a callback of %s raised", self)


def serving() -> Server | None:
    """Return the server whose handler runs on this thread, or None."""
    return getattr(_thread, "server", None)
