"""Ports, state file and transports: hardened they hold on threads and in processes; published they fail by hand."""

from __future__ import annotations

import io
import json
import os
import queue
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mcp_reference.transport import (
    NotReady,
    PortLease,
    PortManager,
    PortsExhausted,
    ProjectInfoDiscovery,
    QueryAngle,
    QueryTracker,
    ToolServer,
    TransportConfig,
    TransportManager,
    asked_instance,
    get_tracker,
    lease,
    lease_port,
    process,
    published,
)

ROOT = Path(__file__).parents[2]
LIMIT = 30.0  # seconds after which a test gives up
_PID = os.getpid()
# Addresses that no other process uses. On UNTOUCHED no server closed a connection within the last minute.
HOST, UNTOUCHED = (f"127.{block + (_PID >> 16)}.{_PID >> 8 & 255}.{_PID & 255}" for block in (128, 192))
STATE = PortManager.STATE_FILE_NAME


class Project:
    """A project that needs no git."""

    def get_project_info(self) -> dict[str, Any]:
        return {"name": "project", "root": "/project"}


def manager(base: Path, host: str = HOST) -> PortManager:
    return PortManager(base, Project(), host)


def at_once(count: int, function: Callable[[int], Any]) -> list[Any]:
    """Call ``function`` with 0, 1, ... on threads that start together, and return what they return."""
    barrier = threading.Barrier(count)

    def call(number: int) -> Any:
        barrier.wait(LIMIT)
        return function(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(call, range(count), timeout=LIMIT))


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a process that runs ``code``, after the imports that all of them need."""
    head = f"import os, sys, time\nfrom pathlib import Path\nsys.path.insert(0, {str(ROOT)!r})\n"
    head += "from mcp_reference.transport import PortManager, lease_port\n"
    head += "class Project:\n    def get_project_info(self): return {'name': 'n' * int(sys.argv[1]), 'root': '/'}\n"
    return subprocess.Popen(
        [sys.executable, "-c", head + code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a range of three ports, 5240 to 5242."""
    monkeypatch.setattr(lease, "FIRST_PORT", 5240)


# -- ports ---------------------------------------------------------------------------------------


def test_a_lease_excludes_everybody_also_before_it_listens() -> None:
    with PortLease(HOST, 0) as held:
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with pytest.raises(OSError, match="in use"):
                other.bind((HOST, held.port))

        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, held.port))
        held.listen()
        socket.create_connection((HOST, held.port)).close()
    PortLease(HOST, held.port).release()


def test_a_holder_that_does_not_listen_yet_is_seen() -> None:  # row 1.2
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((HOST, 4242))

        with lease_port(4242, HOST) as hardened:
            assert hardened.port == 4243
        assert published.HeadPortManager(Path(), Project(), HOST).find_available_port() == 4242


def test_ten_threads_get_ten_ports(tmp_path: Path) -> None:  # row 1.1: published 1 of 10
    managers = [manager(tmp_path) for _ in range(10)]

    ports = at_once(10, lambda number: managers[number].find_available_port())

    assert sorted(ports) == list(range(4242, 4252))
    for each in managers:
        each.release()
    old = published.PortManager(tmp_path, Project(), HOST)
    assert {old.find_available_port() for _ in range(10)} == {4242}


def test_four_processes_get_different_ports() -> None:
    code = "leases = [lease_port(4242, sys.argv[2]) for _ in range(5)]\n"
    code += "print(*[lease.port for lease in leases], flush=True); sys.stdin.read()"
    processes = [python(code, "1", HOST) for _ in range(4)]

    ports = [port for each in processes for port in (each.stdout or io.StringIO()).readline().split()]

    for each in processes:
        each.communicate(timeout=LIMIT)
    assert len(ports) == len(set(ports)) == 20


def test_the_search_wraps_and_its_end_says_what_to_do(narrow: None) -> None:  # row 1.17
    leases = [lease_port(5241, HOST) for _ in range(3)]

    assert [each.port for each in leases] == [5241, 5242, 5240]
    with pytest.raises(PortsExhausted, match=r"No available ports in range 5240-5242 .* Close some"):
        lease_port(5241, HOST)
    leases[1].release()
    with lease_port(8000, HOST) as wanted, lease_port(8000, HOST) as other:
        assert (wanted.port, other.port) == (8000, 5242)
    leases[0].release()
    leases[2].release()
    with pytest.raises(ValueError, match="port 80 is not in 1024-65535"):
        lease_port(80, HOST)


