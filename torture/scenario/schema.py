"""What a scenario file may say. ``docs/scenario.schema.json`` is generated from here:

python -m torture.scenario.schema > docs/scenario.schema.json
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from torture.findings import FindingKind
from torture.oracles.accounting import Check
from torture.parallel.processes.faults import (
    BOUNDARIES,
    INSTANTS,
    KINDS,
    POWER_CUT,
    RANDOM,
    SLOW_FSYNC,
    Fault,
)
from torture.scenario.document import show

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = r"^([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h)$"
_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$"
_PROGRAM = r"^[^:\x00-\x1f]+\.py:[A-Za-z_]\w*$"
_COMPONENT = r"^([^:\x00-\x1f]+\.py|[A-Za-z_]\w*(\.[A-Za-z_]\w*)*):[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$"


def seconds(budget: str) -> float:
    """Return the seconds of a budget such as ``500ms``, ``5s`` or ``2m``; ValueError if it is none."""
    match = re.fullmatch(_DURATION, budget)
    if match is None or float(match[1]) <= 0:
        raise ValueError(budget)
    return float(match[1]) * _SECONDS[match[2]]


def broken(rule: str, key: str = "") -> PydanticCustomError:
    """Return the error of a rule that no type expresses; the text names the cure, ``key`` the entry at fault."""
    return PydanticCustomError("rule", "{rule}", {"rule": rule, "key": key})


def _budget(text: str) -> str:
    try:
        seconds(text)
    except ValueError:
        raise broken(f"budget {show(text)} is not a duration above zero; write 5s, 500ms or 2m") from None
    return text


def _written(pattern: str, what: str, example: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise broken(f"{what} {show(text)} is not understood; write {example}")
        return text

    return AfterValidator(check)


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Engine = Literal["explore", "stress", "processes"]
Strategy = Literal["auto", "random", "pct", "pos", "surw", "parking", "dpor", "bounded", "dfs"]
Count = Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]
Flag = Annotated[bool, Field(strict=True)]
Budget = Annotated[str, AfterValidator(_budget), Field(json_schema_extra={"pattern": _DURATION})]
Name = Annotated[
    str,
    _written(_NAME, "name", "letters, digits and . _ + - only, as in ring-1p1c"),
    Field(json_schema_extra={"pattern": _NAME}),
]
FileName = Annotated[str, _written(r"[^\x00-\x1f]+", "include", "the path of a scenario file")]
Program = Annotated[
    str, _written(_PROGRAM, "program", "file.py:function"), Field(json_schema_extra={"pattern": _PROGRAM})
]
Component = Annotated[
    str,
    _written(_COMPONENT, "component", "package.module:Class or file.py:Class"),
    Field(json_schema_extra={"pattern": _COMPONENT}),
]
Kinds = Annotated[
    tuple[FindingKind, ...],
    BeforeValidator(_as_list, json_schema_input_type=FindingKind | list[FindingKind]),
]


class Part(BaseModel):
    """A mapping in which only the known keys may stand."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _know_the_keys(cls, data: Any) -> Any:
        # Said here and not by `extra`, because here the known keys can be offered.
        for key in data if isinstance(data, dict) else ():
            if key not in cls.model_fields:
                raise PydanticCustomError(
                    "unknown_key", "{key}", {"key": key, "known": sorted(cls.model_fields)}
                )
        return data


class Settings(Part):
    """How a scenario is run; the nearest that says it counts: scenario, its file, the including file."""

    engine: Engine | None = Field(
        default=None, description="explore by default; processes needs a program that says its roles"
    )
    strategy: Strategy | None = None
    budget: Budget | None = Field(default=None, description="time for each variant, such as 5s, 500ms or 2m")
    executions: Count | None = Field(default=None, description="at most so many executions of each variant")
    seed: Annotated[int, Field(strict=True, ge=0, le=2**63)] | None = None
    granularity: Literal["free-threaded", "gil"] | None = None
    perturbation: Literal["off", "light", "heavy"] | None = Field(
        default=None, description="how much stress disturbs the threads; light by default; off needs quotes"
    )
    history: Flag | None = Field(
        default=None,
        description="stress writes every call of the component into history/ in the report directory",
    )


class Step(Part):
    """Calls of one method of the component, one after the other."""

    call: str = Field(description="method of the component")
    args: list[Any] = Field(
        default=[], description="'$i' is the repetition, '$thread' the name of the thread"
    )
    repeat: Count = 1
    every: Budget | None = Field(
        default=None,
        description="start each repetition so long after the one before; stress times overdue calls from then",
    )
    until: Any = Field(
        default=None, description="call again until it returns this; '$item' is anything but `empty`"
    )
    attempts: Count = Field(default=100, description="at most so many calls for one `until`")
    expect: Any = Field(default=None, description="a call that returns anything else fails")
    send: Flag = Field(default=False, description="report the first argument as sent, before the call")
    receive: Flag = Field(default=False, description="report each result but `empty` as received")
    empty: Any = Field(
        default=None, description="result that is no item; '$NAME' is taken from the component's module"
    )
    channel: str = "main"

    @model_validator(mode="after")
    def _send_something(self) -> Step:
        if self.send and not self.args:
            raise broken(
                f"step {self.call!r} sends, but has no args; the first of them is what it sends", "send"
            )
        if "attempts" in self.model_fields_set and "until" not in self.model_fields_set:
            raise broken(
                f"step {self.call!r} has attempts, but no until; add until, or write repeat", "attempts"
            )
        return self


