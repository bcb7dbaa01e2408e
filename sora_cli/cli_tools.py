"""The commands for films that are there already, ours or not: stitch, grade, stamp, verify."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sora_cli import console
from sora_cli.cli_options import Deliver, Events, Json, LogFile, SignCert, SignKey, signer, working
from sora_cli.errors import RequestError

if TYPE_CHECKING:
    from sora_cli.storyboard.model import Provenance
    from sora_cli.tools import Made

NewFilm = Annotated[Path, typer.Option("-o", "--output", metavar="FILM", help="Where the film goes.")]
Author = Annotated[str, typer.Option(help="Who made it; goes into its credential.")]
Mark = Annotated[str, typer.Option("--mark", metavar="TEXT", help="The words of the moving visible mark.")]
Strength = Annotated[float, typer.Option(min=0, max=1, help="How strongly colours are matched.")]
FITS = ("fill", "fit", "pad")


def stitch(
    clips: Annotated[list[Path], typer.Argument(metavar="CLIPS...", help="Films, in order.")],
    output: NewFilm,
    transition: Annotated[str, typer.Option(help="How each comes in: cut, dissolve 0.5s, fade 1s, wipe left.")] = "cut",
    match: Annotated[
        str, typer.Option(help="Hold colours to: film (the first clip), previous, a picture, a film or a .cube file.")
    ] = "off",
    strength: Strength = 1.0,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the film; the first clip's where not given.")] = "",
    fps: Annotated[str, typer.Option(help="Frames a second; the first clip's where not given.")] = "",
    fit: Annotated[
        str, typer.Option(help="Clips of another shape: fill (crop), fit (bars), pad (bars, never larger).")
    ] = "fill",
    author: Author = "",
    mark: Mark = "",
    deliver: Deliver = "web",
    sign_cert: SignCert = None,
    sign_key: SignKey = None,
    events: Events = False,
    log: LogFile = None,
    as_json: Json = False,
) -> None:
    """Put films one after the other, as one stamped film."""
    from sora_cli import tools

    if fit not in FITS:
        raise RequestError(f"--fit {fit}: no such way", hint=f"write {', '.join(FITS)}")
    who = signer(sign_cert, sign_key)
    with working(events=events, log=log) as (report, studio):
        way = tools.Way(report=report, halt=studio.halt, provenance=_owner(author, mark), signer=who, deliver=deliver)
        made = tools.stitch(
            clips, output, way, transition=transition, match=match, strength=strength, size=size, fps=fps,
            fit=fit,  # type: ignore[arg-type]  # checked above
        )  # fmt: skip
    _show(made, as_json=as_json)


def grade(
    clip: Annotated[Path, typer.Argument(metavar="CLIP", help="The film whose colours are changed.")],
    match: Annotated[str, typer.Option(metavar="REFERENCE", help="A picture, a film or a .cube file.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILM", help="Where the graded film goes.")
    ] = None,
    strength: Strength = 1.0,
    lut_out: Annotated[
        Path | None, typer.Option("--lut-out", metavar="FILE", help="Write the change as a .cube file.")
    ] = None,
    author: Author = "",
    mark: Mark = "",
    deliver: Deliver = "web",
    sign_cert: SignCert = None,
    sign_key: SignKey = None,
    events: Events = False,
    log: LogFile = None,
    as_json: Json = False,
) -> None:
    """Hold a film's colours to those of a picture or another film."""
    from sora_cli import tools

    who = signer(sign_cert, sign_key)
    with working(events=events, log=log) as (report, studio):
        way = tools.Way(report=report, halt=studio.halt, provenance=_owner(author, mark), signer=who, deliver=deliver)
        made = tools.grade(clip, output, way, match=match, strength=strength, lut=lut_out)
    _show(made, as_json=as_json)


def stamp(
    film: Annotated[Path, typer.Argument(metavar="FILE", help="A film, ours or not; it stays as it is.")],
    output: NewFilm,
    author: Author = "",
    mark: Mark = "",
    deliver: Deliver = "web",
    sign_cert: SignCert = None,
    sign_key: SignKey = None,
    events: Events = False,
    log: LogFile = None,
    as_json: Json = False,
) -> None:
    """Put the visible mark and a signed credential on a film."""
    from sora_cli import tools

    who = signer(sign_cert, sign_key)
    with working(events=events, log=log) as (report, studio):
        way = tools.Way(report=report, halt=studio.halt, provenance=_owner(author, mark), signer=who, deliver=deliver)
        made = tools.mark(film, output, way)
    _show(made, as_json=as_json)


def verify(
    path: Annotated[Path, typer.Argument(metavar="FILM", help="A film, ours or not.")],
    anchor: Annotated[
        list[Path] | None, typer.Option(metavar="PEM", help="A root certificate to trust; repeatable.")
    ] = None,
    revoked: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A list of revoked certificates; repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what a film's credential proves: who made it, from what, and what was changed since."""
    from sora_cli import stamp

    verdict = stamp.verify(path, anchors=anchor or (), revoked=revoked or ())
    if as_json:
        console.stdout_json(verdict.as_dict())
    else:
        console.stdout(console.plain("\n".join(console.verdict_lines(verdict.as_dict()))))
    if not verdict.ok:
        raise typer.Exit(1)


def reproduce(
    path: Annotated[Path, typer.Argument(metavar="FILM", help="A film with its sidecar, or a clip of the store.")],
    as_json: Json = False,
) -> None:
    """Make a film's takes again, and say whether the frames agree, and if not what differs."""
    from sora_cli import reproduce as again

    with working() as (report, studio):
        found = again.reproduce(path, studio.store, report, studio.halt)
    if as_json:
        console.stdout_json(found.as_dict())
    else:
        console.show_table(again.COLUMNS, [take.row for take in found.takes], right=("nearness",))
    for what, (then, now) in found.differences.items():
        console.say(f"{what}: {then} then, {now} now", "yellow")
    console.say(found.summary(), "green" if found.agrees else "bold red")
    if not found.agrees:
        raise typer.Exit(1)


def _owner(author: str, mark: str) -> Provenance:
    from sora_cli.storyboard.model import Provenance, Watermark

    return Provenance(author, Watermark(text=mark) if mark else Watermark())


def _show(made: Made, *, as_json: bool) -> None:
    if as_json:
        console.stdout_json(made.as_dict())
    console.show_summary(str(made.path or made.lut), made.facts())
