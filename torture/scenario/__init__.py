"""Scenarios: what is run against a component, written in YAML, with the verdict each variant must get."""
