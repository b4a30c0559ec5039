"""Every call reaches its server, and every answer the caller who asked; whatever goes wrong is an exception."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from mcp_reference.router import (
    CallCycle,
    CallTimeout,
    Handler,
    McpManager,
    Permission,
    PermissionDenied,
    RemoteError,
    RouterError,
    ServerStopped,
    Strategy,
    UnknownServer,
    tool_handler,
)
from mcp_reference.router.published import OneExitManager, ResultQueueManager

LIMIT = 20  # seconds; only a failing test waits that long


@pytest.fixture(params=list(Strategy))
def manager(request: pytest.FixtureRequest) -> Iterator[McpManager]:
    made = McpManager(request.param)
    yield made
    made.stop(drain=False, timeout=LIMIT)


def echo(function: str, args: dict[str, Any]) -> Any:
    return args.get("value")


class Gate:
    """A handler that holds each call until it is opened."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.open = threading.Event()
        self.done: list[Any] = []

    def __call__(self, function: str, args: dict[str, Any]) -> Any:
        self.begun.release()
        assert self.open.wait(LIMIT)
        self.done.append(args["value"])
        return args["value"]


def started(body: Callable[[], Any]) -> Future[Any]:
    """Run on a thread of its own."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(body())
        except BaseException as error:  # the future raises it
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def test_a_call_returns_what_its_server_answers_also_none(manager: McpManager) -> None:
    manager.add_server("a", lambda function, args: (function, args))
    manager.add_server("nothing", lambda function, args: None)

    assert manager.call("a", "f", {"x": 1}, timeout=LIMIT) == ("f", {"x": 1})
    assert manager.call("nothing", "f", timeout=LIMIT) is None


def test_an_unknown_server_is_an_error_that_names_the_known_ones(manager: McpManager) -> None:
    manager.add_server("a", echo)

    for ask in (manager.call, manager.call_async):
        with pytest.raises(UnknownServer, match="'b' is unknown; registered: a"):
            ask("b", "f")
    with pytest.raises(UnknownServer):
        manager.get_server("b")
    with pytest.raises(UnknownServer):
        manager.remove_server("b")


def test_a_name_is_registered_once_and_the_first_stays(manager: McpManager) -> None:
    assert manager.add_server("a", lambda function, args: "first")
    assert not manager.add_server("a", lambda function, args: "second")

    assert manager.call("a", "f", timeout=LIMIT) == "first"


def test_servers_are_listed_in_the_order_of_registration(manager: McpManager) -> None:
    for name in ("b", "a", "c"):
        manager.add_server(name, echo)
    manager.remove_server("a")

    assert manager.list_servers() == ["b", "c"]
    assert (manager.get_server("b").name, manager.get_server("b").handler) == ("b", echo)


def test_what_a_handler_raises_comes_as_remote_error_and_the_server_lives_on(manager: McpManager) -> None:
    def handle(function: str, args: dict[str, Any]) -> str:
        if function == "fail":
            raise args["error"]
        return "alive"

    manager.add_server("a", handle)
    for error in (ValueError("bad"), TimeoutError("own"), SystemExit(3)):
        with pytest.raises(RemoteError, match=r"call \d+ to a.fail: " + type(error).__name__) as caught:
            manager.call("a", "fail", {"error": error}, timeout=LIMIT)
        assert caught.value.__cause__ is error

    assert manager.call("a", "f", timeout=LIMIT) == "alive"


def test_a_late_answer_is_not_taken_for_the_next_one(manager: McpManager) -> None:
    gate = Gate()
    manager.add_server("a", gate)

    with pytest.raises(CallTimeout, match=r"call 1 to a\.f: no answer within 0\.05 s"):
        manager.call("a", "f", {"value": "late"}, timeout=0.05)
    gate.open.set()

    assert manager.call("a", "f", {"value": "next"}, timeout=LIMIT) == "next"


def test_a_call_that_timed_out_before_it_began_is_never_carried_out(manager: McpManager) -> None:
    gate = Gate()
    manager.add_server("a", gate)
    first = manager.call_async("a", "f", {"value": "first"})
    assert gate.begun.acquire(timeout=LIMIT)

    with pytest.raises(CallTimeout):
        manager.call("a", "f", {"value": "withdrawn"}, timeout=0.05)
    gate.open.set()

    assert first.result(LIMIT) == "first"
    assert manager.call("a", "f", {"value": "last"}, timeout=LIMIT) == "last"
    assert gate.done == ["first", "last"]


def test_a_server_gets_one_call_at_a_time_in_the_order_of_arrival(manager: McpManager) -> None:
    inside: list[int] = []
    order: list[int] = []

    def handle(function: str, args: dict[str, Any]) -> int:
        inside.append(1)
        time.sleep(0.001)
        order.append(args["value"])
        inside.pop()
        return len(inside)

    manager.add_server("a", handle)
    futures = [manager.call_async("a", "f", {"value": number}) for number in range(20)]

    assert [future.result(LIMIT) for future in futures] == [0] * 20
    assert order == list(range(20))


def test_arguments_of_one_call_are_not_seen_by_another(manager: McpManager) -> None:
    def handle(function: str, args: dict[str, Any]) -> list[str]:
        seen = sorted(args)
        args["left behind"] = True
        return seen

    manager.add_server("a", handle)
    mine = {"mine": 1}

    assert [manager.call("a", "f", timeout=LIMIT) for _ in range(2)] == [[], []]
    assert manager.call("a", "f", mine, timeout=LIMIT) == ["mine"]
    assert mine == {"mine": 1}


@pytest.mark.parametrize(("servers", "callers"), [(1, 4), (4, 4), (8, 3)])
def test_n_servers_and_m_callers_get_no_wrong_answer_and_lose_none(
    manager: McpManager, servers: int, callers: int
) -> None:
    names = [f"s{number}" for number in range(servers)]
    carried_out: dict[str, list[Any]] = {name: [] for name in names}

    def handler(name: str) -> Handler:
        def handle(function: str, args: dict[str, Any]) -> Any:
            carried_out[name].append(args["value"])
            return name, args["value"]

        return handle

    for name in names:
        manager.add_server(name, handler(name))

    def call(caller: int) -> list[Any]:
        wrong = []
        for number in range(100):
            name = names[(caller + number) % servers]
            answer = manager.call(name, "f", {"value": (caller, number)}, timeout=LIMIT)
            if answer != (name, (caller, number)):
                wrong.append(answer)
        return wrong

    results = [started(lambda caller=caller: call(caller)) for caller in range(callers)]  # type: ignore[misc]

    assert [result.result(60) for result in results] == [[]] * callers
    everything = sorted(value for values in carried_out.values() for value in values)
    assert everything == [(caller, number) for caller in range(callers) for number in range(100)]


def test_servers_come_and_go_while_callers_call_and_no_call_stays_open(manager: McpManager) -> None:
    def come_and_go() -> None:
        for _ in range(30):
            manager.add_server("a", echo)
            manager.remove_server("a", timeout=LIMIT)

    def call() -> set[str]:
        outcomes = set()
        while not rival.done():
            try:
                outcomes.add(manager.call("a", "f", {"value": "answered"}, timeout=LIMIT))
            except (UnknownServer, ServerStopped):
                time.sleep(0)
        return outcomes

    rival = started(come_and_go)
    results = [started(call) for _ in range(3)]

    assert all(result.result(60) <= {"answered"} for result in results)
    assert rival.result(60) is None


def test_remove_with_drain_carries_out_what_was_accepted(manager: McpManager) -> None:
    gate = Gate()
    manager.add_server("a", gate)
    futures = [manager.call_async("a", "f", {"value": number}) for number in range(5)]

    removed = started(lambda: manager.remove_server("a"))
    gate.open.set()

    assert removed.result(LIMIT) is True
    assert [future.result(LIMIT) for future in futures] == list(range(5))
    with pytest.raises(UnknownServer):
        manager.call("a", "f")


def test_stop_without_drain_tells_those_who_wait(manager: McpManager) -> None:
    gate = Gate()
    manager.add_server("a", gate)
    begun, *waiting = [manager.call_async("a", "f", {"value": number}) for number in range(4)]
    assert gate.begun.acquire(timeout=LIMIT)

    stopped = started(lambda: manager.stop(drain=False))
    for future in waiting:
        assert isinstance(future.exception(LIMIT), ServerStopped)
    gate.open.set()

    assert stopped.result(LIMIT) is True
    assert begun.result(LIMIT) == 0
    assert gate.done == [0]


def test_stop_gives_up_after_its_timeout_and_says_so(manager: McpManager) -> None:
    gate = Gate()
    manager.add_server("a", gate)
    begun, waiting = [manager.call_async("a", "f", {"value": number}) for number in range(2)]
    assert gate.begun.acquire(timeout=LIMIT)

    assert manager.stop(timeout=0.05) is False
    assert isinstance(waiting.exception(LIMIT), ServerStopped)
    gate.open.set()
    assert begun.result(LIMIT) == 0
    assert manager.stop(timeout=LIMIT) is True


def test_after_stop_everything_is_refused_and_no_thread_is_left() -> None:
    for strategy in Strategy:
        before = threading.enumerate()
        manager = McpManager(strategy)
        for number in range(5):
            manager.add_server(f"s{number}", echo)
        futures = [manager.call_async(f"s{number}", "f", {"value": number}) for number in range(5)]

        stops = [started(manager.stop) for _ in range(3)]

        assert [stop.result(LIMIT) for stop in stops] == [True] * 3
        assert [future.result(0) for future in futures] == list(range(5))
        assert manager.list_servers() == []
        with pytest.raises(ServerStopped):
            manager.call("s0", "f")
        with pytest.raises(ServerStopped):
            manager.add_server("new", echo)
        deadline = time.monotonic() + LIMIT
        while (left := [t for t in threading.enumerate() if t not in before]) and time.monotonic() < deadline:
            time.sleep(0.01)  # those of `started` end a moment after their result
        assert left == []


def test_a_handler_may_call_another_server_but_not_wait_for_itself(manager: McpManager) -> None:
    def through(*path: str) -> Any:
        return manager.call(path[0], "f", {"path": path[1:]}, timeout=LIMIT)

    def relay(function: str, args: dict[str, Any]) -> Any:
        return through(*args["path"]) if args["path"] else "reached"

    for name in ("a", "b", "c"):
        manager.add_server(name, relay)

    assert through("a", "b", "c") == "reached"
    for cycle in (("a", "a"), ("a", "b", "a"), ("a", "b", "c", "b")):
        with pytest.raises(RemoteError, match="CallCycle"):
            through(*cycle)
    assert through("c", "b", "a") == "reached"


def test_two_servers_that_call_each_other_at_once_do_not_hang(manager: McpManager) -> None:
    both_inside = threading.Barrier(2)

    def calls(other: str) -> Handler:
        def handle(function: str, args: dict[str, Any]) -> str:
            if function == "leaf":
                return "leaf"
            both_inside.wait(LIMIT)
            try:
                return str(manager.call(other, "leaf", timeout=LIMIT))
            except CallCycle:
                return "cycle"

        return handle

    manager.add_server("a", calls("b"))
    manager.add_server("b", calls("a"))
    futures = [manager.call_async(name, "call the other") for name in ("a", "b")]

    answers = sorted(future.result(LIMIT) for future in futures)
    assert answers in (["cycle", "leaf"], ["leaf", "leaf"])


def test_a_handler_cannot_stop_its_manager_or_remove_its_server(manager: McpManager) -> None:
    actions: dict[str, Callable[[], object]] = {
        "stop": manager.stop,
        "remove": lambda: manager.remove_server("a"),
    }
    manager.add_server("a", lambda function, args: actions[function]())

    for function in actions:
        with pytest.raises(RemoteError, match="CallCycle"):
            manager.call("a", function, timeout=LIMIT)
    assert manager.list_servers() == ["a"]


def test_a_callback_that_raises_does_not_end_the_server(
    manager: McpManager, caplog: pytest.LogCaptureFixture
) -> None:
    def leave(future: Future[Any]) -> None:
        raise SystemExit

    gate = Gate()
    manager.add_server("a", gate)
    future = manager.call_async("a", "f", {"value": 1})
    future.add_done_callback(leave)
    gate.open.set()

    assert future.result(LIMIT) == 1
    assert manager.call("a", "f", {"value": 2}, timeout=LIMIT) == 2
    assert "a callback of call 1 to a.f raised" in caplog.text


def test_tools_are_discovered_listed_and_forgotten_with_their_server(manager: McpManager) -> None:
    manager.add_server("math", tool_handler(add=lambda a, b: a + b, neg=lambda a: -a))
    manager.add_server("odd", lambda function, args: 7)

    assert manager.list_tools() == {}
    assert manager.discover_tools("math", timeout=LIMIT) == ["add", "neg"]
    with pytest.raises(RemoteError, match="names are expected"):
        manager.discover_tools("odd", timeout=LIMIT)
    assert manager.list_tools() == {"math": ["add", "neg"]}
    with pytest.raises(RemoteError, match="no tool 'mul' here; there is add, neg"):
        manager.call("math", "mul", timeout=LIMIT)
    manager.remove_server("math")
    assert manager.list_tools() == {}


def test_listing_while_adding_is_a_snapshot(manager: McpManager) -> None:
    def add() -> None:
        for number in range(100):
            manager.add_server(f"s{number}", echo)

    adding = started(add)
    while not adding.done():
        names = manager.list_servers()
        assert names == [f"s{number}" for number in range(len(names))]

    assert adding.result() is None


def test_a_manual_tool_runs_only_when_confirmed() -> None:
    asked: list[tuple[str, str, dict[str, Any]]] = []

    def confirm(server: str, tool: str, args: dict[str, Any]) -> bool:
        asked.append((server, tool, args))
        return bool(args["a"] > 0)

    manager = McpManager(confirm=confirm)
    manager.add_server("math", tool_handler(neg=lambda a: -a))

    assert manager.execute_tool("math", "neg", {"a": 1}) == -1
    with pytest.raises(PermissionDenied, match=r"math\.neg was not confirmed"):
        manager.execute_tool("math", "neg", {"a": -1}, permission=Permission.MANUAL)
    assert manager.execute_tool("math", "neg", {"a": -1}, permission="auto") == 1
    assert asked == [("math", "neg", {"a": 1}), ("math", "neg", {"a": -1})]
    manager.stop()


def test_nobody_to_confirm_means_no() -> None:
    manager = McpManager()
    manager.add_server("math", tool_handler(neg=lambda a: -a))

    with pytest.raises(PermissionDenied):
        manager.execute_tool("math", "neg", {"a": 1})
    manager.stop()


def test_all_errors_are_router_errors_and_a_timeout_is_a_timeout() -> None:
    for error in (UnknownServer, ServerStopped, CallTimeout, RemoteError, CallCycle, PermissionDenied):
        assert issubclass(error, RouterError)
    assert issubclass(CallTimeout, TimeoutError)


def test_published_calls_without_arguments_share_one_dict() -> None:  # row 4.13
    manager = ResultQueueManager()

    def handle(function: str, args: dict[str, Any]) -> list[str]:
        seen = sorted(args)
        args["left behind"] = True
        return seen

    manager.add_server("a", handle)
    first, second = manager.call("a", "f"), manager.call("a", "f")
    ResultQueueManager.call.__defaults__[0].clear()  # type: ignore[index]

    assert (first, second) == ([], ["left behind"])


def test_published_stop_ends_a_single_server() -> None:  # row 4.8 needs two
    manager = OneExitManager()
    manager.add_server("a", echo)

    assert started(manager.stop).result(LIMIT) is None
