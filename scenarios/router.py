"""Programs for the router; rows 4.1 to 4.9. Each is the same for all variants: ``component`` makes the manager.

A caller accepts its own answer, or a typed refusal where a rival may be first; nothing else.
"""

from __future__ import annotations

import queue
import time
from threading import Event
from threading import enumerate as enumerate_threads
from typing import Any

from together import together

from mcp_reference.router import McpManager, RemoteError, ServerStopped, Strategy, UnknownServer


def dispatcher() -> McpManager:
    """Make the hardened manager with a central dispatcher."""
    return McpManager(Strategy.DISPATCHER)


def futures() -> McpManager:
    """Make the hardened manager with futures."""
    return McpManager(Strategy.FUTURES)


def one_call(component: Any, ledger: Any, servers: list[str]) -> None:
    """Call the first of some servers, once."""
    manager = serving(component, servers)
    ledger.expect(minimum=1)

    deliver(manager, ledger, servers[0])


def two_callers(component: Any, ledger: Any) -> None:
    """Call two servers from two threads."""
    manager = serving(component, ["a", "b"])
    ledger.expect(minimum=2)

    together(lambda: deliver(manager, ledger, "a"), lambda: deliver(manager, ledger, "b"))


def late_reply(component: Any, ledger: Any, timeout: float) -> None:
    """Call with a time limit that may run out, and then once more."""
    ready = Event()

    def slow(function: str, args: dict[str, Any]) -> Any:
        ready.wait()
        return args["value"]

    def get_ready() -> None:
        time.sleep(timeout)
        ready.set()

    def call() -> None:
        try:
            answer = manager.call("a", "slow", {"value": "first"}, timeout=timeout)
        except (TimeoutError, queue.Empty):
            return
        assert answer == "first", f"the first call got {answer!r}"

    manager = component()
    manager.add_server("a", slow)
    ledger.expect(minimum=1)

    together(get_ready, call)
    ledger.sent("a", "second")
    answer = manager.call("a", "slow", {"value": "second"})
    assert answer == "second", f"the second call got {answer!r}"
    ledger.received("a", answer)


def call_while_added(component: Any, ledger: Any) -> None:
    """Call the first of two servers that another thread adds, until it is known."""
    manager = component()
    ledger.expect(minimum=1)

    def add() -> None:
        manager.add_server("a", echo)
        manager.add_server("b", echo)

    def call() -> None:
        ledger.sent("a", "to a")
        while True:
            try:
                answer = manager.call("a", "echo", {"value": "to a"})
                break
            except UnknownServer:
                time.sleep(0)
        assert answer == "to a", f"the call got {answer!r}"
        ledger.received("a", answer)

    together(add, call)


def handler_fails(component: Any, ledger: Any) -> None:
    """Call a server whose tool breaks down at some time, then another one."""
    call_while_breaking(component, ledger, ValueError)


def server_dies(component: Any, ledger: Any) -> None:
    """Call a server whose tool exits at some time (as ``sys.exit`` does), then another one."""
    call_while_breaking(component, ledger, SystemExit)


def add_twice(component: Any, ledger: Any) -> None:
    """Add one server from two threads, and call it from the first."""
    manager = component()
    ledger.expect(minimum=1)

    def add_and_call() -> None:
        manager.add_server("a", echo)
        deliver(manager, ledger, "a")

    together(add_and_call, lambda: manager.add_server("a", echo))


def call_while_removed(component: Any, ledger: Any) -> None:
    """Call a server that another thread removes, then one that stays."""
    manager = serving(component, ["a", "b"])
    ledger.expect(minimum=1)

    def call() -> None:
        try:
            answer = manager.call("a", "echo", {"value": "to a"})
        except (UnknownServer, ServerStopped):
            return
        # None is the published way to refuse; row 4.4, not asked here.
        assert answer in ("to a", None), f"the call got {answer!r}"

    together(call, lambda: manager.remove_server("a"))
    deliver(manager, ledger, "b")


def stop_all(component: Any, ledger: Any, servers: list[str]) -> None:
    """Stop a manager; that ends all of its servers' threads."""
    before = enumerate_threads()
    manager = serving(component, servers)

    manager.stop()
    left = [thread.name for thread in enumerate_threads() if thread not in before]
    assert not left, f"still running: {left}"


def echo(function: str, args: dict[str, Any]) -> Any:
    """Answer with the value that came."""
    return args["value"]


def serving(component: Any, servers: list[str]) -> Any:
    """Make a manager with some servers."""
    manager = component()
    for server in servers:
        manager.add_server(server, echo)
    return manager


def deliver(manager: Any, ledger: Any, server: str) -> None:
    """Call a server that must answer."""
    ledger.sent(server, f"to {server}")
    ledger.received(server, manager.call(server, "echo", {"value": f"to {server}"}))


def call_while_breaking(component: Any, ledger: Any, breakdown: type[BaseException]) -> None:
    """Call a server, while another thread makes its tool raise ``breakdown``, then one that stays whole."""
    broken = Event()

    def tool(function: str, args: dict[str, Any]) -> Any:
        if broken.is_set():
            raise breakdown
        return args["value"]

    def call() -> None:
        try:
            answer = manager.call("a", "tool", {"value": "to a"})
        except RemoteError:
            return
        assert answer == "to a", f"the call got {answer!r}"

    manager = component()
    manager.add_server("a", tool)
    manager.add_server("b", echo)
    ledger.expect(minimum=1)

    together(call, broken.set)
    deliver(manager, ledger, "b")
