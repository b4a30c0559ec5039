"""Sockets and selectors: they wait in the kernel, like blocking.py's calls. Imported only where a program has them."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable
from typing import Any

from torture.runtime.blocking import (
    DESCRIPTORS,
    READABLE,
    WRITABLE,
    announce,
    plain_epoll,
    plain_poll,
    plain_select,
    ready_for,
)
from torture.runtime.kernel import KERNEL


def _socket_method(name: str, events: int) -> Callable[..., Any]:
    original = getattr(socket.socket, name)

    def method(self: socket.socket, *args: Any, **kwargs: Any) -> Any:
        if not KERNEL.controls():
            return original(self, *args, **kwargs)
        announce(self)
        timeout = self.gettimeout()
        waits = timeout != 0 and self.fileno() >= 0
        if waits and not DESCRIPTORS.wait(ready_for([(self.fileno(), events)]), self, timeout):
            raise TimeoutError("timed out")
        result = original(self, *args, **kwargs)
        DESCRIPTORS.changed()
        return result

    method.__name__ = method.__qualname__ = name
    return method


_original_send = socket.socket.send


def _sendall(self: socket.socket, data: Any, flags: int = 0) -> None:
    """Send in pieces, waiting for room between them."""
    if not KERNEL.controls():
        _original_sendall(self, data, flags)
        return
    announce(self)
    left = memoryview(data).cast("B")
    while True:
        if not DESCRIPTORS.wait(ready_for([(self.fileno(), WRITABLE)]), self, self.gettimeout()):
            raise TimeoutError("timed out")
        try:
            left = left[_original_send(self, left, flags | socket.MSG_DONTWAIT) :]
        except BlockingIOError:
            continue
        DESCRIPTORS.changed()
        if not left:
            return


_original_sendall = socket.socket.sendall


def _plain_socket_method(name: str) -> Callable[..., Any]:
    original = getattr(socket.socket, name)

    def method(self: socket.socket, *args: Any, **kwargs: Any) -> Any:
        if not KERNEL.controls():
            return original(self, *args, **kwargs)
        announce(self)
        result = original(self, *args, **kwargs)
        DESCRIPTORS.changed()
        return result

    method.__name__ = method.__qualname__ = name
    return method


def _selector_method(original: Callable[..., Any]) -> Callable[..., Any]:
    def select_hybrid(self: Any, timeout: float | None = None) -> Any:
        if not KERNEL.controls():
            return original(self, timeout)
        announce(self)
        DESCRIPTORS.wait(lambda: bool(original(self, 0)), self, timeout)
        return original(self, 0)

    return select_hybrid


def install() -> None:
    """Replace the methods of sockets and selectors, for existing objects and subclasses too."""
    kind: Any = socket.socket
    for name in ("recv", "recv_into", "recvfrom", "recvfrom_into", "_accept"):
        setattr(kind, name, _socket_method(name, READABLE))
    for name in ("send", "sendto"):
        setattr(kind, name, _socket_method(name, WRITABLE))
    for name in ("connect", "connect_ex", "bind", "listen", "shutdown"):
        setattr(kind, name, _plain_socket_method(name))
    kind.sendall = _sendall
    # Its class took ``select.select`` when it was made: perhaps the hybrid, which it would call as a method.
    selectors.SelectSelector._select = staticmethod(plain_select)  # type: ignore[attr-defined]
    for selector, plain in (("EpollSelector", plain_epoll), ("PollSelector", plain_poll)):
        if hasattr(selectors, selector):  # its ``select`` waits in the kernel itself
            getattr(selectors, selector)._selector_cls = plain
    for selector in ("EpollSelector", "PollSelector", "SelectSelector"):
        cls: Any = getattr(selectors, selector, None)
        if cls is not None:
            cls.select = _selector_method(cls.select)
