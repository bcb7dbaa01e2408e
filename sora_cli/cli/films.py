"""Commands for films that are there already: stitch, grade, stamp, verify, reproduce."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import asdict

from sora_cli.cli import console
from sora_cli.cli.options import Json, NewFilm, Out, OwnerOptions, ReleaseOptions, ReportOptions, Strength, refuse_idle
from sora_cli.cli.session import working
from sora_cli.errors import RequestError

if TYPE_CHECKING:
    from sora_cli.cancel import Cancellation
    from sora_cli.events import Report
    from sora_cli.flows.edit import Edited, EditOptions


def stitch(
    clips: Annotated[list[Path], typer.Argument(metavar="CLIPS...", help="Films, in order.")],
    output: NewFilm,
    transition: Annotated[str, typer.Option(help="Join clips by: cut, dissolve 0.5s, fade 1s or wipe left.")] = "cut",
    match: Annotated[
        str, typer.Option(help="Match colours to: film (the first clip), previous, a picture, a film or a .cube file.")
    ] = "off",
    strength: Strength = 1.0,
    size: Annotated[
        str, typer.Option(metavar="WxH", help="Set the film's size. Default: that of the first clip.")
    ] = "",
    fps: Annotated[str, typer.Option(help="Set the frame rate. Default: that of the first clip.")] = "",
    fit: Annotated[
        str, typer.Option(help="Fit clips of another shape: fill (crop), fit (bars) or pad (bars, never enlarged).")
    ] = "fill",
    *,
    owner: OwnerOptions,
    release: ReleaseOptions,
    reporting: ReportOptions,
) -> None:
    """Join films into one stamped film."""
    from sora_cli.flows import edit
    from sora_cli.storyboard.model import FITS

    if match == "off":
        refuse_idle("--match", strength=strength != 1)
    with working(reporting) as (report, studio):
        if fit not in FITS:
            raise RequestError(f"--fit {fit}: no such fit", hint=f"write {', '.join(FITS)}")
        out, kind = edit.target(output, "stitched", release.deliver)
        options = edit_options(report, studio.cancel, owner, release, kind)
        made = edit.stitch(
            clips, out, options, transition=transition, match=match, strength=strength, size=size, fps=fps, fit=fit
        )
    show_made(made, as_json=reporting.as_json)


def grade(
    clip: Annotated[Path, typer.Argument(metavar="CLIP", help="The film to match; it is not changed.")],
    match: Annotated[str, typer.Option(metavar="REFERENCE", help="A picture, a film or a .cube file.")],
    output: Out = None,
    strength: Strength = 1.0,
    lut_out: Annotated[
        Path | None, typer.Option("--lut-out", metavar="FILE", help="Write the colour change as a .cube file too.")
    ] = None,
    *,
    owner: OwnerOptions,
    release: ReleaseOptions,
    reporting: ReportOptions,
) -> None:
    """Match a film's colours to a picture or another film."""
    from sora_cli.flows import edit

    if output is None and lut_out is not None:
        refuse_idle("-o FILM", **asdict(owner), deliver=release.deliver)
    with working(reporting) as (report, studio):
        out, kind = edit.target(output, clip.stem, release.deliver) if output else (None, "web")
        options = edit_options(report, studio.cancel, owner, release, kind)
        made = edit.grade(clip, out, options, match=match, strength=strength, lut=lut_out)
    show_made(made, as_json=reporting.as_json)


def stamp(
    film: Annotated[Path, typer.Argument(metavar="FILE", help="A film, made by sora or not; it is not changed.")],
    output: NewFilm,
    *,
    owner: OwnerOptions,
    release: ReleaseOptions,
    reporting: ReportOptions,
) -> None:
    """Put the visible mark and a signed credential on a film."""
    from sora_cli.flows import edit

    with working(reporting) as (report, studio):
        out, kind = edit.target(output, film.stem, release.deliver)
        options = edit_options(report, studio.cancel, owner, release, kind)
        made = edit.mark(film, out, options)
    show_made(made, as_json=reporting.as_json)


def verify(
    path: Annotated[Path, typer.Argument(metavar="FILM", help="A film, made by sora or not.")],
    anchor: Annotated[
        list[Path] | None, typer.Option(metavar="PEM", help="Trust this root certificate; repeatable.")
    ] = None,
    revoked: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Use this list of revoked certificates; repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what a film's credential proves, or whose film it is."""
    from sora_cli import stamp
    from sora_cli.flows import found

    verdict = stamp.verify(path, anchors=anchor or (), revoked=revoked or ())
    original = found.copy_of(path, verdict)
    if as_json:
        console.stdout_json(verdict.as_dict() | ({"copy_of": original.as_dict()} if original else {}))
    else:
        lines = [*console.verdict_lines(verdict), *(f"  note: {note}" for note in found.lacking(verdict))]
        if original is not None:
            lines += [original.sentence(path.name), *[*console.verdict_lines(original.credential)][1:]]
        console.stdout(console.plain("\n".join(lines)))
    if not verdict.ok:
        raise typer.Exit(1)


def reproduce(
    path: Annotated[Path, typer.Argument(metavar="FILM", help="A film made by sora, or a clip of its store.")],
    files: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Look here for the files that the film was made from.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a film again from its record, and compare the frames."""
    from sora_cli.flows import reproduce as again

    with working() as (report, studio):
        found = again.reproduce(path, studio.store, report, studio.cancel, files)
    if as_json:
        console.stdout_json(found.as_dict())
    else:
        console.show_table(again.COLUMNS, [take.row for take in found.takes], right=("nearness",))
    for what, (then, now) in found.differences.items():
        console.say(f"{what}: {then} then, {now} now", "yellow")
    console.say(found.summary(), "green" if found.agrees else "bold red")
    if not found.agrees:
        raise typer.Exit(1)


def edit_options(
    report: Report, cancel: Cancellation, owner: OwnerOptions, release: ReleaseOptions, kind: str
) -> EditOptions:
    """How a film goes out, from the options of a command."""
    from sora_cli.flows.edit import EditOptions

    return EditOptions(report, cancel, owner.provenance(), release.signer(), kind, release.overwrite)


def show_made(made: Edited, *, as_json: bool) -> None:
    """Tell of a film that was made of others."""
    if as_json:
        console.stdout_json(made.as_dict())
    console.show_summary(str(made.path or made.lut or made.mask), made.facts())
