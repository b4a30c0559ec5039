"""Sockets, servers, selectors, pipes and file locks: what waits for the operating system."""

import contextlib
import fcntl
import http.server
import os
import select
import selectors
import socket
import socketserver
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator


def _together(*functions: Callable[[], object]) -> None:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def echo_server() -> None:
    answers: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for _ in range(2):
                connection, _ = server.accept()
                with connection:
                    connection.sendall(connection.recv(100).upper())

        def ask(question: bytes) -> None:
            with socket.create_connection(server.getsockname()) as connection:
                connection.sendall(question)
                answers.append(connection.recv(100))

        _together(serve, lambda: ask(b"a"), lambda: ask(b"b"))
    assert sorted(answers) == [b"A", b"B"]


def more_than_the_buffers_hold() -> None:
    one, other = socket.socketpair()
    received = bytearray()

    def receive() -> None:
        while part := other.recv(1 << 16):
            received.extend(part)

    def send() -> None:
        one.sendall(b"x" * 1_000_000)
        one.shutdown(socket.SHUT_WR)

    with one, other:
        _together(receive, send)
    assert len(received) == 1_000_000


def timeouts() -> None:
    one, other = socket.socketpair()
    seen: list[str] = []

    def wait() -> None:
        one.settimeout(0.01)
        try:
            one.recv(1)
        except TimeoutError:
            seen.append("time-out")

    with one, other:
        _together(wait, lambda: seen.append("other"))
    assert sorted(seen) == ["other", "time-out"]


def non_blocking() -> None:
    one, other = socket.socketpair()
    seen: list[object] = []

    def look() -> None:
        one.setblocking(False)
        try:
            one.recv(1)
        except BlockingIOError:
            seen.append("nothing yet")

    with one, other:
        _together(look, lambda: seen.append("other"))
        other.send(b"x")
        assert one.recv(1) == b"x"
    assert set(seen) == {"nothing yet", "other"}


def datagrams() -> None:
    received: list[bytes] = []
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(type=socket.SOCK_DGRAM) as client,
    ):
        server.bind(("127.0.0.1", 0))
        _together(
            lambda: received.append(server.recvfrom(10)[0]),
            lambda: client.sendto(b"hi", server.getsockname()),
        )
    assert received == [b"hi"]


class _Upper(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(self.rfile.readline().upper())


def servers_with_a_thread_for_each_request() -> None:
    answers: list[bytes] = []
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Upper) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()

        def ask(question: bytes) -> None:
            with socket.create_connection(server.server_address) as connection:
                connection.sendall(question + b"\n")
                answers.append(connection.makefile("rb").readline())

        _together(lambda: ask(b"a"), lambda: ask(b"b"))
        server.shutdown()
        serving.join()
    assert sorted(answers) == [b"A\n", b"B\n"]


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, *_: object) -> None:
        pass


def http_server_and_client() -> None:
    pages: list[bytes] = []
    with http.server.HTTPServer(("127.0.0.1", 0), _Page) as server:

        def fetch() -> None:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/page") as answer:
                pages.append(answer.read())

        _together(server.handle_request, fetch)
    assert pages == [b"/page"]


def selecting() -> None:
    one, other = socket.socketpair()
    seen: list[object] = []

    def wait() -> None:
        assert select.select([one], [], [], 0)[0] in ([], [one])
        readable, writable, _ = select.select([one], [], [])
        seen.append((readable == [one], writable, one.recv(5)))

    with one, other:
        _together(wait, lambda: other.send(b"hello"))
        assert select.select([one], [other], [], 0.01)[:2] == ([], [other])
    assert seen == [(True, [], b"hello")]


def selectors_of_every_kind() -> None:
    for kind in (selectors.DefaultSelector, selectors.SelectSelector, selectors.PollSelector):
        one, other = socket.socketpair()
        seen: list[str] = []

        def wait() -> None:
            with kind() as selector:  # noqa: B023
                selector.register(one, selectors.EVENT_READ, "data")  # noqa: B023
                seen.extend(key.data for key, _ in selector.select())  # noqa: B023
                assert selector.select(timeout=0.01)

        with one, other:
            _together(wait, lambda: other.send(b"x"))  # noqa: B023
        assert seen == ["data"]


@contextlib.contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    try:
        yield reading, writing
    finally:
        os.close(reading)
        os.close(writing)


def pipes() -> None:
    got: list[bytes] = []
    with _pipe() as (reading, writing):

        def read() -> None:
            while len(b"".join(got)) < 2:
                got.append(os.read(reading, 1))

        _together(read, lambda: [os.write(writing, letter) for letter in (b"a", b"b")])
    assert got == [b"a", b"b"]


def file_locks() -> None:
    total = [0]
    with tempfile.NamedTemporaryFile() as shared:

        def add() -> None:
            with open(shared.name, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                total[0] = total[0] + 1
                fcntl.flock(file, fcntl.LOCK_UN)

        _together(add, add)
    assert total == [2]


def polled_descriptors() -> None:
    seen: list[bytes] = []
    one, other = socket.socketpair()

    def wait() -> None:
        poller = select.poll()
        poller.register(other, select.POLLIN)
        assert not poller.poll(0) or poller.poll()
        assert poller.poll(60_000) == [(other.fileno(), select.POLLIN)]
        with select.epoll() as epoll:
            epoll.register(other.fileno(), select.EPOLLIN)
            assert epoll.poll() == [(other.fileno(), select.EPOLLIN)]
        seen.append(other.recv(1))

    with one, other:
        _together(wait, lambda: one.sendall(b"x"))
    assert seen == [b"x"]
