"""Commands that look at what was made: review, takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sora_cli.cli import console
from sora_cli.cli.options import Json, Overwrite


def review(
    film: Annotated[Path, typer.Argument(metavar="FILM", help="A film, made by sora or not; it is not changed.")],
    embedding: Annotated[
        str | None,
        typer.Option("--embedding", metavar="MODEL", help="Recognise the cast with this CLIP, SigLIP or DINO model."),
    ] = None,
    gate: Annotated[bool, typer.Option("--gate", help="Exit with code 1 if something falls short.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="PAGE", help="Write a page of the film that any browser opens.")
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Measure a film's shots and joins, and say what falls short."""
    from sora_cli.flows import review as flow

    if html is not None:
        from sora_cli.flows import pages

        pages.check(html, film, overwrite=overwrite)
    found = flow.review(film, embedding)
    if html is not None:
        from sora_cli.flows import film_page, pages
        from sora_cli.store import open_store

        pages.write(film_page.of_film(found, open_store(), html.parent), html)
    if as_json:
        console.stdout_json(found.as_dict())
    else:
        console.show_table(flow.COLUMNS, found.table(), right=("at",))
    for remark in found.remarks:
        console.say(f"note: {remark}", "yellow")
    if html is not None:
        console.say(f"page: {html}", "green")
    console.say(found.words, "green" if found.ok else "yellow")
    if gate and not found.ok:
        raise typer.Exit(1)


def takes(
    film: Annotated[Path, typer.Argument(metavar="FILM", help="A film made from a storyboard; it is not changed.")],
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="PNG", help="Write the picture here [default: FILM.takes.png]."),
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Show a film's takes side by side, with their scores."""
    from sora_cli.flows import takes as flow
    from sora_cli.store import open_store

    store = open_store()
    told = flow.told_of(film, store)
    drawn, gone = flow.picture(film, told, store, output, overwrite=overwrite)
    if as_json:
        console.stdout_json({**flow.as_dict(film, told), "picture": drawn and str(drawn), "gone": gone})
    else:
        console.show_table(flow.COLUMNS, flow.table(told), right=("seed", "score"))
    if told.signed:
        console.say("note: no sidecar lists the takes; the film's credential does", "yellow")
    if gone:
        console.say(
            f"note: not in the picture, because {store.folder} does not hold their clips: {', '.join(gone)}", "yellow"
        )
    if drawn:
        console.say(f"picture: {drawn}", "green")
