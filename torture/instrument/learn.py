"""Learn which Python modules run, and say which are never opened."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType, FrameType, TracebackType
from typing import Self

# Top-level packages that are never instrumented: torture itself, what it runs on, the import system, and
# tools whose own state would become part of the explored program.
NEVER = frozenset(
    {
        "torture", "greenlet", "importlib", "_frozen_importlib", "_frozen_importlib_external", "zipimport",
        "builtins", "sys", "abc", "_abc", "codecs", "encodings", "_weakrefset", "weakref", "warnings",
        "linecache", "traceback", "tokenize", "coverage", "pytest", "_pytest", "pluggy", "hypothesis", "rich",
        "gc", "opcode", "dis", "site", "runpy", "_distutils_hack",
    },
)  # fmt: skip
# Top-level packages whose lock operations are points while the rest is trusted, unless they are asked for.
TRUSTED = frozenset(
    {"threading", "queue", "concurrent", "asyncio", "selectors", "socket", "_threading_local", "ssl"},
)

# The modules of torture's own that run inside an execution and call library code for themselves.
_CALL_FOR_THEMSELVES = ("torture.strategies", "torture.exploration.recorder", "torture.exploration.places")
CHEAP = sys.version_info >= (3, 12)  # a block may be left open
_TOOL_IDS = (4, 3, 5, 2, 1, 0)  # free ones first: 0 to 2 and 5 are meant for debuggers, coverage, profilers


class ModuleLearner:
    """Record the module of every Python function that runs inside the ``with`` block.

    On 3.11 only threads and greenlets that called :meth:`enter_thread` are seen, besides the one
    that entered the block. There ``sys.setprofile`` copies the variables of the running frame at every event, and the
    copies keep the program's objects alive: what is watched is not what runs otherwise. From 3.12 on all are, and the block costs nothing after each function's
    first call, so it can be left open. What runs while ``relevant`` is false is not the target's.
    """

    def __init__(self, relevant: Callable[[], bool] = lambda: True) -> None:
        self._relevant = relevant
        self._names: set[str] = set()
        self._made: set[str] = set()
        self._is_instrumented: Callable[[CodeType], bool] | None = None
        self._leave: Callable[[], None] | None = None
        self._active = False

    @property
    def modules(self) -> frozenset[str]:
        """The ``__name__`` of the modules whose functions ran."""
        return frozenset(self._names)

    @property
    def made(self) -> frozenset[str]:
        """What the program compiled itself (``exec``) and ran without points, as it calls the files of that code."""
        return frozenset(self._made)

    def judge(self, is_instrumented: Callable[[CodeType], bool]) -> None:
        """Look from now on at each function that runs, whether it is instrumented."""
        self._is_instrumented = is_instrumented
        if sys.version_info >= (3, 12):
            sys.monitoring.restart_events()

    def __enter__(self) -> Self:
        self._active = True
        self._leave = self._watch()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._leave is not None:
            self._leave()
        self._active = False

    def enter_thread(self) -> None:
        """Watch the thread or greenlet that calls this, as the first thing it does."""
        if sys.version_info < (3, 12) and self._active:
            sys.setprofile(self._called)

    def _called(self, frame: FrameType, event: str, _: object) -> None:
        if not self._active:  # a greenlet that outlived the block
            sys.setprofile(None)
        elif event == "call":
            self._add(frame)

    def _add(self, frame: FrameType) -> bool:
        """Note the module of a frame; False where it has to be looked at again: somebody else called it."""
        name = frame.f_globals.get("__name__")
        if isinstance(name, str) and name.startswith("torture."):
            return True
        if not self._relevant():
            return False
        caller = frame.f_back
        while caller is not None:
            module = str(caller.f_globals.get("__name__"))
            if module.startswith("torture."):
                if module.startswith(_CALL_FOR_THEMSELVES):
                    return False
                break
            caller = caller.f_back
        if isinstance(name, str):
            self._names.add(name)
        code, is_instrumented = frame.f_code, self._is_instrumented
        if code.co_filename[:1] != "<" or code.co_filename.startswith("<frozen ") or is_instrumented is None:
            return True
        if not is_instrumented(code):
            self._made.add(code.co_filename)
        return True

    if sys.version_info >= (3, 12):

        def _watch(self) -> Callable[[], None]:
            monitoring = sys.monitoring
            start = monitoring.events.PY_START
            tool = next(tool for tool in _TOOL_IDS if monitoring.get_tool(tool) is None)

            def started(_code: CodeType, _offset: int) -> object:
                # A frame is the only way from an event to the globals.
                return monitoring.DISABLE if self._add(sys._getframe(1)) else None

            def leave() -> None:
                monitoring.set_events(tool, 0)
                monitoring.register_callback(tool, start, None)
                monitoring.free_tool_id(tool)

            monitoring.use_tool_id(tool, "torture")
            monitoring.register_callback(tool, start, started)
            monitoring.restart_events()  # what an earlier block disabled
            monitoring.set_events(tool, start)
            return leave

    else:

        def _watch(self) -> Callable[[], None]:
            before = sys.getprofile()
            sys.setprofile(self._called)
            return lambda: sys.setprofile(before)
