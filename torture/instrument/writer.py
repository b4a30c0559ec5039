"""Collects what is written into one code object."""

from __future__ import annotations

from collections.abc import Callable, Collection
from types import CodeType

from torture.instrument import opcodes as o
from torture.instrument.layout import Edits, Layout
from torture.instrument.points import Points
from torture.trace.site import NAMED, Form, Kind, Site

_SIMPLE_LOADS = o.ops("LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_DEREF", "LOAD_NAME")


# What points are left out by: the name of an attribute, global or cell; else a form of operation in one function.
Unit = str | tuple[str, str, Form]


def unit_of(site: Site) -> Unit:
    """Return what a site is left out with."""
    return site.name if site.form in NAMED else (site.module, site.function, site.form)


class Plan:
    """What is the same for all code objects of one rewrite."""

    __slots__ = ("_left_out", "_mutable", "callbacks", "gil", "module", "numbers", "sites")

    def __init__(
        self,
        points: Points,
        granularity: str,
        module: str,
        mutable: Callable[[str], bool],
        left_out: Collection[Unit],
        sites: dict[object, Site],
        *,
        numbers: bool,
    ) -> None:
        self.gil = granularity == "gil"
        self.module = module
        self.numbers = numbers
        self._mutable = mutable
        self._left_out = left_out
        self.sites = sites
        self.callbacks: dict[str, object] = {
            "access": points.access,
            "store": points.store,
            "item": points.item,
            "store_item": points.store_item,
            "store_slice": points.store_slice,
            "container": points.container,
            "source": points.source,
            "delete_item": points.delete_item,
            "match_keys": points.match_keys,
            "match_class": points.match_class,
            "shown": points.shown,
            "operator": points.operator,
            "contains": points.contains,
            "call": points.call,
            "enter": points.enter,
            "called": points.called,
            "first_of": _first_of,
        }

    def matters(self, name: str, kind: Kind) -> bool:
        """Say whether an access to an attribute or a global of this name gets a point."""
        return name not in self._left_out and (kind is Kind.WRITE or self._mutable(name))

    def keeps(self, unit: Unit) -> bool:
        """Say whether a unit's points are not left out."""
        return unit not in self._left_out


class Writer:
    """Collects the edits of one code object."""

    __slots__ = ("code", "consts", "edits", "landing", "layout", "loads", "plan", "settled")

    def __init__(
        self,
        code: CodeType,
        layout: Layout,
        plan: Plan,
        settled: frozenset[str],
        consts: list[object],
    ) -> None:
        self.code = code
        self.layout = layout
        self.plan = plan
        self.settled = settled
        self.consts = consts  # grows
        self.edits = Edits()
        self.landing = frozenset(layout.targets.values())
        self.loads: dict[str, bytes] = {}  # what begins the call of each callback

    def keeps(self, form: Form) -> bool:
        """Say whether the function's operations of a form that has no names get points."""
        return self.plan.keeps((self.plan.module, self.code.co_qualname, form))

    def constant(self, value: object) -> bytes:
        self.consts.append(value)
        return o.encode(o.LOAD_CONST, len(self.consts) - 1)

    def none(self) -> bytes:
        load = self.loads.get("None")
        if load is None:
            load = self.loads["None"] = self.constant(None)
        return load

    def begin(self, callback: str) -> bytes:
        load = self.loads.get(callback)
        if load is None:
            load = self.loads[callback] = o.begin_call(self.constant(self.plan.callbacks[callback]))
        return load

    def site(self, index: int, kind: Kind, form: Form, name: str = "") -> bytes:
        code, sites = self.code, self.plan.sites
        key = (id(code), index, kind, form, name)
        site = sites.get(key)
        if site is None:  # a place is one site in all that is written of it
            line = self.layout.lines[index]
            site = Site(kind, form, name, code.co_qualname, self.plan.module, code.co_filename, line)
            sites[key] = site
        return self.constant(site)

    def before(self, index: int, written: bytes) -> None:
        self.edits.before[index] = self.edits.before.get(index, b"") + written

    def previous(self, index: int) -> int:
        """Return the opcode before ``index`` where it is the only way there, else ABSENT."""
        return self.layout.ops[index - 1] if index and index not in self.landing else o.ABSENT

    def loaded_constant(self, index: int) -> tuple[object, ...]:
        """Return the constant that the instruction loads, in a tuple, or an empty one."""
        if index < 0 or self.layout.ops[index] != o.LOAD_CONST:
            return ()
        return (self.code.co_consts[self.layout.args[index]],)

    def constant_operand(self, index: int, types: tuple[type, ...]) -> bool:
        """Say whether an operand of the binary operation at ``index`` is statically of ``types``, which leave the other
        one alone."""
        if index in self.landing or self.plan.numbers:
            return False
        operand = self.loaded_constant(index - 1)
        if not operand and self.previous(index) in _SIMPLE_LOADS and index - 1 not in self.landing:
            operand = self.loaded_constant(index - 2)
        return bool(operand) and isinstance(operand[0], types)


def _first_of(args: object) -> object:
    """Return the first element of an exact tuple, None of anything that would have to be iterated."""
    return args[0] if type(args) is tuple and args else None
