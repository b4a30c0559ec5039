"""The three ways to get a call to its recipient, and to nobody else (the document's rule).

Queues: each server has an inbox and a thread. Dispatcher: all calls go through one central thread that routes
them to the servers' inboxes. Futures: no standing threads; a call to an idle server starts one, which ends
when nothing is left to do. In all three a server carries out one call at a time, in the order of arrival.
"""

from __future__ import annotations

import threading
from collections import deque
from enum import StrEnum
from typing import Protocol

from mcp_reference.router.call import Call, Server
from mcp_reference.router.inbox import Inbox


class Strategy(StrEnum):
    """The document's approaches 1, 2 and 3."""

    QUEUES = "queues"
    DISPATCHER = "dispatcher"
    FUTURES = "futures"


class Recipient(Protocol):
    """Takes the calls of one server."""

    @property
    def server(self) -> Server:
        """Return whose calls these are."""

    def deliver(self, call: Call) -> bool:
        """Accept ``call``, or return False when closed; what was accepted gets its Future settled."""

    def close(self) -> None:
        """Accept nothing more; carry out what was accepted."""

    def discard(self) -> list[Call]:
        """Close, and return what was accepted and not begun."""

    def join(self, timeout: float | None = None) -> bool:
        """Wait until a closed recipient has finished; False when ``timeout`` seconds were not enough."""


class Delivery(Protocol):
    """Makes recipients."""

    def recipient(self, server: Server) -> Recipient:
        """Start to serve."""

    def close(self) -> None:
        """End what the recipients share; after they finished or were told to discard."""


class QueueRecipient:
    """Approach 1: an inbox of its own and a thread that serves it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._inbox: Inbox[Call] = Inbox()
        self._thread = threading.Thread(target=self._serve, name=f"server-{server.name}", daemon=True)
        self._thread.start()

    def deliver(self, call: Call) -> bool:
        return self._inbox.put(call)

    def close(self) -> None:
        self._inbox.close()

    def discard(self) -> list[Call]:
        return self._inbox.discard()

    def join(self, timeout: float | None = None) -> bool:
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _serve(self) -> None:
        while (call := self._inbox.get()) is not None:
            call.run()


class RoutedRecipient:
    """Approach 2, one server: calls, and the request to close behind them, go through the dispatcher."""

    def __init__(self, recipient: QueueRecipient, routes: Inbox[tuple[QueueRecipient, Call | None]]) -> None:
        self.server = recipient.server
        self._recipient = recipient
        self._routes = routes
        self._lock = threading.Lock()  # no call gets behind the request to close, where it would be refused
        self._closed = False

    def deliver(self, call: Call) -> bool:
        with self._lock:
            return not self._closed and self._routes.put((self._recipient, call))

    def close(self) -> None:
        with self._lock:
            if not self._closed:
                self._closed = True
                self._routes.put((self._recipient, None))

    def discard(self) -> list[Call]:
        with self._lock:
            self._closed = True
        return self._recipient.discard()  # the dispatcher answers those that it still holds

    def join(self, timeout: float | None = None) -> bool:
        return self._recipient.join(timeout)


class FutureRecipient:
    """Approach 3: a thread exists only while there are calls; answers come by the Futures' callbacks."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._idle = threading.Condition(threading.Lock())
        self._calls: deque[Call] = deque()
        self._active = False  # a thread drains the calls
        self._closed = False

    def deliver(self, call: Call) -> bool:
        with self._idle:
            if self._closed:
                return False
            if not self._active:
                threading.Thread(target=self._drain, name=f"server-{self.server.name}", daemon=True).start()
                self._active = True
            self._calls.append(call)  # after start(), which may raise; the thread waits for the lock
            return True

    def close(self) -> None:
        with self._idle:
            self._closed = True

    def discard(self) -> list[Call]:
        with self._idle:
            self._closed = True
            calls = list(self._calls)
            self._calls.clear()
            return calls

    def join(self, timeout: float | None = None) -> bool:
        with self._idle:
            return self._idle.wait_for(lambda: not self._active, timeout)

    def _drain(self) -> None:
        while True:
            with self._idle:
                if not self._calls:
                    self._active = False
                    self._idle.notify_all()
                    return
                call = self._calls.popleft()
            call.run()


class Queues:
    """Approach 1."""

    def recipient(self, server: Server) -> Recipient:
        return QueueRecipient(server)

    def close(self) -> None:
        pass


class Dispatcher:
    """Approach 2: one thread routes every call."""

    def __init__(self) -> None:
        self._routes: Inbox[tuple[QueueRecipient, Call | None]] = Inbox()
        self._thread = threading.Thread(target=self._route, name="dispatcher", daemon=True)
        self._thread.start()

    def recipient(self, server: Server) -> Recipient:
        return RoutedRecipient(QueueRecipient(server), self._routes)

    def close(self) -> None:
        self._routes.close()
        if threading.current_thread() is not self._thread:  # as it is in a callback of a call that it answers
            self._thread.join()

    def _route(self) -> None:
        while (route := self._routes.get()) is not None:
            recipient, call = route
            if call is None:
                recipient.close()
            elif not recipient.deliver(call):
                call.fail("the server was removed")


class Futures:
    """Approach 3."""

    def recipient(self, server: Server) -> Recipient:
        return FutureRecipient(server)

    def close(self) -> None:
        pass


def delivery(strategy: Strategy) -> Delivery:
    """Make the delivery of ``strategy``."""
    makers: dict[Strategy, type[Queues | Dispatcher | Futures]] = {
        Strategy.QUEUES: Queues,
        Strategy.DISPATCHER: Dispatcher,
        Strategy.FUTURES: Futures,
    }
    return makers[strategy]()