def test_a_port_is_given_away_once(tmp_path: Path) -> None:
    ports = manager(tmp_path)
    port = ports.find_available_port()

    claimed = ports.claim(port)
    ports.release()  # not what was claimed
    claimed.listen()
    socket.create_connection((HOST, port)).close()
    claimed.release()
    with pytest.raises(LookupError, match=f"port {port} is not held"):
        ports.listen(port)


# -- state file ----------------------------------------------------------------------------------


def test_a_state_says_where_the_server_is(tmp_path: Path) -> None:
    manager(tmp_path).write_state("dual", 4242)
    state = PortManager.read_state(tmp_path) or {}

    assert {key: state[key] for key in ("version", "transport", "url", "pid", "project")} == {
        "version": "1.0.0",
        "transport": "dual",
        "url": f"http://{HOST}:4242/mcp",
        "pid": os.getpid(),
        "project": {"name": "project", "root": "/project"},
    }
    assert state["started_at"].endswith("+00:00")
    manager(tmp_path).write_state("stdio", None)
    assert (PortManager.read_state(tmp_path) or {})["url"] is None
    with pytest.raises(ValueError, match="transport 'both' is unknown; there are dual, stdio, http"):
        manager(tmp_path).write_state("both", 1)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"{}", b'"\xff"', b"[" * 100_000])
def test_what_is_no_state_is_none(tmp_path: Path, content: bytes) -> None:  # row 1.10
    assert PortManager.read_state(tmp_path) is None
    (tmp_path / STATE).write_bytes(content)

    assert PortManager.read_state(tmp_path) is None


@pytest.mark.parametrize(
    ("key", "value"), [("port", "4242"), ("pid", None), ("transport", "x"), ("project", [])]
)
def test_a_state_with_a_wrong_entry_is_none(tmp_path: Path, key: str, value: object) -> None:
    manager(tmp_path).write_state("dual", 4242)
    state = json.loads((tmp_path / STATE).read_text())
    (tmp_path / STATE).write_text(json.dumps(state | {key: value}))

    assert PortManager.read_state(tmp_path) is None


def test_published_reader_fails_where_it_says_none(tmp_path: Path) -> None:  # rows 1.10 and 1.11
    file = tmp_path / STATE
    file.write_bytes(b'"\xff"')
    with pytest.raises(UnicodeDecodeError):
        published.PortManager.read_state(tmp_path)
    file.write_text("[]")
    assert published.PortManager.read_state(tmp_path) == []  # type: ignore[comparison-overlap]
    file.write_text(json.dumps({"pid": ended_process()}))
    assert published.PortManager.read_state(tmp_path) is not None


def test_a_reader_waits_for_a_foreign_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manager(tmp_path).write_state("dual", 4242)  # row 1.9
    content = (tmp_path / STATE).read_bytes()
    (tmp_path / STATE).write_bytes(content[:20])
    monkeypatch.setattr(time, "sleep", lambda seconds: (tmp_path / STATE).write_bytes(content))

    assert PortManager.read_state(tmp_path) is not None


def test_the_state_of_a_dead_server_is_none(tmp_path: Path) -> None:  # rows 1.11 and 1.12
    manager(tmp_path).write_state("dual", 4242)
    state = json.loads((tmp_path / STATE).read_text())

    for changed in ({"pid": ended_process()}, {"process": "another boot:1"}):
        (tmp_path / STATE).write_text(json.dumps(state | changed))
        assert PortManager.read_state(tmp_path) is None


def ended_process() -> int:
    done = subprocess.Popen([sys.executable, "-S", "-c", ""])
    done.wait(LIMIT)
    return done.pid


