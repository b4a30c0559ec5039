"""The rewriter holds for the standard library: it rewrites all of it, and what is rewritten still works."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest

from tests.unit.silent_points import Silent
from torture.instrument.rewrite import rewrite
from torture.trace.site import Site

GRANULARITIES = ("free-threaded", "gil")
MODULES = (
    "json.decoder", "json.encoder", "argparse", "logging", "collections", "dataclasses", "functools", "textwrap",
    "difflib", "ast", "inspect", "email.message", "http.client", "_pydecimal", "fractions", "statistics", "typing",
    "enum", "pathlib", "tempfile", "shutil", "subprocess", "heapq", "bisect", "random", "urllib.parse",
)  # fmt: skip


class Counting(Silent):
    """Points that count themselves and do the containment they are asked for."""

    def __init__(self) -> None:
        self.count = 0

    def access(self, site: Site, obj: object) -> None:
        self.count += 1

    def call(self, site: Site, function: object, first: object) -> object:
        self.count += 1
        return function


def _rewritten(code: CodeType, granularity: str, points: Counting) -> CodeType:
    return rewrite(code, points=points, granularity=granularity, module="m", mutable=lambda name: True)


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("name", MODULES)
def test_every_function_of_the_module_can_be_rewritten(name: str, granularity: str) -> None:
    code = _body(name)

    new = _rewritten(code, granularity, Counting())

    assert _all_positions(new) == _all_positions(code)


def _body(name: str) -> CodeType:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return compile(Path(spec.origin).read_bytes(), spec.origin, "exec", dont_inherit=True)


def _all_positions(code: CodeType) -> list[Any]:
    """Return the positions of ``code``, nested code included, in order, repetitions left out."""
    own: list[Any] = [position for position, _ in groupby(code.co_positions())]
    return own + [_all_positions(nested) for nested in code.co_consts if isinstance(nested, CodeType)]


def _load(name: str, granularity: str | None, points: Counting) -> ModuleType:
    """Return a second, private instance of a module: its body and all its functions rewritten."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    code = _body(name)
    if granularity is not None:
        code = _rewritten(code, granularity, points)
    before = sys.modules.get(name)
    sys.modules[name] = module  # dataclasses and enums look for it
    try:
        exec(code, module.__dict__)
    finally:
        if before is not None:
            sys.modules[name] = before
    return module


def _use_argparse(argparse: Any) -> Any:
    parser = argparse.ArgumentParser(prog="p", description="text " * 30)
    parser.add_argument("files", nargs="*", type=str)
    parser.add_argument("-n", "--number", type=int, default=3, choices=[3, 4])
    commands = parser.add_mutually_exclusive_group()
    commands.add_argument("--a", action="store_true")
    commands.add_argument("--b", action="append")
    return vars(parser.parse_args(["x", "y", "-n4", "--b", "1", "--b=2"])), parser.format_help()


def _use_difflib(difflib: Any) -> Any:
    one, two = list("abcdefg"), list("axcdfyg")
    return (
        list(difflib.unified_diff(one, two)),
        list(difflib.ndiff(one, two)),
        difflib.get_close_matches("appel", ["ape", "apple", "peach"]),
        difflib.SequenceMatcher(None, "abxcd", "abcd").get_opcodes(),
    )


def _use_decimal(decimal: Any) -> Any:
    context = decimal.Context(prec=30)
    two = decimal.Decimal(2)
    return [
        str(value)
        for value in (
            two.sqrt(context),
            two.ln(context),
            two ** decimal.Decimal("0.3"),
            decimal.Decimal("1e-7") / 3,
        )
    ]


def _use_json(decoder: Any) -> Any:
    text = '{"a": [1, 2.5, {"b": null}], "c": "\\u00e9\\n", "d": [true, false, []]}'
    scanner = decoder.JSONDecoder(object_pairs_hook=list)
    return decoder.JSONDecoder().decode(text), scanner.decode(text)


def _use_encoder(encoder: Any) -> Any:
    value = {"a": [1, 2.5, {"b": None}], "c": "\u00e9\n", "d": (True, False, [])}
    return encoder.JSONEncoder(indent=2, sort_keys=True).encode(value), list(
        encoder.JSONEncoder().iterencode(value)
    )


def _use_textwrap(textwrap: Any) -> Any:
    text = "    The quick brown fox-like animal jumps over the lazy dog, again and again. " * 4
    return (
        textwrap.wrap(text, 20),
        textwrap.fill(text, 33, initial_indent="> "),
        textwrap.dedent(text),
        textwrap.shorten(text, 40),
    )


USES: list[tuple[str, Callable[[Any], Any]]] = [
    ("argparse", _use_argparse),
    ("difflib", _use_difflib),
    ("_pydecimal", _use_decimal),
    ("json.decoder", _use_json),
    ("json.encoder", _use_encoder),
    ("textwrap", _use_textwrap),
]


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize(("name", "use"), USES, ids=[name for name, _ in USES])
def test_a_rewritten_module_gives_the_same_results(
    name: str, use: Callable[[Any], Any], granularity: str
) -> None:
    points = Counting()

    expected = use(_load(name, None, points))
    assert points.count == 0

    assert use(_load(name, granularity, points)) == expected
    assert points.count > 20
