"""A server of tools by JSON-RPC 2.0: one registry for lines on stdio and for requests by HTTP."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from typing import Any, TextIO

MALFORMED, INVALID, UNKNOWN_METHOD, BAD_PARAMETERS, FAILED = -32700, -32600, -32601, -32602, -32000
_LONGEST = 1 << 20  # bytes of a request


class ToolServer:
    """A :class:`mcp_reference.transport.Server`; the registry is copied, and cannot change while it serves."""

    def __init__(
        self,
        tools: Mapping[str, Callable[..., Any]],
        lines_in: Iterable[str] | None = None,
        lines_out: TextIO | None = None,
    ) -> None:
        self._tools = dict(tools)
        self._in = sys.stdin if lines_in is None else lines_in
        self._out = sys.stdout if lines_out is None else lines_out
        self._lock = threading.Lock()  # guards the two below
        self._http: _HttpServer | None = None
        self._stopped = False

    def answer(self, text: str | bytes) -> str | None:
        """Return the response to a request, None to a notification."""
        try:
            request = json.loads(text)
        except (ValueError, RecursionError):
            return _response(None, error=(MALFORMED, "not JSON"))
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            return _response(None, error=(INVALID, "not a request"))
        try:
            response = _response(request.get("id"), self._result(request["method"], request.get("params")))
        except _Refused as refused:
            response = _response(request.get("id"), error=refused.args)
        except Exception as error:  # a tool may raise what it likes
            response = _response(request.get("id"), error=(FAILED, f"{type(error).__name__}: {error}"))
        return response if "id" in request else None

    def serve_stdio(self) -> None:
        """Answer line by line, until the input ends."""
        for line in self._in:
            response = self.answer(line)
            if response is not None:
                self._out.write(response + "\n")
                self._out.flush()

    def serve_http(self, listener: socket, path: str, instance: str, ready: Callable[[], None]) -> None:
        """Answer requests, each on a thread of its own; see :class:`mcp_reference.transport.Server`."""
        with self._lock:
            if self._stopped:
                listener.close()
                return
            self._http = server = _HttpServer(listener, path, instance, self.answer)
        with server:  # its end waits for the requests that are being answered
            ready()
            server.serve_forever(poll_interval=0.05)

    def stop(self) -> None:
        """End :meth:`serve_http`."""
        with self._lock:
            self._stopped = True
            server = self._http
        if server is not None:
            server.shutdown()

    def _result(self, method: str, parameters: Any) -> Any:
        if method == "tools/list":
            return {"tools": [{"name": name} for name in self._tools]}
        if method != "tools/call":
            raise _Refused(UNKNOWN_METHOD, f"method {method!r} is unknown")
        if not isinstance(parameters, dict) or parameters.get("name") not in self._tools:
            raise _Refused(BAD_PARAMETERS, f"no such tool; there are {', '.join(self._tools) or 'none'}")
        return self._tools[parameters["name"]](**parameters.get("arguments", {}))


class _Refused(Exception):
    """Code and text of a JSON-RPC error."""


def _response(number: Any, result: Any = None, error: tuple[Any, ...] | None = None) -> str:
    outcome = {"result": result} if error is None else {"error": {"code": error[0], "message": error[1]}}
    return json.dumps({"jsonrpc": "2.0", "id": number, **outcome})


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = False  # or the end would not wait for them

    def __init__(
        self, listener: socket, path: str, instance: str, answer: Callable[[bytes], str | None]
    ) -> None:
        super().__init__(listener.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener  # bound and listening: nobody else can have the port
        self.path = path
        self.identity = json.dumps({"instance": instance})
        self.answer = answer


class _Handler(BaseHTTPRequestHandler):
    server: _HttpServer
    timeout = 5.0  # seconds for a request to arrive; one that never does would hold up the end

    def do_GET(self) -> None:
        self._reply(self.server.identity if self.path == self.server.path else None)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if self.path != self.server.path:
            self._reply(None)
        elif not length.isdecimal() or int(length) > _LONGEST:
            self._reply("", HTTPStatus.BAD_REQUEST)
        else:
            response = self.server.answer(self.rfile.read(int(length)))
            self._reply(response or "", HTTPStatus.OK if response else HTTPStatus.ACCEPTED)

    def _reply(self, text: str | None, status: HTTPStatus = HTTPStatus.OK) -> None:
        content = (text or "").encode()
        self.send_response(HTTPStatus.NOT_FOUND if text is None else status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: stdout and stderr belong to the other transport."""
