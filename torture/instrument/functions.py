"""Put rewritten code into the functions of whole modules, and take it out again."""

from __future__ import annotations

import gc
import sys
import sysconfig
import weakref
from collections.abc import Collection, Container, Iterable
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

from torture.errors import InternalError
from torture.instrument.cells import nested_code
from torture.instrument.learn import NEVER
from torture.instrument.names import is_reflective, looks_at_deaths, written_names
from torture.instrument.natives import CHANGED_BY_C, has_foreign_code
from torture.instrument.points import Points
from torture.instrument.rewrite import rewrite
from torture.instrument.writer import Unit, unit_of
from torture.trace.site import Site

# C code keeps the answers of these for each class, and nothing puts that back: they run in the first execution only.
_ASKED_ONCE = frozenset({"__subclasshook__", "_check_methods", "_proto_hook"})


class Instrumenter:
    """Writes points into the functions of modules.

    Functions are found among the objects the garbage collector knows: ``gc.freeze()`` hides them, so
    install first. A function belongs to the module whose globals it uses, not to the one that
    ``functools.wraps`` wrote on it. Frames that already run keep their code.
    """

    def __init__(self, points: Points, granularity: str) -> None:
        self.skipped: tuple[str, ...] = ()  # "module.qualname: reason", sorted
        self.sites = 0  # places with a point in the code that is installed
        self.opened: frozenset[str] = frozenset()  # modules of which a function was found
        self._points = points
        self._granularity = granularity
        self._modules: frozenset[str] = frozenset()
        self._evidence: frozenset[str] = frozenset()
        self._names = CHANGED_BY_C
        self._reflective: set[str] = set()  # modules that may write any name
        self._searched: set[str] = set()  # modules whose body's names are in _names
        self._files: set[str] = set()  # of those bodies
        # Keyed by id: comparing code compares constants, and those of the code under test may do anything.
        # The values keep the keys' objects alive.
        self._rewritten: dict[int, tuple[CodeType, CodeType]] = {}  # original -> itself, rewritten
        self._original: dict[int, tuple[CodeType, CodeType]] = {}  # rewritten -> itself, original
        self._sites: dict[object, Site] = {}
        self._numbers = False  # objects may be loaded that an operator with a number changes
        self._left_out: frozenset[Unit] = frozenset()  # without points in the functions now
        # With all points -> itself, without those beside it.
        self._variant: dict[int, tuple[CodeType, CodeType]] = {}
        self._variant_of: frozenset[Unit] = frozenset()
        self._installed: weakref.WeakSet[FunctionType] = weakref.WeakSet()

    def install(self, modules: Collection[str], evidence: Collection[str] = ()) -> None:
        """Instrument all Python functions of ``modules``, besides those of earlier calls.

        ``evidence`` are modules that may write attributes but are not instrumented themselves.
        """
        self.leave_out(frozenset())
        before = self._numbers, self._any_name_mutable(), len(self._names)
        self._modules |= {name for name in modules if name.partition(".")[0] not in NEVER}
        self._evidence |= frozenset(evidence)
        functions = [(function, _home(function)) for function in _python_functions()]
        self._search_names(functions)
        self._numbers = has_foreign_code()
        if before != (self._numbers, self._any_name_mutable(), len(self._names)):
            self._rewritten.clear()  # some loads that were constant are not any more
        own = [
            (function, self._original_of(function.__code__), home)
            for function, home in functions
            if home in self._modules and function.__code__.co_name not in _ASKED_ONCE
        ]
        self.opened = frozenset(home for _, _, home in own)
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
        self.sites = sum(len(_own_sites(new)) for _, new in self._rewritten.values())

    @property
    def left_out(self) -> frozenset[Unit]:
        """The units whose points are out of the functions now."""
        return self._left_out

    def leave_out(self, units: frozenset[Unit]) -> None:
        """Take the points of these units out of all functions, put all others back.

        Functions that live only as long as an execution need nothing: their code belongs to the one that made them.
        """
        if units == self._left_out:
            return
        if self._left_out:
            self._replace({id(variant): full for full, variant in self._variant.values()})
        if units:
            if units != self._variant_of:
                self._variant_of = units
                self._variant = self._without(units)
            self._replace({key: variant for key, (_, variant) in self._variant.items()})
        self._left_out = units

    def _replace(self, codes: dict[int, CodeType]) -> None:
        for function in list(self._installed):
            code = codes.get(id(function.__code__))
            if code is not None:
                function.__code__ = code

    def _without(self, units: frozenset[Unit]) -> dict[int, tuple[CodeType, CodeType]]:
        """Rewrite what has a point of one of the units once more, without those."""
        found: dict[int, tuple[CodeType, CodeType]] = {}
        inside = {id(nested) for code, _ in self._rewritten.values() for nested in _all_nested(code)}
        for code, full in self._rewritten.values():
            sites = _sites(full)
            if id(code) not in inside and any(unit_of(site) in units for site in sites):
                variant = self._written(code, sites[0].module, units)
                for part, other in zip(_aligned(code, full), _aligned(code, variant), strict=True):
                    found[id(part)] = (part, other)
                    self._original[id(other)] = (other, self._original_of(part))
        return found

    def near(self, entered: Container[tuple[str, str]]) -> list[Site]:
        """Return the places with a point in the functions that were ``entered``, by module and qualified name, and in
        those that these mention by name: code that may run in another execution of the same program."""
        codes = [(code, sites) for code, full in self._rewritten.values() if (sites := _own_sites(full))]
        mentioned: set[str] = set()
        for code, sites in codes:
            if (sites[0].module, code.co_qualname) in entered:
                mentioned.update(code.co_names)
        found: list[Site] = []
        for code, sites in codes:
            names = code.co_qualname.split(".")
            called = names[-2] if len(names) > 1 and names[-1].startswith("__") else names[-1]
            if (
                (sites[0].module, code.co_qualname) in entered
                or called in mentioned
                or called.startswith("<")
            ):
                found += sites
        return found

    def names_written_outside(self) -> frozenset[str] | None:
        """Return the names that code without points may write, None where that may be any name."""
        if self._any_name_mutable():
            return None
        bodies = [_body(sys.modules.get(name)) for name in sorted(self._evidence - self._modules)]
        return frozenset().union(*(written_names(body) for body in bodies if body is not None))

    def is_instrumented(self, code: CodeType) -> bool:
        """Tell whether code is what a function was rewritten to."""
        return id(code) in self._original

    @property
    def looking_at_deaths(self) -> tuple[str, ...]:
        """The program's own and installed modules that may see when objects die."""
        names = sorted(
            name for name in self._modules if name.partition(".")[0] not in sys.stdlib_module_names
        )
        bodies = [(name, _body(sys.modules.get(name))) for name in names]
        return tuple(name for name, body in bodies if body is not None and looks_at_deaths(body))

    def uninstall(self) -> None:
        """Give every function its own original code again, also those made by instrumented ones since."""
        self._left_out = frozenset()
        for function in {*_python_functions(), *self._installed}:
            original = self._original_of(function.__code__)
            if original is not function.__code__:
                function.__code__ = original
        self._installed.clear()
        self._rewritten.clear()
        self._original.clear()
        self._forget_variants()
        self._sites.clear()
        self._modules = self._evidence = self.opened = frozenset()
        self._names = CHANGED_BY_C
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
        if originals:
            self._forget_variants()
        failed: dict[int, str] = {}
        for key, (code, home) in originals.items():
            if key in inside:
                continue
            try:
                new = self._written(code, home, frozenset())
            except (InternalError, IndexError, ValueError) as error:  # code made by strange tools
                failed.update((id(part), str(error)) for part in (code, *_all_nested(code)))
            else:
                self._remember(code, new)
        return failed

    def _forget_variants(self) -> None:
        self._variant.clear()
        self._variant_of = frozenset()

    def _written(self, code: CodeType, home: str, left_out: frozenset[Unit]) -> CodeType:
        return rewrite(
            code,
            points=self._points,
            granularity=self._granularity,
            module=home,
            mutable=_every if self._any_name_mutable() else self._names.__contains__,
            left_out=left_out,
            sites=self._sites,
            numbers=self._numbers,
        )

    def _remember(self, code: CodeType, new: CodeType) -> None:
        self._rewritten[id(code)] = (code, new)
        self._original[id(new)] = (new, code)
        for old_const, new_const in zip(code.co_consts, new.co_consts, strict=False):
            if isinstance(old_const, CodeType):
                self._remember(old_const, new_const)


