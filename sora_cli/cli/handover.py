"""Commands that hand over: import, export, conform."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct
from msgspec.structs import asdict

from sora_cli.cli import console
from sora_cli.cli.options import (
    Draft,
    Json,
    LimitOptions,
    MediaOptions,
    NewFilm,
    Only,
    Overwrite,
    ReleaseOptions,
    ReportOptions,
)
from sora_cli.cli.session import working
from sora_cli.errors import counted
from sora_cli.texts import as_typed


def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A Fountain screenplay, a CSV shot list, boards or a timeline.")
    ],
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="STORYBOARD", help="Write the storyboard here. Default: beside FILE."),
    ] = None,
    *,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Make a storyboard of a script, shot list, boards or timeline."""
    from sora_cli.flows.bring import bring

    made = bring(file, output, overwrite=overwrite)
    if as_json:
        console.stdout_json(made.as_dict())
    else:
        console.stdout(str(made.path))
    console.show_problems(made.remarks, style="yellow")
    console.say(
        f"{counted(made.scenes, 'scene')}, {counted(made.shots, 'shot')}; next: sora check {as_typed(made.path)}",
        "green",
    )


class TimelineOptions(Struct, frozen=True):
    """What is exported: the kind of timeline, its timecode, the colours of its clips."""

    to: Annotated[
        str,
        typer.Option(
            metavar="FORMAT",
            help="Write this format: otio, otioz, edl, fcpxml, fcp7, csv, srt, or folder (otio and csv).",
        ),
    ]
    start: Annotated[
        str | None,
        typer.Option(metavar="TIMECODE", help="Start at this timecode: 01:00:00:00, or 01:00:00;00 for drop-frame."),
    ] = None
    graded: Annotated[bool, typer.Option("--graded", help="Write clips with their colours matched, and no tables.")] = (
        False
    )


def export(
    source: Annotated[
        Path, typer.Argument(metavar="FILM", help="A film that was made from a storyboard, or the storyboard.")
    ],
    *,
    timeline: TimelineOptions,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FOLDER", help="Write it here: a file for csv, srt and otioz, else a folder."
        ),
    ] = None,
    only: Only = None,
    draft: Draft = False,
    release: MediaOptions,
    reporting: ReportOptions,
    limits: LimitOptions,
) -> None:
    """Export a film to an edit suite. Writes a timeline, and its shots as files with handles."""
    from sora_cli.flows import export as flow

    with working(reporting, limits) as (report, studio):
        options = flow.ExportOptions(
            **asdict(timeline),
            deliver=release.deliver or "prores",
            draft=draft,
            only=tuple(only or ()),
            overwrite=release.overwrite,
            signer=release.signer(),
        )
        made = flow.export(source, output, options, studio=studio, report=report)
    if reporting.as_json:
        console.stdout_json(made.as_dict())
    console.say(flow.summary(made), "green")


def conform(
    timeline: Annotated[
        Path, typer.Argument(metavar="CUT", help="An edited export: otio, otioz, edl, fcpxml or fcp7's xml.")
    ],
    output: NewFilm,
    folder: Annotated[
        Path | None,
        typer.Option("--export", metavar="FOLDER", help="Use this export. Default: the one in CUT's folder."),
    ] = None,
    *,
    release: ReleaseOptions,
    reporting: ReportOptions,
) -> None:
    """Make the film of an edited timeline. Its clips are in the store."""
    from sora_cli.flows import conform as flow
    from sora_cli.flows import edit

    with working(reporting) as (report, studio):
        out, kind = edit.target(output, timeline.stem, release.deliver)
        options = flow.ConformOptions(deliver=kind, signer=release.signer(), overwrite=release.overwrite)
        made = flow.conform(timeline, out, options, studio=studio, report=report, export=folder)
    if reporting.as_json:
        console.stdout_json(made.as_dict())
    console.say(made.words, "green")
