"""Put rewritten code into the functions of whole modules, and take it out again."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Collection, Iterable
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

from torture.errors import InternalError
from torture.instrument.cells import nested_code
from torture.instrument.learn import NEVER
from torture.instrument.names import is_reflective, written_names
from torture.instrument.points import Points
from torture.instrument.rewrite import rewrite
from torture.trace.site import Site


class Instrumenter:
    """Writes points into the functions of modules.

    Functions are found among the objects the garbage collector knows: ``gc.freeze()`` hides them, so
    install first. A function belongs to the module whose globals it uses, not to the one that
    ``functools.wraps`` wrote on it. Frames that already run keep their code.
    """

    def __init__(self, points: Points, granularity: str) -> None:
        self.skipped: tuple[str, ...] = ()  # "module.qualname: reason", sorted
        self.sites = 0  # places with a point in the code that is installed
        self._points = points
        self._granularity = granularity
        self._modules: frozenset[str] = frozenset()
        self._evidence: frozenset[str] = frozenset()
        self._names: frozenset[str] = frozenset()
        self._reflective: set[str] = set()  # modules that may write any name
        self._searched: set[str] = set()  # modules whose body's names are in _names
        self._files: set[str] = set()  # of those bodies
        # Keyed by id: comparing code compares constants, and those of the code under test may do anything.
        # The values keep the keys' objects alive.
        self._rewritten: dict[int, tuple[CodeType, CodeType]] = {}  # original -> itself, rewritten
        self._original: dict[int, tuple[CodeType, CodeType]] = {}  # rewritten -> itself, original
        self._installed: weakref.WeakSet[FunctionType] = weakref.WeakSet()

    def install(self, modules: Collection[str], evidence: Collection[str] = ()) -> None:
        """Instrument all Python functions of ``modules``, besides those of earlier calls.

        ``evidence`` are modules that may write attributes but are not instrumented themselves.
        """
        all_before = self._any_name_mutable()
        names_before = len(self._names)
        self._modules |= {name for name in modules if name.partition(".")[0] not in NEVER}
        self._evidence |= frozenset(evidence)
        functions = [(function, _home(function)) for function in _python_functions()]
        self._search_names(functions)
        if (names_before, all_before) != (len(self._names), self._any_name_mutable()):
            self._rewritten.clear()  # some loads that were constant are not any more
        own = [
            (function, self._original_of(function.__code__), home)
            for function, home in functions
            if home in self._modules
        ]
        failed = self._rewrite([(code, home) for _, code, home in own])
        for function, code, _ in own:
            new = self._rewritten.get(id(code), (code, code))[1]
            if function.__code__ is not new:
                function.__code__ = new
                self._installed.add(function)
        reasons = {
            f"{home}.{code.co_qualname}: {failed[id(code)]}" for _, code, home in own if id(code) in failed
        }
        self.skipped = tuple(sorted(reasons))
        self.sites = sum(_count_sites(new) for _, new in self._rewritten.values())

    def is_instrumented(self, code: CodeType) -> bool:
        """Tell whether code is what a function was rewritten to."""
        return id(code) in self._original

    def uninstall(self) -> None:
        """Give every function its own original code again, also those made by instrumented ones since."""
        for function in {*_python_functions(), *self._installed}:
            original = self._original_of(function.__code__)
            if original is not function.__code__:
                function.__code__ = original
        self._installed.clear()
        self._rewritten.clear()
        self._original.clear()
        self._modules = self._evidence = self._names = frozenset()
        for known in (self._reflective, self._searched, self._files):
            known.clear()
        self.skipped = ()
        self.sites = 0

    def _original_of(self, code: CodeType) -> CodeType:
        pair = self._original.get(id(code))
        return code if pair is None else pair[1]

    def _search_names(self, functions: list[tuple[FunctionType, str]]) -> None:
        """Collect which names modules and evidence may write, and which modules may write any."""
        searched = self._modules | self._evidence
        codes: list[tuple[str, CodeType]] = []
        for name in sorted(searched - self._searched):
            body = _body(sys.modules.get(name))
            if body is not None:
                codes.append((name, body))
                self._files.add(body.co_filename)
        self._searched |= searched
        # Functions that no file contains, such as the __init__ of a dataclass.
        unfiled = {
            id(code): (home, code)
            for function, home in functions
            if home in searched
            and (code := self._original_of(function.__code__)).co_filename not in self._files
        }
        codes += unfiled.values()
        self._names = self._names.union(*(written_names(code) for _, code in codes))
        # The standard library writes by name what it is told to, and the names it is told are constants of its
        # callers or its own: both are among the written names.
        self._reflective.update(
            name
            for name, code in codes
            if name.partition(".")[0] not in sys.stdlib_module_names
            and not code.co_filename.startswith("<")
            and is_reflective(code)
        )

    def _any_name_mutable(self) -> bool:
        return not self._reflective.isdisjoint(self._modules)

    def _rewrite(self, codes: Iterable[tuple[CodeType, str]]) -> dict[int, str]:
        """Rewrite each code once, a function inside another one as part of that one, which owns its cells.

        Returns why it failed, by the id of the code.
        """
        originals = {id(code): (code, home) for code, home in codes if id(code) not in self._rewritten}
        inside = {id(nested) for code, _ in originals.values() for nested in _all_nested(code)}
        mutable = _every if self._any_name_mutable() else self._names.__contains__
        failed: dict[int, str] = {}
        for key, (code, home) in originals.items():
            if key in inside:
                continue
            try:
                new = rewrite(
                    code, points=self._points, granularity=self._granularity, module=home, mutable=mutable
                )
            except (InternalError, IndexError, ValueError) as error:  # code made by strange tools
                failed.update((id(part), str(error)) for part in (code, *_all_nested(code)))
            else:
                self._remember(code, new)
        return failed

    def _remember(self, code: CodeType, new: CodeType) -> None:
        self._rewritten[id(code)] = (code, new)
        self._original[id(new)] = (new, code)
        for old_const, new_const in zip(code.co_consts, new.co_consts, strict=False):
            if isinstance(old_const, CodeType):
                self._remember(old_const, new_const)


def _every(_name: str) -> bool:
    return True


def _python_functions() -> list[FunctionType]:
    return [found for found in gc.get_objects() if type(found) is FunctionType]


def _home(function: FunctionType) -> str:
    name = function.__globals__.get("__name__")
    return name if isinstance(name, str) else str(function.__module__)


def _all_nested(code: CodeType) -> list[CodeType]:
    return [found for nested in nested_code(code) for found in (nested, *_all_nested(nested))]


def _count_sites(code: CodeType) -> int:
    return sum(type(constant) is Site for constant in code.co_consts)


def _body(module: ModuleType | None) -> CodeType | None:
    """Return the code of a module's body, None for one that is not Python or has no source."""
    spec = getattr(module, "__spec__", None)
    loader = getattr(spec, "loader", None) or getattr(module, "__loader__", None)
    get_code = getattr(loader, "get_code", None)  # pytest's loader has none
    file = str(getattr(module, "__file__", ""))
    try:
        if get_code is not None:
            code = get_code(getattr(spec, "name", None) or getattr(module, "__name__", ""))
        elif file.endswith(".py"):
            code = compile(Path(file).read_bytes(), file, "exec", dont_inherit=True)
        else:
            return None
    except (ImportError, OSError, SyntaxError, ValueError):
        return None
    return code if isinstance(code, CodeType) else None