def test_a_zombie_does_not_run() -> None:
    child = subprocess.Popen([sys.executable, "-S", "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert process.identity(child.pid) is None
    assert process.identity(os.getpid()) is not None
    child.wait(LIMIT)


def test_all_files_are_private_from_the_first_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []  # row 1.7

    def look(*arguments: Any, **keywords: Any) -> None:
        modes.extend(stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir())

    old = os.umask(0)
    try:
        monkeypatch.setattr(os, "fsync", look)
        for _ in range(2):
            manager(tmp_path).write_state("dual", 4242)
        assert len(modes) == 2 + 2 + 3 + 2  # lock and temporary file, lock and state; then all three, and two
        assert set(modes) == {0o600}

        monkeypatch.setattr(os, "chmod", look)
        published.PortManager(tmp_path, Project()).write_state("dual", 4242)
        assert modes[-3:].count(0o666) == 1
    finally:
        os.umask(old)


def test_content_and_name_are_on_the_disk_in_this_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []  # row 1.8

    def fsync(descriptor: int) -> None:
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")

    def rename(old: str, new: Path) -> None:
        calls.append("rename")
        os.rename(old, new)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", rename)
    manager(tmp_path).write_state("dual", 4242)

    assert calls == ["file", "rename", "folder"]


def test_a_write_that_fails_leaves_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    manager(tmp_path).write_state("dual", 4242)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            manager(tmp_path).write_state("dual", 4243)

    assert (PortManager.read_state(tmp_path) or {})["port"] == 4242
    assert sorted(os.listdir(tmp_path)) == [STATE, f"{STATE}.lock"]


def test_a_server_removes_only_its_own_state(tmp_path: Path) -> None:  # row 1.13
    first, second = manager(tmp_path), manager(tmp_path)
    second.cleanup_state()
    first.write_state("dual", 4242)

    second.cleanup_state()
    assert PortManager.read_state(tmp_path) is not None
    at_once(8, lambda number: first.cleanup_state())  # row 1.14
    assert PortManager.read_state(tmp_path) is None

    first.write_state("dual", 4242)
    published.PortManager(tmp_path, Project()).cleanup_state()
    assert PortManager.read_state(tmp_path) is None


def torn_reads(base: Path, written: Callable[[], bool]) -> tuple[int, int]:
    """Read until all is written; return how many reads found no state, and how many there were."""
    torn = reads = 0
    while not written():
        reads += 1
        torn += PortManager.read_state(base) is None
        torn += published.PortManager.read_state(base) is None  # it does not try again
    return torn, reads


def test_no_read_is_torn_while_four_threads_write(tmp_path: Path) -> None:  # rows 1.5 and 1.6
    managers = [manager(tmp_path) for _ in range(4)]
    managers[0].write_state("dual", 4242)

    def write(number: int) -> None:  # it raises what fails: FileNotFoundError
        for count in range(50):
            managers[number].write_state("dual", 4242 + number, path="/mcp" * (count % 7 + 1))

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(at_once, 4, write)
        torn, reads = torn_reads(tmp_path, writing.done)

    assert writing.result(LIMIT) == [None] * 4
    assert (torn, reads > 10) == (0, True)
    assert sorted(os.listdir(tmp_path)) == [STATE, f"{STATE}.lock"]


def test_no_read_is_torn_while_four_processes_write(tmp_path: Path) -> None:
    manager(tmp_path).write_state("dual", 4242)
    code = "manager = PortManager(Path(sys.argv[2]), Project())\nsys.stdin.readline()\n"
    code += "for _ in range(50): manager.write_state('dual', 4242)\n"
    code += "print('written', flush=True); sys.stdin.readline()"
    writers = [python(code, str(10 * number), str(tmp_path)) for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for each in writers:
            print(file=each.stdin, flush=True)
        lines = [pool.submit((each.stdout or io.StringIO()).readline) for each in writers]
        torn, reads = torn_reads(tmp_path, lambda: all(line.done() for line in lines))
    for each in writers:
        each.communicate("\n", timeout=LIMIT)

    assert [line.result() for line in lines] == ["written\n"] * 4
    assert (torn, reads > 10) == (0, True)


def test_a_killed_writer_holds_nobody_up_and_leaves_nothing(tmp_path: Path) -> None:
    manager(tmp_path).write_state("dual", 4242)
    code = "manager = PortManager(Path(sys.argv[2]), Project())\nprint(flush=True)\n"
    code += "while True: manager.write_state('dual', 4243)"
    for number in range(5):
        with python(code, str(1000 * number), str(tmp_path)) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(0.003 * number)
            writer.send_signal(signal.SIGKILL)

        assert json.loads((tmp_path / STATE).read_bytes())["port"] in (4242, 4243)
    (tmp_path / f"{STATE}.tmp.left").touch()
    manager(tmp_path).write_state("dual", 4244)

    assert (PortManager.read_state(tmp_path) or {})["port"] == 4244
    assert sorted(os.listdir(tmp_path)) == [STATE, f"{STATE}.lock"]


# -- project -------------------------------------------------------------------------------------


def test_a_project_without_git_has_the_name_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    base = tmp_path / "shop" / ".praxis-os"
    info = ProjectInfoDiscovery(base).get_project_info()

    assert info == {"name": "shop", "root": str(base.parent), "praxis_os_path": str(base), "git": None}
    base.mkdir(parents=True)
    assert ProjectInfoDiscovery(base).get_project_info() == info
    monkeypatch.setenv("PATH", "/nowhere")
    assert ProjectInfoDiscovery(base).get_project_info() == info


def test_git_says_name_branch_commit_and_status(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        name = ["-c", "user.name=n", "-c", "user.email=e"]
        return subprocess.run(
            ["git", *name, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q", "-b", "trunk")
    git("commit", "-q", "--allow-empty", "-m", "first")
    git("remote", "add", "origin", "git@example.com:people/shop.git")
    base = tmp_path / ".praxis-os"
    info = ProjectInfoDiscovery(base).get_project_info()
    commit = git("rev-parse", "HEAD")

    assert info["name"] == "shop"
    assert info["git"] == {
        "remote": "git@example.com:people/shop.git",
        "branch": "trunk",
        "commit": commit,
        "commit_short": commit[:7],
        "status": "clean",
    }
    (tmp_path / "new").touch()
    assert ProjectInfoDiscovery(base).get_project_info()["git"]["status"] == "dirty"


# -- transports ----------------------------------------------------------------------------------


def lines_of(waiting: queue.Queue[str]) -> Iterator[str]:
    """Give the lines one by one, and wait for the next; the empty one ends them."""
    while line := waiting.get(timeout=LIMIT):
        yield line


def call(tool: str, **arguments: Any) -> str:
    parameters = {"name": tool, "arguments": arguments}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": parameters})


def post(url: str, request: str) -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, request.encode()), timeout=LIMIT) as response:
        return json.loads(response.read())


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def until(condition: Callable[[], Any]) -> Any:
    """Wait until something is true, and return it."""
    deadline = time.monotonic() + LIMIT
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def test_both_transports_serve_one_registry_at_a_time(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    lines: queue.Queue[str] = queue.Queue()
    answers = io.StringIO()
    server = ToolServer({"double": lambda number: 2 * number}, lines_of(lines), answers)
    ports = manager(tmp_path)
    transport = TransportManager(server, ports)

    running = pool.submit(transport.run_dual_mode)
    state = until(lambda: PortManager.read_state(tmp_path))
    assert (state["transport"], state["host"]) == ("dual", HOST)
    assert asked_instance(HOST, state["port"], state["path"]) == state["instance"] == ports.instance
    lines.put(call("double", number=1))
    assert post(state["url"], call("double", number=2))["result"] == 4
    until(answers.getvalue)
    lines.put("")

    assert running.result(LIMIT) is None
    assert json.loads(answers.getvalue())["result"] == 2
    assert PortManager.read_state(tmp_path) is None
    assert asked_instance(HOST, state["port"], state["path"]) is None
    assert transport.shutdown()


def test_three_servers_on_three_projects_find_their_ports(tmp_path: Path) -> None:
    transports = [TransportManager(ToolServer({}), manager(tmp_path / name, UNTOUCHED)) for name in "abc"]
    for name in "abc":
        (tmp_path / name).mkdir()

    ports = at_once(3, lambda number: transports[number].start_http())

    states = [PortManager.read_state(tmp_path / name) or {} for name in "abc"]
    assert sorted(ports) == [4242, 4243, 4244]
    assert [state["port"] for state in states] == ports
    for state in states:
        assert asked_instance(UNTOUCHED, state["port"], "/mcp") == state["instance"]
    assert [transport.shutdown() for transport in transports] == [True] * 3


def test_shutdown_waits_for_the_request_that_is_answered(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    begun, go_on = threading.Event(), threading.Event()  # row 1.20

    def slow() -> str:
        begun.set()
        go_on.wait(LIMIT)
        return "done"

    transport = TransportManager(ToolServer({"slow": slow}), manager(tmp_path))
    port = transport.start_http()
    answer = pool.submit(post, f"http://{HOST}:{port}/mcp", call("slow"))
    assert begun.wait(LIMIT)

    assert transport.shutdown(timeout=0.1) is False
    go_on.set()
    assert transport.shutdown(timeout=LIMIT) is True
    assert answer.result(LIMIT)["result"] == "done"


class Broken(ToolServer):
    """A server that ends at once, or answers with another one's number."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__({})
        self._broken = error

    def serve_http(
        self, listener: socket.socket, path: str, instance: str, ready: Callable[[], None]
    ) -> None:
        if self._broken is not None:
            raise self._broken
        super().serve_http(listener, path, "another", ready)


def test_a_server_is_ready_only_when_it_answers_itself(tmp_path: Path) -> None:  # rows 1.4 and 1.15
    error = ValueError("no route")
    for server, message in ((Broken(error), "ended on .*no route"), (Broken(None), "but by 'another'")):
        transport = TransportManager(server, manager(tmp_path))

        with pytest.raises(NotReady, match=message) as caught:
            transport.run_dual_mode()
        assert caught.value.__cause__ is (error if "ended" in message else None)
        assert PortManager.read_state(tmp_path) is None
    assert not [thread for thread in threading.enumerate() if thread.name == "http-transport"]


def test_published_server_is_ready_when_another_one_answers() -> None:  # row 1.4
    died = threading.Event()

    def run_http(host: str, port: int) -> None:
        try:
            published.PortManager(Path(), Project(), host).listen(port)
        except OSError:
            died.set()
            raise

    with PortLease(HOST, 0) as foreign:
        foreign.listen()
        published.TransportManager(run_http).start_http(HOST, foreign.port)

        assert died.wait(LIMIT)


def test_stdio_alone_has_no_address(tmp_path: Path) -> None:
    states: list[Any] = []
    lines = iter([call("look")])
    look = {"look": lambda: states.append(PortManager.read_state(tmp_path))}
    TransportManager(ToolServer(look, lines, io.StringIO()), manager(tmp_path)).run_stdio_mode()

    assert [(state["transport"], state["port"], state["url"]) for state in states] == [("stdio", None, None)]
    assert PortManager.read_state(tmp_path) is None


def test_http_alone_runs_until_shutdown(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    transport = TransportManager(ToolServer({}), manager(tmp_path))
    running = pool.submit(transport.run_http_mode)
    until(lambda: PortManager.read_state(tmp_path))

    assert at_once(4, lambda number: transport.shutdown()) == [True] * 4
    assert running.result(LIMIT) is None


def test_a_transport_starts_once_and_never_after_shutdown(tmp_path: Path) -> None:
    transport = TransportManager(ToolServer({}), manager(tmp_path))
    port = transport.start_http()

    with pytest.raises(NotReady, match="was started before"):
        transport.start_http()
    assert asked_instance(HOST, port, "/mcp") is not None
    assert transport.shutdown()
    for start in (transport.start_http, transport.run_stdio_mode):
        with pytest.raises(NotReady, match="were shut down"):
            start()
    assert PortManager.read_state(tmp_path) is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"http_port": 80}, "http_port 80 is not in 1024-65535"),
        ({"http_port": 65536}, "http_port 65536"),
        ({"http_path": "mcp"}, "http_path 'mcp' does not start with '/'"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TransportConfig(**settings)


def test_a_host_that_others_can_reach_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"host '0\.0\.0\.0' can be reached from elsewhere; write 127\.0\.0\.1"
    ):
        manager(tmp_path, "0.0.0.0")


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ("{", -32700),
        ("[1]", -32600),
        ('{"id": 1, "method": "x"}', -32601),
        (call("unknown"), -32602),
        (call("fail"), -32000),
        (call("fail", odd=1), -32000),
    ],
)
def test_a_request_that_cannot_be_answered_is_told_so(request_: str, code: int) -> None:
    def fail() -> None:
        raise LookupError("no")

    answer = json.loads(ToolServer({"fail": fail}).answer(request_) or "")

    assert answer["error"]["code"] == code
    assert ToolServer({}).answer('{"method": "tools/list"}') is None  # a notification
    assert json.loads(ToolServer({"a": fail}).answer('{"id": 1, "method": "tools/list"}') or "")[
        "result"
    ] == {"tools": [{"name": "a"}]}


# -- query tracker -------------------------------------------------------------------------------


def test_no_query_of_twenty_threads_is_lost() -> None:  # row 1.19
    tracker = QueryTracker()

    at_once(20, lambda number: [tracker.record_query("s", f"how to {number} {i}") for i in range(50)])

    stats = tracker.get_stats("s")
    assert (stats.total_queries, stats.unique_queries, len(stats.history)) == (1000, 1000, 10)
    assert stats.angles == {QueryAngle.PRACTICAL: 1000}
    tracker.record_query("s", "HOW to 0 0 ")
    assert (stats.total_queries, tracker.get_stats("s").unique_queries) == (1000, 1000)


def test_a_session_covers_angles_until_it_is_reset() -> None:
    tracker = QueryTracker()
    for query in ("What is a lock?", "Where is the lock?", "how do I lock", "best lock", "avoid deadlock"):
        tracker.record_query("s", query)

    assert tracker.get_uncovered_angles("s") == set()
    assert tracker.get_uncovered_angles("other") == set(QueryAngle)
    tracker.reset_session("s")
    assert tracker.get_stats("s").total_queries == 0
    assert len({id(tracker) for tracker in at_once(8, lambda number: get_tracker())}) == 1
