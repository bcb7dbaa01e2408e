"""Commands that look at what was made: review."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sora_cli.cli import console
from sora_cli.cli.options import Json


def review(
    film: Annotated[Path, typer.Argument(metavar="FILM", help="A film, ours or not; it stays as it is.")],
    gate: Annotated[bool, typer.Option("--gate", help="Exit with 1 where something falls short.")] = False,
    as_json: Json = False,
) -> None:
    """Say what holds in a film, shot by shot and join by join, and what falls short."""
    from sora_cli.flows import review as flow

    found = flow.review(film)
    if as_json:
        console.stdout_json(found.as_dict())
    else:
        console.show_table(flow.COLUMNS, found.table(), right=("at",))
    for remark in found.remarks:
        console.say(f"note: {remark}", "yellow")
    console.say(found.words, "green" if found.ok else "yellow")
    if gate and not found.ok:
        raise typer.Exit(1)
