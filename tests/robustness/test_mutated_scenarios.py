"""A thousand mutated scenario files: each loads, or is refused with file and line; nothing else happens."""

import os
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from torture.errors import UsageError
from torture.scenario.loader import load

pytestmark = pytest.mark.one_version
ROOT = Path(__file__).parents[2]
FILES = sorted(path for path in (ROOT / "scenarios").glob("*.yaml") if path.name != "all.yaml")
SEED = 20_000
REFUSED = re.compile(r"m\.yaml:[1-9]\d*: .+; .+")

# What no author writes by accident, and what one does.
TOKENS = [
    *[
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "-",
        "'",
        '"',
        "#",
        "|",
        ">",
        "&a ",
        "*a",
        "!!int ",
        "? ",
        "---\n",
        "...\n",
        "%",
    ],
    *[
        "\t",
        "\n",
        " ",
        "\r",
        "\\",
        "\x00",
        "\x1b",
        "\ufeff",
        "\ud7ff",
        "é",
        "\u2028",
        "🙂",
        '"\\ud800"',
        '"\\x00"',
    ],
    *[
        "null",
        "true",
        "yes",
        "0",
        "-1",
        "1e999",
        ".nan",
        "9" * 5000,
        "0x",
        "2020-13-45",
        "<<: ",
        "$EMPTY",
        "=",
        "~",
    ],
]
VALUES = [
    "null",
    "[]",
    "{}",
    "3",
    "-7",
    "1.5",
    "true",
    "word",
    "''",
    "[[[1]]]",
    "{a: {b: c}}",
    "'\\0'",
    "../x.yaml",
]


def mutate_bytes(text: str, rng: Random) -> bytes:
    data = bytearray(text.encode())
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(data))
        action = rng.randrange(4)
        if action == 0:
            data[place] = rng.randrange(256)
        elif action == 1:
            del data[place : place + rng.randint(1, 40)]
        elif action == 2:
            data[place:place] = rng.choice(TOKENS).encode()
        else:
            data[place] ^= 1 << rng.randrange(8)
        data = data or bytearray(b"x")
    return bytes(data)


def mutate_lines(text: str, rng: Random) -> bytes:
    lines = text.splitlines(keepends=True)
    place, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    action = rng.randrange(5)
    if action == 0:
        del lines[place]
    elif action == 1:
        lines.insert(place, lines[other])
    elif action == 2:
        lines[place], lines[other] = lines[other], lines[place]
    elif action == 3:
        lines[place] = " " * rng.randint(1, 8) + lines[place]
    else:
        lines = lines[:place]
    return "".join(lines).encode()


def mutate_values(text: str, rng: Random) -> bytes:
    found = rng.choice(list(re.finditer(r"(?<=: )[^,}\n]+", text)))
    return (text[: found.start()] + rng.choice(VALUES + TOKENS) + text[found.end() :]).encode()


def harmless(text: str, rng: Random) -> bytes:
    lines = text.splitlines(keepends=True)
    place = rng.randrange(len(lines) + 1)
    lines.insert(place, rng.choice(["\n", "# a remark: {not: read}\n", "   \n", "        # deep\n"]))
    changed = "".join(lines).replace("\n", rng.choice(["\n", "\r\n", "  \n", " # remark\n"]))
    return (rng.choice(["", "\ufeff"]) + re.sub(r"(description:) .*", r"\1 another text", changed)).encode()


def harmful(text: str, rng: Random) -> bytes:
    """Break one thing that must not be broken."""
    old, new = rng.choice(
        [
            (r"\n  - name: ", "\n  - nam: "),
            (r"expect: passed", "expect: pased"),
            (r"expect: passed", "expected: passed"),
            (r"kind: ", "kinds: "),
            (r"program: \S+", "program: no_such.py:function"),
            (r"component: ", "components: "),
            (r"variants:", "variant:"),
            (r"budget: \w+", "budget: soon"),
            (r"seed: \w+", "seed: [0]"),
            (r"defaults:", "default:"),
            (r"checks: \[[^]]*\]", "checks: [fifi]"),
        ]
    )
    places = list(re.finditer(old, text))
    if not places:
        return b"scenarios: {}\n"
    found = rng.choice(places)
    return (text[: found.start()] + new + text[found.end() :]).encode()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for program in (ROOT / "scenarios").glob("*.py"):
        (tmp_path / program.name).write_bytes(program.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def outcome(data: bytes) -> str:
    """Load a mutant; return "" or the refusal. Anything else that is raised fails the test."""
    Path("m.yaml").write_bytes(data)
    try:
        load(["m.yaml"])
    except UsageError as error:
        return str(error)
    return ""


def mutants(mutate, count):
    rng = Random(SEED)
    for _ in range(count):
        yield mutate(rng.choice(FILES).read_text(), rng)


def test_the_originals_load(folder):
    assert [outcome(path.read_bytes()) for path in FILES] == [""] * len(FILES)


@pytest.mark.parametrize("mutate", [mutate_bytes, mutate_lines, mutate_values])
def test_a_mutant_loads_or_is_refused_in_one_line_with_file_and_line(folder, mutate):
    refusals = [outcome(data) for data in mutants(mutate, 270)]

    assert [said for said in refusals if said and ("\n" in said or not REFUSED.fullmatch(said))] == []
    assert 10 < sum(map(bool, refusals)) < 270  # it mutates indeed, and not only into rubbish


def test_harmless_mutants_load(folder):
    assert [said for said in (outcome(data) for data in mutants(harmless, 95)) if said] == []


def test_harmful_mutants_are_refused(folder):
    refusals = [outcome(data) for data in mutants(harmful, 95)]

    assert all(REFUSED.fullmatch(said) for said in refusals), refusals


def test_the_command_line_refuses_them_in_one_line_and_status_2(folder):
    refused = [data for data in mutants(mutate_bytes, 40) if outcome(data)][:6]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    for data in refused:
        Path("m.yaml").write_bytes(data)
        command = [sys.executable, "-m", "torture", "list", "m.yaml"]
        done = subprocess.run(command, capture_output=True, env=environment, check=False)
        error = done.stderr.decode()
        assert (done.returncode, done.stdout) == (2, b"")
        assert error.count("\n") == 1
        assert error.startswith("torture: m.yaml:")