class Variant(Part):
    """One class that the scenario is run against, and what must come out."""

    component: Component = Field(description="package.module:Class or file.py:Class")
    parameters: dict[str, Any] = Field(default={}, description="override those of the scenario")
    expect: Literal["passed", "failed", "unknown"]
    kind: Kinds = Field(
        default=(), description="the finding it must fail with, or several that are legitimate"
    )

    @model_validator(mode="after")
    def _name_the_kind(self) -> Variant:
        if self.expect == "failed" and not self.kind:
            raise broken("expect 'failed' has no kind; add what it fails with, such as kind: lost", "expect")
        if self.expect != "failed" and self.kind:
            raise broken(
                f"kind {show(self.kind[0].value)} with expect {self.expect!r}; remove it, or expect failed",
                "kind",
            )
        return self


class Disturbance(Part):
    """A fault that engine processes injects."""

    kind: Literal[KINDS]  # type: ignore[valid-type]  # one list for the engine and for the files
    role: Name | None = Field(default=None, description="who suffers it; any role by default")
    at: Literal[INSTANTS] = Field(  # type: ignore[valid-type]
        default=RANDOM, description="at random instants, or before every system call of the role in turn"
    )
    time: Budget | None = Field(
        default=None, description="of a stop, of a slow fsync, of a jump of the clock"
    )

    @model_validator(mode="after")
    def _strike_where_it_can(self) -> Disturbance:
        if self.at == BOUNDARIES and self.kind in (SLOW_FSYNC, POWER_CUT):
            raise broken(f"fault {self.kind!r} has no boundaries; remove 'at'", "at")
        return self

    def fault(self) -> Fault:
        """Return what the engine is given."""
        time = None if self.time is None else seconds(self.time)
        return Fault(self.kind, self.role or "", self.at, time)


class Scenario(Settings):
    """A program that is run against every variant."""

    name: Name
    fault: str = Field(default="", description="row of the fault catalogue, in quotes")
    description: str = ""
    program: Program | None = Field(default=None, description="file.py:function, relative to this file")
    threads: dict[Name, Annotated[list[Step], Field(min_length=1)]] | None = Field(
        default=None, min_length=1, description="steps of each thread, instead of a program"
    )
    setup: list[Step] = Field(default=[], description="steps before the threads start")
    checks: list[Check] = Field(default=[Check.EXACTLY_ONCE], min_length=1)
    parameters: dict[str, Any] = {}
    faults: list[Disturbance] = Field(default=[], description="what is done to its processes")
    variants: dict[Name, Variant] = Field(min_length=1)

    @model_validator(mode="after")
    def _have_one_program(self) -> Scenario:
        if (self.program is None) == (self.threads is None):
            state = (
                "neither program nor threads; add one" if self.program is None else "both program and threads"
            )
            raise broken(
                f"scenario {self.name!r} has {state}{'' if self.program is None else '; remove one'}"
            )
        if self.setup and self.threads is None:
            raise broken(f"scenario {self.name!r} has setup, but no threads; set up in the program", "setup")
        if self.faults and self.engine not in (None, "processes"):
            raise broken(f"engine {self.engine!r} injects no faults; write engine: processes", "faults")
        if Check.NONE in self.checks and len(self.checks) > 1:
            raise broken("checks 'none' stands with others; remove it, or the others", "checks")
        return self


class ScenarioFile(Part):
    """A scenario file of torture."""

    include: list[FileName] = Field(default=[], description="scenario files, relative to this one")
    defaults: Settings = Settings()
    scenarios: list[Scenario] = []

    @model_validator(mode="after")
    def _say_something(self) -> ScenarioFile:
        if not self.include and not self.scenarios:
            raise broken("the file has neither scenarios nor include; add one")
        return self


def json_schema() -> str:
    """Return the JSON schema of a scenario file, as it is committed."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **ScenarioFile.model_json_schema()}
    return json.dumps(_without_titles(schema), indent=2) + "\n"


def _without_titles(node: Any) -> Any:
    # Pydantic's titles only repeat the keys. A property may be called "title": those are mappings.
    if isinstance(node, dict):
        return {
            key: _without_titles(value)
            for key, value in node.items()
            if key != "title" or isinstance(value, dict)
        }
    return [_without_titles(value) for value in node] if isinstance(node, list) else node


if __name__ == "__main__":
    print(json_schema(), end="")