def _every(_name: str) -> bool:
    return True


def _python_functions() -> list[FunctionType]:
    found = gc.get_objects()
    if _IMMORTALISES:
        found = _reachable(found)
    return [each for each in found if type(each) is FunctionType]


# A free-threaded CPython before 3.14 makes functions, classes and modules immortal when the first thread starts, and
# then the collector does not know them any more.
_IMMORTALISES = bool(sysconfig.get_config_var("Py_GIL_DISABLED")) and sys.version_info < (3, 14)
_IMMORTAL = (FunctionType, ModuleType, type, dict)  # of those a namespace


def _reachable(known: list[object]) -> list[object]:
    """Return what the collector knows, and what is immortal and can be reached from there or from the modules."""
    seen: dict[int, object] = {}
    level = [sys.modules, *known]
    while level:
        seen.update((id(each), each) for each in level)
        new = {id(each): each for each in gc.get_referents(*level) if isinstance(each, _IMMORTAL)}
        level = [each for key, each in new.items() if key not in seen]
    return list(seen.values())


def _home(function: FunctionType) -> str:
    name = function.__globals__.get("__name__")
    return name if isinstance(name, str) else str(function.__module__)


def _all_nested(code: CodeType) -> list[CodeType]:
    return [found for nested in nested_code(code) for found in (nested, *_all_nested(nested))]


def _own_sites(code: CodeType) -> list[Site]:
    return [constant for constant in code.co_consts if type(constant) is Site]


def _sites(code: CodeType) -> list[Site]:
    """Return the sites of a code object and of those inside it."""
    return [site for part in (code, *_all_nested(code)) for site in _own_sites(part)]


def _aligned(original: CodeType, written: CodeType) -> list[CodeType]:
    """Return what is written of a code object and of those inside it, in the original's order."""
    pairs = zip(original.co_consts, written.co_consts, strict=False)  # what was written added constants
    nested = [
        _aligned(old, new) for old, new in pairs if isinstance(old, CodeType) and isinstance(new, CodeType)
    ]
    return [written, *(part for parts in nested for part in parts)]


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
