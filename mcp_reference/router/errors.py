"""Every exception the router raises."""

from __future__ import annotations


class RouterError(Exception):
    """Base of what the router raises on purpose."""


class UnknownServer(RouterError):
    """No server of that name is registered (now): check the name, or add it first."""


class ServerStopped(RouterError):
    """The server was removed, or the manager stopped, before the call was carried out."""


class CallTimeout(RouterError, TimeoutError):
    """No answer came in time. A call that had not begun is withdrawn, one that had begun runs on."""


class RemoteError(RouterError):
    """The server's handler raised; ``__cause__`` is what it raised."""


class CallCycle(RouterError):
    """A handler would wait, directly or through other servers, for its own server: that would never end."""


class PermissionDenied(RouterError):
    """A tool under manual permission was not confirmed."""
