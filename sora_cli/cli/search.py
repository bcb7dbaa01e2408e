"""Commands that find clips, shots and films by what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sora_cli.cli import console
from sora_cli.cli.options import Json, Overwrite, refuse_idle
from sora_cli.errors import RequestError
from sora_cli.plain import as_data

if TYPE_CHECKING:
    from sora_cli.flows.search import Hit

Embedding = Annotated[
    str | None, typer.Option("--embedding", metavar="MODEL", help="Find pictures with this CLIP, SigLIP or DINO model.")
]


def index(
    folders: Annotated[
        list[Path] | None, typer.Argument(metavar="[FOLDERS...]", help="Folders with films; the store is indexed too.")
    ] = None,
    embedding: Embedding = None,
    as_json: Json = False,
) -> None:
    """Make clips, shots and films searchable; rerun to renew."""
    from sora_cli.flows import search as flow

    found = flow.index(folders or (), lambda _number: None, embedding)
    if as_json:
        console.stdout_json(as_data(found))
    console.say(f"indexed: {found.new} new, {found.known} known, {found.gone} gone", "green")


def search(
    words: Annotated[list[str] | None, typer.Argument(metavar="WORDS...", help="What you look for.")] = None,
    image: Annotated[
        Path | None, typer.Option("--image", metavar="PICTURE", help="Find frames like this picture, without words.")
    ] = None,
    embedding: Embedding = None,
    count: Annotated[int, typer.Option("--count", min=1, max=100, help="Show so many.")] = 10,
    engine: Annotated[str | None, typer.Option("--engine", metavar="NAME", help="Find what this engine made.")] = None,
    cast: Annotated[str | None, typer.Option("--cast", metavar="NAME", help="Find shots and films with them.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DAY", help="Find what is of 2026-11-03 or later.")
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option("--sheet", metavar="PICTURE", help="Draw what is found, side by side, to this PNG.")
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Find clips, shots and films by meaning, in 16 languages."""
    from sora_cli.flows import search as flow
    from sora_cli.flows import search_sheet

    wanted = flow.filters(engine, cast, since)
    if image is None:
        refuse_idle("--image PICTURE", embedding=embedding)
    elif words:
        raise RequestError("words and a picture at once cannot be looked for", hint="leave one of them out")
    asked = f"like {image.name}" if image is not None else " ".join(words or ())
    if sheet is not None:
        search_sheet.check(sheet, asked, image, overwrite=overwrite)
    if image is not None:
        hits = flow.search_picture(image, embedding, wanted, count=count)
    else:
        hits = flow.search(asked, wanted, count=count)
    if sheet is not None:
        _show_drawn(sheet, hits, search_sheet.draw(hits, asked, sheet))
    if as_json:
        console.stdout_json([hit.as_dict() for hit in hits])
        return
    if hits:
        console.show_table(flow.COLUMNS, [hit.row for hit in hits], right=("likeness", "at"))
    else:
        given = {"engine": engine, "cast": cast, "since": since}
        held = "".join(f" --{name} {value}" for name, value in given.items() if value)
        console.say(f"nothing was found{held and f' with{held}'}", "yellow")


def _show_drawn(sheet: Path, hits: Sequence[Hit], lost: Sequence[Hit]) -> None:
    for hit in lost:
        console.say(f"not in the picture, because it cannot be read: {hit.entry.file}", "yellow")
    if len(lost) < len(hits):
        console.say(f"picture: {sheet}", "green")
    else:
        console.say("no picture: there is nothing to show", "yellow")
