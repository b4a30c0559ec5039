"""Tools: the functions of a server, by name, and who may run them."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from mcp_reference.router.call import Arguments, Handler

LIST_TOOLS = "tools/list"  # the function that every server with tools answers with their names


class Permission(StrEnum):
    """Whether a tool runs at once, or only after a confirmation."""

    MANUAL = "manual"
    AUTO = "auto"


def tool_handler(**functions: Callable[..., Any]) -> Handler:
    """Make a handler that answers ``tools/list`` and calls ``functions`` with the arguments as keywords.

    >>> tool_handler(add=lambda a, b: a + b)("add", {"a": 1, "b": 2})
    3
    """

    def handle(function: str, args: Arguments) -> Any:
        if function == LIST_TOOLS:
            return sorted(functions)
        if function not in functions:
            raise LookupError(f"no tool {function!r} here; there is {', '.join(sorted(functions)) or 'none'}")
        return functions[function](**args)

    return handle
