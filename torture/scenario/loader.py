"""From scenario files to cases: one case is one scenario with one variant.

Everything that can be wrong in a file is said here, before anything runs.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from torture.errors import UsageError
from torture.scenario.document import Document, Place, read, show, siblings, suggestion
from torture.scenario.schema import Scenario, ScenarioFile, Settings, Variant, seconds


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario with one variant, with the settings that count for it."""

    file: str
    scenario: Scenario
    variant_name: str
    variant: Variant
    engine: str = "explore"
    strategy: str = "auto"
    budget: float | None = None  # seconds
    executions: int | None = None
    seed: int = 0
    granularity: str = "free-threaded"
    perturbation: str = "light"
    history: bool = False

    @property
    def name(self) -> str:
        """Return ``scenario/variant``."""
        return f"{self.scenario.name}/{self.variant_name}"

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the scenario, overridden by those of the variant."""
        return {**self.scenario.parameters, **self.variant.parameters}


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A file that fits the schema."""

    document: Document
    content: ScenarioFile

    def place(self, scenario: Scenario, *further: str | int) -> Place:
        """Return the place of a scenario, or of something in it."""
        index = next(i for i, each in enumerate(self.content.scenarios) if each is scenario)
        return ("scenarios", index, *further)


def load(files: Sequence[str]) -> tuple[Case, ...]:
    """Return the cases of scenario files and what they include, in the order in which they stand.

    Raises UsageError, which names file, line, value and cure.
    """
    walk = _Walk()
    return tuple(case for file in files for case in walk.cases(file))


def load_case(file: str, name: str, variant: str) -> tuple[Case, Document, Place]:
    """Return one case of one file, without what the file includes, and the place of its variant.

    Settings of an including file are not seen: they decide how a case is run, not what it does.
    """
    loaded = _load_file(file)
    for scenario in loaded.content.scenarios:
        if scenario.name == name and variant in scenario.variants:
            place = loaded.place(scenario, "variants", variant)
            return Case(file, scenario, variant, scenario.variants[variant]), loaded.document, place
    known = [f"{scenario.name}/{each}" for scenario in loaded.content.scenarios for each in scenario.variants]
    raise UsageError(
        f"{file}: scenario '{name}/{variant}' is unknown; {suggestion(f'{name}/{variant}', known)}"
    )


class _Walk:
    """Follows the includes; knows which files and names it has met, and where."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}  # real path -> where it was asked for
        self._names: dict[str, str] = {}  # scenario -> where it stands

    def cases(self, file: str) -> Iterator[Case]:
        """Yield the cases of a file named on the command line."""
        real = os.path.realpath(file)
        if real in self._files:
            raise UsageError(f"{file}: was given already by {self._files[real]}; give it once")
        self._files[real] = "the command line"
        yield from self._file(file, (), {})

    def _file(self, file: str, outer: tuple[Settings, ...], chain: dict[str, str]) -> Iterator[Case]:
        """Yield the cases of a file; ``chain`` says of each file around it where it goes on to this one."""
        loaded = _load_file(file)
        document, content = loaded.document, loaded.content
        layers = (content.defaults, *outer)
        for index, include in enumerate(content.include):
            place: Place = ("include", index)
            path = os.path.normpath(os.path.join(os.path.dirname(file), include))
            real = os.path.realpath(path)
            here = {**chain, os.path.realpath(file): document.where(place)}
            if real in here:
                raise document.error(
                    place, f"include {include!r} closes a cycle that starts at {here[real]}; remove one"
                )
            if real in self._files:
                raise document.error(
                    place, f"include {include!r} is there already by {self._files[real]}; remove one"
                )
            if not os.path.isfile(path):
                raise document.error(place, _no_file("include", include, file, ".yaml"))
            self._files[real] = document.where(place)
            yield from self._file(path, layers, here)
        for scenario in content.scenarios:
            place = loaded.place(scenario, "name")
            if scenario.name in self._names:
                before = self._names[scenario.name]
                raise document.error(place, f"name {scenario.name!r} is taken at {before}; choose another")
            self._names[scenario.name] = document.where(place)
            _check_references(loaded, scenario)
            settings = _settle((scenario, *layers))
            for name, variant in scenario.variants.items():
                yield Case(file, scenario, name, variant, **settings)


def _settle(layers: Sequence[Settings]) -> dict[str, Any]:
    """Return the settings that some layer says, the nearest first."""
    settings = {
        name: next((value for layer in layers if (value := getattr(layer, name)) is not None), None)
        for name in Settings.model_fields
    }
    if settings["budget"] is not None:
        settings["budget"] = seconds(settings["budget"])
    return {name: value for name, value in settings.items() if value is not None}


def _load_file(file: str) -> _Loaded:
    document = read(file)
    try:
        return _Loaded(document, ScenarioFile.model_validate(document.value))
    except ValidationError as error:
        details = [(_place(document, detail), detail) for detail in error.errors(include_url=False)]
        # A misspelt key that is required is both unknown and missing: the first says more.
        details.sort(key=lambda found: (found[1]["type"] != "unknown_key", document.line(found[0])))
        place, detail = details[0]
        raise document.error(place, _complaint(place, detail)) from None


def _place(document: Document, detail: ErrorDetails) -> Place:
    """Return where an error stands: pydantic's location also names things that are not in the file."""
    place: Place = ()
    for part in detail["loc"]:
        if (*place, part) in document.lines:
            place = (*place, part)
    key = detail.get("ctx", {}).get("key")  # of ours: the entry in the mapping that pydantic names
    return (*place, key) if key else place


