"""The managers as published. Faults are kept on purpose: do not use, do not mend.

Left out of the document's code: the ``io`` and ``loop`` arguments, which it does not use. Added, because it only
names them: the handler that processes a message, the server's thread, and :meth:`remove_server`.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from typing import Any

from mcp_reference.router.call import Arguments, Handler


@dataclass(frozen=True, slots=True)
class McpServer:
    """A server as its thread knows it."""

    name: str
    handler: Handler


@dataclass(frozen=True, slots=True)
class CallArguments:
    """The document's message."""

    server_name: str
    function: str
    args: Arguments


@dataclass(frozen=True, slots=True)
class CallResult:
    """The document's ``result``."""

    response: Any
    error: Exception | None = None


def _process(server: McpServer, msg: CallArguments) -> CallResult:
    try:
        return CallResult(server.handler(msg.function, msg.args))
    except Exception as error:  # as published
        return CallResult(None, error)


class SharedQueueManager:
    """The document's problematic code: all servers take from one queue.

    Row 4.1: a server that takes another's message discards it, and its caller waits for ever. So does the caller of a
    server that nobody is, the "continue" of row 4.4.
    """

    def __init__(self) -> None:
        self.message_queue: queue.Queue[CallArguments] = queue.Queue()
        self.result_queue: queue.Queue[CallResult] = queue.Queue()

    def add_server(self, server_name: str, handler: Handler) -> None:
        """Start a server's thread."""
        threading.Thread(
            target=self._server_loop, args=(McpServer(server_name, handler),), daemon=True
        ).start()

    def call(self, server_name: str, function: str, args: Arguments = {}) -> Any:  # as published
        """Call a function (document: ``_call``)."""
        self.message_queue.put(CallArguments(server_name, function, args))
        result = self.result_queue.get()
        return result.response

    def _server_loop(self, server: McpServer) -> None:
        while True:
            msg = self.message_queue.get()
            if msg.server_name != server.name:
                self.message_queue.task_done()
                continue
            self.result_queue.put(_process(server, msg))
            self.message_queue.task_done()


class ResultQueueManager:
    """The document's "better implementation": a queue for each server, and one for all results.

    Row 4.2: callers take each other's results. 4.3: the result of a call that was given up is taken by
    the next. 4.4: an unknown server answers None. 4.5: the result's error is not looked at. 4.6: a second
    ``add_server`` replaces the queue that the server's thread holds. 4.7: the server can go between the membership
    test and the put. 4.9: the server's thread can die, and its callers wait. 4.13: all calls without arguments share one dict.
    """

    def __init__(self) -> None:
        self.server_queues: dict[str, queue.Queue[CallArguments | None]] = {}
        self.result_queue: queue.Queue[CallResult] = queue.Queue()
        self._threads: dict[str, threading.Thread] = {}

    def add_server(self, server_name: str, handler: Handler) -> None:
        """Make a server's queue; start its thread if there is none."""
        self.server_queues[server_name] = queue.Queue()
        if server_name not in self._threads:
            server = McpServer(server_name, handler)
            thread = threading.Thread(target=self._server_loop, args=(server,), daemon=True)
            self._threads[server_name] = thread
            thread.start()

    def remove_server(self, server_name: str) -> None:
        """Take a server's queue away and end its thread."""
        self.server_queues.pop(server_name).put(None)
        self._threads.pop(server_name)

    def call(
        self,
        server_name: str,
        function: str,
        args: Arguments = {},  # as published
        timeout: float | None = None,
    ) -> Any:
        """Call a function (document: ``_call``); raise queue.Empty when given up after ``timeout`` seconds."""
        if server_name in self.server_queues:
            self.server_queues[server_name].put(CallArguments(server_name, function, args))
            result = self.result_queue.get(timeout=timeout)
            return result.response
        return None

    def _server_loop(self, server: McpServer) -> None:
        server_queue = self.server_queues[server.name]
        while (msg := server_queue.get()) is not None:
            self.result_queue.put(_process(server, msg))


class OneExitManager:
    """Upstream's start and stop [R], on the shared queue.

    Row 4.8: ``stop`` sends one "exit", which ends one of the servers' threads; the others are not daemons, and the join of
    them never returns. With one server all is well. Stopped before the start, join raises.
    """

    def __init__(self) -> None:
        self.message_queue: queue.Queue[CallArguments | str] = queue.Queue()
        self.result_queue: queue.Queue[CallResult] = queue.Queue()
        self._threads: list[threading.Thread] = []

    def add_server(self, server_name: str, handler: Handler) -> None:
        """Start a server's thread."""
        self._threads.append(
            threading.Thread(target=self._server_loop, args=(McpServer(server_name, handler),))
        )
        self._threads[-1].start()

    def stop(self) -> None:
        """End all servers' threads."""
        self.message_queue.put("exit")
        for thread in self._threads:
            thread.join()

    def _server_loop(self, server: McpServer) -> None:
        while True:
            msg = self.message_queue.get()
            if isinstance(msg, str):
                break
            if msg.server_name == server.name:
                self.result_queue.put(_process(server, msg))
            self.message_queue.task_done()
