"""Commands to begin with: new, schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sora_cli.cli import console
from sora_cli.cli.options import Json
from sora_cli.texts import as_typed


def new(
    place: Annotated[Path, typer.Argument(help="Write it into this folder, or to this .yaml file.")] = Path(),
    as_json: Json = False,
) -> None:
    """Write a starter storyboard that teaches the format."""
    from sora_cli.storyboard.starter import write_starter

    path = write_starter(place)
    if as_json:
        console.stdout_json({"file": str(path)})
    else:
        console.stdout(str(path))
    console.say(f"next: sora storyboard {as_typed(path)}")


def schema(
    events: Annotated[bool, typer.Option("--events", help="Print the schema of a line of --events instead.")] = False,
) -> None:
    """Print the JSON Schema of storyboards, for editors."""
    from sora_cli.events import events_schema
    from sora_cli.storyboard.schema import json_schema

    console.stdout_json(events_schema() if events else json_schema())
