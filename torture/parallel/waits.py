"""Tells from stacks and source who waits for whom: a lock by the ``with`` or ``acquire()`` that stands at a thread's line.

An expression is the same object for two threads if it starts at the same object: ``self.lock`` by the address of ``self``,
a global by its name and file. What has two names is not recognised; then no cycle is told, and the stacks are shown.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from dataclasses import dataclass

from torture.oracles.deadlock import Waiter
from torture.parallel.stacks import Frame, Stack

Key = tuple[object, ...]
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_ENDLESS = ("None", "-1")  # what py-spy shows of a timeout that is none


@dataclass(frozen=True, slots=True)
class _Wait:
    """What a thread waits for without a time limit; ``key`` is a lock's, ``thread`` a joined thread's identity."""

    operation: str
    resource: str
    key: Key | None = None
    thread: int = 0


def waiters(stacks: tuple[Stack, ...]) -> tuple[Waiter, ...]:
    """Return who waits for ever: the threads of a cycle, or all if every thread waits; () where neither is told."""
    waits = [_wait(stack) for stack in stacks]
    owners = {key: (index, line) for index, stack in enumerate(stacks) for key, line in _held(stack)}
    holders: list[int | None] = []
    for wait in waits:
        holder = owners.get(wait.key, (None, ""))[0] if wait is not None and wait.key else None
        if wait is not None and wait.thread:
            holder = next((i for i, stack in enumerate(stacks) if stack.identity == wait.thread), None)
        holders.append(holder)
    chosen = _cycle(holders) or (list(range(len(stacks))) if all(waits) else [])
    found = []
    for index in chosen:
        stack, wait, holder = stacks[index], waits[index], holders[index]
        if wait is None:
            return ()
        where = place(stack) if wait.operation == "import" else own(stack)
        since = owners[wait.key][1] if wait.key in owners else ""
        name = stacks[holder].thread if holder is not None and not wait.thread else ""
        found.append(
            Waiter(
                stack.thread,
                wait.operation,
                wait.resource,
                name,
                where.function,
                where.file,
                where.line,
                since,
            )
        )
    return tuple(found)


def _cycle(holders: list[int | None]) -> list[int]:
    """Return the first cycle of "waits for", [] where there is none."""
    for start in range(len(holders)):
        path: list[int] = []
        current: int | None = start
        while current is not None and current not in path:
            path.append(current)
            current = holders[current]
        if current == start:
            return path
    return []


def own(stack: Stack) -> Frame:
    """Return the innermost frame of the program."""
    return next((frame for frame in stack.frames if not frame.library), stack.frames[0])


def place(stack: Stack) -> Frame:
    """Return the innermost frame outside the standard library, for people: there is what can be mended."""
    return next((frame for frame in stack.frames if not frame.standard), stack.frames[0])


def _wait(stack: Stack) -> _Wait | None:
    """Return what the innermost call waits for, None where it may still go on."""
    top, place = stack.frames[0], own(stack)
    if stack.awaits:
        return _Wait("import", stack.awaits, ("import", stack.awaits))
    if top.library:
        if any(frame.values.get("timeout", "None") not in _ENDLESS for frame in _library_part(stack)):
            return None
        outer = _library_part(stack)[-1]
        if outer.name == "_wait_for_tstate_lock" or outer.name == "join":
            return _Wait("Thread.join", _text_at(place), thread=outer.addresses.get("self", 0))
        if outer.name in ("wait", "get", "put", "join", "acquire", "result", "wait_for"):
            return _Wait(outer.function, _text_at(place))
        if outer.name != "__enter__":
            return None
    for operation, expression in _blocking(place):
        return _Wait(operation, ast.unparse(expression), _key(place, expression))
    return None


def _library_part(stack: Stack) -> list[Frame]:
    part = []
    for frame in stack.frames:
        if not frame.library:
            break
        part.append(frame)
    return part


def _held(stack: Stack) -> Iterator[tuple[Key, str]]:
    """Yield the locks that a thread holds, with the words that say since where."""
    for module in stack.imports:
        yield ("import", module), " (which imports it)"
    for frame in stack.frames:
        function = _function(frame)
        if frame.library or function is None:
            continue
        taken: dict[Key, int] = {}
        for node in _walk(function):
            if isinstance(node, ast.With) and node.lineno <= frame.line <= (node.end_lineno or 0):
                inside = node.lineno < node.body[0].lineno <= frame.line  # on one line: it may still wait
                for item in node.items:
                    if inside or item.context_expr.lineno < frame.line:
                        taken[_key(frame, item.context_expr) or ()] = item.context_expr.lineno
            call = _method(node, ("acquire", "release"))
            if call is not None and node.lineno < frame.line:  # type: ignore[attr-defined]
                name, expression = call
                key = _key(frame, expression) or ()
                if name == "acquire":
                    taken[key] = expression.lineno
                else:
                    taken.pop(key, None)
        yield from ((key, f" (taken at {frame.file}:{line})") for key, line in taken.items() if key)


def _blocking(frame: Frame) -> Iterator[tuple[str, ast.expr]]:
    """Yield what may block at a frame's line: an ``acquire`` without a limit, or the head of a ``with`` block."""
    function = _function(frame)
    for node in _walk(function) if function is not None else ():
        if isinstance(node, ast.With):
            for item in node.items:
                expression = item.context_expr
                plain = isinstance(expression, ast.Name | ast.Attribute | ast.Subscript)
                if plain and expression.lineno == frame.line:
                    yield "with", expression
        call = _method(node, ("acquire",))
        if call is not None and node.lineno == frame.line:  # type: ignore[attr-defined]
            assert isinstance(node, ast.Call)
            if not node.args and not node.keywords:
                yield "acquire", call[1]


def _method(node: ast.AST, names: tuple[str, ...]) -> tuple[str, ast.expr] | None:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names:
        return node.func.attr, node.func.value
    return None


def _function(frame: Frame) -> ast.AST | None:
    """Return the innermost function of the frame's name around its line, or its module."""
    source = "".join(linecache.getlines(frame.file))
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return None
    if frame.name == "<module>":
        return tree
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, _Function)
        and node.name == frame.name
        and node.lineno <= frame.line <= (node.end_lineno or 0)
    ]
    return around[-1] if around else None


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what belongs to a function in source order, without the functions in it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, _Function | ast.Lambda | ast.ClassDef):
            yield child
            yield from _walk(child)


def _key(frame: Frame, expression: ast.expr) -> Key | None:
    """Return what identifies an expression's object, None where it cannot be told."""
    if isinstance(expression, ast.Name):
        address = frame.addresses.get(expression.id)
        return ("object", address) if address is not None else ("global", frame.file, expression.id)
    if isinstance(expression, ast.Attribute):
        base = _key(frame, expression.value)
        return (*base, expression.attr) if base is not None else None
    if isinstance(expression, ast.Subscript) and isinstance(expression.slice, ast.Constant):
        base = _key(frame, expression.value)
        return (*base, "[]", expression.slice.value) if base is not None else None
    return None


def _text_at(frame: Frame) -> str:
    return linecache.getline(frame.file, frame.line).strip() or "?"
