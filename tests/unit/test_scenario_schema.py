"""The committed schema is the model's, and accepts what the loader accepts."""

import json
from pathlib import Path
from typing import get_args

import jsonschema
import pytest
import yaml

from torture.scenario.schema import Strategy, json_schema, seconds
from torture.strategies import STRATEGIES

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "docs" / "scenario.schema.json"


def test_the_committed_schema_is_generated_from_the_model():
    cure = "python -m torture.scenario.schema > docs/scenario.schema.json"

    assert COMMITTED.read_text() == json_schema(), cure


@pytest.mark.parametrize("file", sorted((ROOT / "scenarios").glob("*.yaml")), ids=lambda path: path.name)
def test_the_schema_accepts_our_scenarios(file):
    schema = json.loads(COMMITTED.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)

    jsonschema.validate(yaml.safe_load(file.read_text()), schema, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    "wrong", [{"scenarioz": []}, {"defaults": {"strategy": "ptc"}}, {"defaults": {"budget": "5"}}]
)
def test_the_schema_refuses_what_the_loader_refuses(wrong):
    schema = json.loads(COMMITTED.read_text())

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema, cls=jsonschema.Draft202012Validator)


def test_a_scenario_may_ask_for_every_strategy():
    assert set(get_args(Strategy)) == {"auto", *STRATEGIES}


def test_a_budget_is_a_duration():
    assert [seconds(text) for text in ("500ms", "5s", "2m", "1.5h")] == [0.5, 5.0, 120.0, 5400.0]
    for wrong in ("5", "0s", "-1s", "5 s", "s", "5s\n"):
        with pytest.raises(ValueError, match=r".*"):
            seconds(wrong)
