"""Routing: every message reaches its recipient, and every answer the caller who asked.

The document's rule is that no two recipients compete for one queue. Its own "better" example breaks the same rule
for the answers, which all callers take from one queue; here each call has a Future of its own.
``published`` holds the document's two managers and upstream's way to stop.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from mcp_reference.router.call import Arguments, Call, Handler, Server, serving
from mcp_reference.router.delivery import Recipient, Strategy, delivery
from mcp_reference.router.errors import (
    CallCycle,
    CallTimeout,
    PermissionDenied,
    RemoteError,
    RouterError,
    ServerStopped,
    UnknownServer,
)
from mcp_reference.router.tools import LIST_TOOLS, Permission, tool_handler

__all__ = [
    "CallCycle",
    "CallTimeout",
    "Handler",
    "McpManager",
    "Permission",
    "PermissionDenied",
    "RemoteError",
    "RouterError",
    "Server",
    "ServerStopped",
    "Strategy",
    "UnknownServer",
    "tool_handler",
]

Confirm = Callable[[str, str, Arguments], bool]  # (server, tool, arguments)


class McpManager:
    """Servers by name, and calls to them, from any thread.

    A server's handler gets one call at a time (document: ``_server_loop``), in the order of arrival. Its answer,
    None included, is what :meth:`call` (``_call``) returns; everything else is an exception. Each call that was accepted is
    carried out once, or its Future says why not. ``confirm`` decides on tools under manual permission.
    All timeouts are in seconds.
    """

    def __init__(self, strategy: Strategy | str = Strategy.QUEUES, *, confirm: Confirm | None = None) -> None:
        self._delivery = delivery(Strategy(strategy))
        self._confirm = confirm
        self._lock = threading.Lock()  # guards all below; never held while a handler or callback runs
        self._recipients: dict[str, Recipient] = {}
        self._tools: dict[str, tuple[str, ...]] = {}
        self._waits: dict[
            Server, Server
        ] = {}  # whose handler waits for whom: one entry for each, as it is serial
        self._calls = 0
        self._stopped = False

    def add_server(self, name: str, handler: Handler) -> bool:
        """Register ``handler`` and start to serve, or return False when the name is taken.

        Raise ServerStopped after :meth:`stop`.
        """
        with self._lock:
            self._refuse_when_stopped()
            if name in self._recipients:
                return False
            self._recipients[name] = self._delivery.recipient(Server(name, handler))
            return True

    def remove_server(self, name: str, *, drain: bool = True, timeout: float | None = None) -> bool:
        """Unregister a server, and wait until it finished the calls it accepted.

        With ``drain`` off, and for what is not begun after ``timeout``, the callers get ServerStopped. Return
        False when a handler still ran after ``timeout``. Raise UnknownServer, or CallCycle from a handler
        that the server waits for.
        """
        with self._lock:
            recipient = self._registered(name)
        with self._waiting_for(recipient.server):
            with self._lock:
                if self._registered(name) is not recipient:
                    raise UnknownServer(f"server {name!r} was replaced meanwhile")
                del self._recipients[name]
                self._tools.pop(name, None)
                pending = _close([recipient], drain=drain)
            return _finish([recipient], pending, timeout)

    def get_server(self, name: str) -> Server:
        """Return a server by name, or raise UnknownServer."""
        with self._lock:
            return self._registered(name).server

    def list_servers(self) -> list[str]:
        """Return the names at this moment, in the order of registration; none after :meth:`stop`."""
        with self._lock:
            return [] if self._stopped else list(self._recipients)

    def list_tools(self) -> dict[str, list[str]]:
        """Return the tools discovered so far, by server."""
        with self._lock:
            return {name: list(tools) for name, tools in self._tools.items()}

    def discover_tools(self, server: str, timeout: float | None = None) -> list[str]:
        """Ask a server for its tools (``tools/list``), remember and return their names; raise as :meth:`call`."""
        asked = self.get_server(server)
        answer = self.call(server, LIST_TOOLS, timeout=timeout)
        if not isinstance(answer, Sequence) or not all(isinstance(name, str) for name in answer):
            raise RemoteError(f"server {server!r} answered {LIST_TOOLS} with {answer!r}; names are expected")
        with self._lock:
            recipient = self._recipients.get(server)
            if recipient is not None and recipient.server is asked:  # not removed or replaced meanwhile
                self._tools[server] = tuple(answer)
        return list(answer)

    def execute_tool(
        self,
        server: str,
        tool: str,
        args: Mapping[str, Any] | None = None,
        *,
        permission: Permission | str = Permission.MANUAL,
        timeout: float | None = None,
    ) -> Any:
        """Call a tool, under manual permission only if ``confirm`` says True; else raise PermissionDenied."""
        if Permission(permission) is Permission.MANUAL:
            confirmed = self._confirm is not None and self._confirm(server, tool, dict(args or {}))
            if not confirmed:
                raise PermissionDenied(f"tool {server}.{tool} was not confirmed")
        return self.call(server, tool, args, timeout)

    def call(
        self, server: str, function: str, args: Mapping[str, Any] | None = None, timeout: float | None = None
    ) -> Any:
        """Call ``function`` and return its answer.

        Raise UnknownServer, ServerStopped, CallTimeout, RemoteError when the handler raised, or CallCycle
        from a handler that the server waits for (a cycle through the handler of another manager is not seen).
        """
        recipient, call = self._new_call(server, function, args)
        with self._waiting_for(recipient.server):
            _deliver(recipient, call)
            try:
                return call.future.result(timeout)
            except TimeoutError:  # never the handler's own, that comes as RemoteError
                raise CallTimeout(f"{call}: no answer within {timeout} s") from None
            finally:
                call.future.cancel()  # after a timeout or Ctrl-C: do not begin; no effect on a settled call

    def call_async(self, server: str, function: str, args: Mapping[str, Any] | None = None) -> Future[Any]:
        """Start a call and return its Future; callbacks run on the server's thread.

        Raise UnknownServer or ServerStopped at once; all else comes through the Future. A handler must not wait
        for a Future of its own server: unlike :meth:`call` that is not detected.
        """
        recipient, call = self._new_call(server, function, args)
        _deliver(recipient, call)
        return call.future

    def stop(self, *, drain: bool = True, timeout: float | None = None) -> bool:
        """Refuse new servers and calls, and end all servers; may be repeated, also by several threads.

        ``drain``, ``timeout`` and the answer are as in :meth:`remove_server`. Raise CallCycle from a handler.
        """
        mine = serving()
        with self._lock:
            recipients = list(self._recipients.values())
            if any(recipient.server is mine for recipient in recipients):
                raise CallCycle("a handler cannot stop its own manager: it would wait for itself")
            self._stopped = True
            pending = _close(recipients, drain=drain)
        finished = _finish(recipients, pending, timeout)
        self._delivery.close()
        return finished

    def _refuse_when_stopped(self) -> None:
        if self._stopped:
            raise ServerStopped("the manager was stopped")

    def _registered(self, name: str) -> Recipient:
        """Return a recipient; the lock is held."""
        self._refuse_when_stopped()
        try:
            return self._recipients[name]
        except KeyError:
            known = ", ".join(self._recipients) or "none"
            raise UnknownServer(f"server {name!r} is unknown; registered: {known}") from None

    def _new_call(self, server: str, function: str, args: Mapping[str, Any] | None) -> tuple[Recipient, Call]:
        with self._lock:
            recipient = self._registered(server)
            self._calls += 1
            return recipient, Call(self._calls, recipient.server, function, dict(args or {}))

    @contextmanager
    def _waiting_for(self, server: Server) -> Iterator[None]:
        """Note that this thread's handler waits for ``server``, or raise CallCycle if that would close a cycle."""
        mine = serving()
        if mine is None:
            yield
            return
        with self._lock:
            step: Server | None = server
            while step is not None:
                if step is mine:
                    raise CallCycle(
                        f"the handler of {mine.name!r} would wait for itself, through {server.name!r}"
                    )
                step = self._waits.get(step)
            self._waits[mine] = server
        try:
            yield
        finally:
            with self._lock:
                del self._waits[mine]


def _deliver(recipient: Recipient, call: Call) -> None:
    if not recipient.deliver(call):
        raise ServerStopped(f"{call}: the server was removed")


def _close(recipients: list[Recipient], *, drain: bool) -> list[Call]:
    """Close recipients, and return what is not to be carried out.

    The manager's lock is held: what the recipients share is closed only after each of them.
    """
    pending: list[Call] = []
    for recipient in recipients:
        if drain:
            recipient.close()
        else:
            pending += recipient.discard()
    return pending


def _finish(recipients: list[Recipient], pending: list[Call], timeout: float | None) -> bool:
    """Fail pending calls, wait for closed recipients, and fail what they could not begin in time."""
    _fail(pending)
    deadline = None if timeout is None else time.monotonic() + timeout
    joined = [recipient.join(_until(deadline)) for recipient in recipients]
    for recipient, done in zip(recipients, joined, strict=True):
        if not done:
            _fail(recipient.discard())
    return all(joined)


def _until(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def _fail(calls: list[Call]) -> None:
    for call in calls:
        call.fail("the server was stopped")