_SHAPES = {
    "string_type": "text; put it in quotes",
    "int_type": "a whole number; write one such as 3",
    "bool_type": "true or false; write one of them",
    "list_type": "a list; write [ ... ]",
    "tuple_type": "a list; write [ ... ]",
    "dict_type": "a mapping; write key: value",
    "model_type": "a mapping; write key: value",
    "model_attributes_type": "a mapping; write key: value",
}


def _complaint(place: Place, detail: ErrorDetails) -> str:
    """Return what is wrong and the cure."""
    kind, context, value = detail["type"], detail.get("ctx", {}), detail["input"]
    name = next((part for part in reversed(place) if isinstance(part, str)), "the file")
    name = name if name.isprintable() else repr(name)
    what = f"{name} {show(value)}" if place else "the file"
    if kind == "rule":
        return str(context["rule"])
    if kind == "unknown_key":
        return f"key {context['key']!r} is unknown; {suggestion(context['key'], context['known'])}"
    if kind in ("literal_error", "enum"):
        choices = re.findall("'([^']*)'", context["expected"])
        return f"{what} is unknown; {suggestion(value, choices)}"
    if kind == "missing":
        holder = f"entry {place[-1] + 1} of {name}" if place and isinstance(place[-1], int) else name
        return f"{holder} has no {str(detail['loc'][-1])!r}; add it"
    if kind in _SHAPES:
        return f"{what} is not {_SHAPES[kind]}"
    if kind in ("greater_than_equal", "less_than_equal"):
        limit = f"{context['ge']} or more" if "ge" in context else f"{context['le']} or less"
        return f"{what} is out of range; write {limit}"
    if kind == "too_short":
        return f"{name} is empty; add what belongs there or remove it"
    return f"{what}: {detail['msg']}; see docs/scenario.schema.json"


def _check_references(loaded: _Loaded, scenario: Scenario) -> None:
    """Raise if a file, or a name in it, that the scenario refers to does not exist.

    Components in packages are not looked for: that would import code under test here.
    """
    file = loaded.document.file
    if scenario.program is not None:
        problem = _missing(file, "program", scenario.program)
        if problem:
            raise loaded.document.error(loaded.place(scenario, "program"), problem)
    for name, variant in scenario.variants.items():
        problem = _missing(file, "component", variant.component)
        if problem:
            raise loaded.document.error(loaded.place(scenario, "variants", name, "component"), problem)


def _missing(file: str, what: str, reference: str) -> str | None:
    """Return what is wrong with ``file.py:name``, or None."""
    path, _, name = reference.partition(":")
    if not path.endswith(".py"):
        return None
    source = os.path.join(os.path.dirname(file), path)
    if not os.path.isfile(source):
        return _no_file(what, reference, file, ".py")
    try:
        with open(source, "rb") as stream:
            tree = ast.parse(stream.read(), source)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        return f"{what} {reference!r} cannot be read: {source}:{line}: {type(error).__name__}; mend it"
    names = _top_level_names(tree)
    first = name.partition(".")[0]
    if first in names or "*" in names:
        return None
    return f"{what} {reference!r} names nothing in {source}; {suggestion(first, names)}"


def _top_level_names(tree: ast.Module) -> set[str]:
    """Return the names a module may bind; names in functions do no harm here."""
    names: set[str] = set()
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(statement.name)
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.alias):
                names.add(node.asname or node.name.partition(".")[0])
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.add(node.name)
    return names


def _no_file(what: str, reference: str, file: str, ending: str) -> str:
    folder = os.path.dirname(file) or "."
    beside = [entry for entry in siblings(file) if entry.endswith(ending)]
    path = os.path.normpath(os.path.join(folder, reference.partition(":")[0]))
    return f"{what} {reference!r} names no file ({path}); {suggestion(reference.partition(':')[0], beside)}"
