"""What can go wrong with ports and transports; all are RuntimeErrors, as the original's are."""

from __future__ import annotations


class TransportError(RuntimeError):
    """Any of the errors below."""


class PortsExhausted(TransportError):
    """Every port of the range is taken; the message says what to do."""


class NotReady(TransportError):
    """The HTTP transport did not start; its own error is the cause, where it had one."""
