"""The published schema: valid, documented, and true to what the reader takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sora_cli.storyboard import json_schema, read_text, starter
from sora_cli.storyboard.nodes import read_word

STORIES = sorted((Path(__file__).parents[2] / "storyboards").glob("*.yaml"))


class Core(yaml.SafeLoader):
    """Reads scalars as editors do, which is the YAML 1.2 way."""


Core.yaml_implicit_resolvers = {}
Core.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile("<<"), ["<"])
Core.add_constructor("tag:yaml.org,2002:str", lambda loader, node: _word(loader.construct_scalar(node), node.style))


def _word(text: str, style: str | None) -> object:
    value = text if style else read_word(text)
    return value if isinstance(value, (bool, str)) or value is None else json.loads(json.dumps(value))


def subschemas(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from subschemas(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from subschemas(value)


def test_every_key_is_described() -> None:
    schema = json_schema()
    forms = [schema, *schema["$defs"].values()]
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    for form in forms:
        assert form["description"]
        assert form["additionalProperties"] is False
        for key, value in form["properties"].items():
            assert value["description"], key


def test_patterns_are_patterns_and_nothing_may_be_null() -> None:
    for part in subschemas(json_schema()):
        if isinstance(part.get("pattern"), str):
            re.compile(part["pattern"])
        assert part.get("type") != "null"


def test_shots_and_beats_may_be_bare_and_words_are_offered() -> None:
    schema = json_schema()
    assert {"minLength": 1, "type": "string"} in schema["properties"]["shots"]["items"]["oneOf"]
    assert {"minLength": 1, "type": "string"} in schema["$defs"]["ShotForm"]["properties"]["beats"]["items"]["oneOf"]
    framing = schema["$defs"]["ShotForm"]["properties"]["framing"]["anyOf"]
    assert "over-shoulder" in framing[0]["enum"]


def test_it_agrees_with_the_reader() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.check_schema(json_schema())
    texts = [path.read_text(encoding="utf-8") for path in STORIES] + [starter()]
    texts += [
        "vars: {d: 3, f: wide}\nshots: [{prompt: a, duration: '${d}s', framing: '${f}', takes: '${d}', seed: '${d}'}]",
        "output: {size: 64x64, fps: 30000/1001}\nlook: off\npolicy: off\nprovenance: {watermark: off}\nshots: [a]",
        "x-a: {b: [1]}\nlook: false\nshots: [{beats: [a, {prompt: b, dialogue: {cast: c, line: d, at: 1s}}]}]",
        "shots: [a, {prompt: b, from: {shot: c, at: start}, to: x.png, transition: wipe left 0.5s, title: The End}]",
    ]
    for text in texts:
        assert list(validator.iter_errors(yaml.load(text, Loader=Core))) == []  # noqa: S506  builds no objects
    shots = (
        "[{promt: a}]",
        "[{prompt: a, transition: {kind: jump}}]",
        "{}",
        "[{prompt: a, duration: soon}]",
        "[{beats: []}]",
    )
    films = ("seed: -1", "output: {size: big}", "storyboard: 2", "look: {strength: 2}", "titel: x")
    for wrong in (*(f"shots: {written}" for written in shots), *(f"{written}\nshots: [a]" for written in films)):
        assert list(validator.iter_errors(yaml.load(wrong, Loader=Core))), wrong  # noqa: S506
        assert read_text(wrong, folder=Path(), name="x").problems
