"""Commands that hand over: import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sora_cli.cli import console
from sora_cli.cli.options import Json, Overwrite
from sora_cli.errors import counted


def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A Fountain screenplay, a shot list in CSV, a .storyboarder project.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="STORYBOARD", help="Write the storyboard here; beside FILE else."),
    ] = None,
    *,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Make a storyboard of a screenplay, a shot list or boards."""
    from sora_cli.flows.bring import bring

    made = bring(file, output, overwrite=overwrite)
    if as_json:
        console.stdout_json(made.as_dict())
    else:
        console.stdout(str(made.path))
    console.show_problems(made.remarks, style="yellow")
    console.say(
        f"{counted(made.scenes, 'scene')}, {counted(made.shots, 'shot')}; next: sora check {made.path}", "green"
    )
