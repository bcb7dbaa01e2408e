"""The command that makes straight films of a story by choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from sora_cli.cli import console
from sora_cli.cli.make import make_options, show_film
from sora_cli.cli.options import (
    Board,
    BoardOptions,
    Draft,
    LimitOptions,
    Out,
    ReleaseOptions,
    ReportOptions,
    WorkerOptions,
)
from sora_cli.cli.session import working
from sora_cli.errors import RequestError, counted
from sora_cli.texts import as_typed

if TYPE_CHECKING:
    from sora_cli.record.sidecar import ReleasedFilm


def play(
    file: Board,
    output: Out = None,
    path: Annotated[
        str | None,
        typer.Option(
            "--path", metavar="A,B", help="Take these choices, by the shots that they lead to, or their words."
        ),
    ] = None,
    all_paths: Annotated[
        bool, typer.Option("--all-paths", help="Make a film of every path that takes no choice twice.")
    ] = False,
    draft: Draft = False,
    *,
    reading: BoardOptions,
    release: ReleaseOptions,
    reporting: ReportOptions,
    limits: LimitOptions,
    workers: WorkerOptions,
) -> None:
    """Make straight films of a storyboard with choices."""
    from sora_cli.flows import interactive, parts, preflight
    from sora_cli.flows import play as flow

    with working(reporting, limits, workers) as (report, studio):
        board = preflight.load(file, **reading.asked(), executor=workers.executor)
        interactive.require_choices(board)
        if (path is None) == (not all_paths):
            hint = f"sora play {as_typed(file)} --all-paths"
            raise RequestError("say which films you want: --path A,B or --all-paths", hint=hint)
        names = [name.strip() for name in (path or "").split(",") if name.strip()]
        wanted = flow.every(board) if all_paths else [flow.chosen(board, names)]
        outs, kind = flow.films(board, wanted, output, release.deliver)
        how = make_options(release, draft=draft)
        planned = parts.planned(board, outs, how, deliver=kind)
        made = list(parts.films(planned, report=report, studio=studio, how=how, deliver=kind))
    if all_paths:
        _show_films(made, wanted, reporting)
    else:
        show_film(made[0], as_json=reporting.as_json)


def _show_films(made: Sequence[ReleasedFilm], paths: Sequence[Sequence[str]], reporting: ReportOptions) -> None:
    if reporting.as_json:
        console.stdout_json([each.as_dict() for each in made])
    elif not reporting.events:
        rows = [
            [str(each.path), f"{each.seconds:.2f}", " > ".join(names)] for each, names in zip(made, paths, strict=True)
        ]
        console.show_table(("film", "length", "path"), rows, right=("length",))
    console.say(f"{counted(len(made), 'path')}, each a film", "bold green")
