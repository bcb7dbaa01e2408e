"""Commands that change what is there: extend, edit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct
from msgspec.structs import asdict

from sora_cli.cli.films import edit_options, show_made
from sora_cli.cli.make import sampling, written
from sora_cli.cli.options import (
    Avoid,
    EngineName,
    EngineOption,
    Length,
    LimitOptions,
    NewFilm,
    OwnerOptions,
    ReleaseOptions,
    ReportOptions,
    Steps,
    Takes,
)
from sora_cli.cli.session import working

Film = Annotated[Path, typer.Argument(metavar="FILM", help="A film, made by sora or not; it is not changed.")]


class TakeOptions(Struct, frozen=True):
    """How the takes of a change are made."""

    engine: EngineName = None
    seed: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Draw the noise from this seed: same seed, same frames.")
    ] = None
    takes: Takes = None
    avoid: Avoid = None
    steps: Steps = None
    option: EngineOption = None

    def shot(self, words: list[str]) -> dict[str, object]:
        """The shot of a storyboard with this prompt, as plain data.

        Raises:
            RequestError: one of the prompt's words is a second film.
        """
        from sora_cli.errors import RequestError
        from sora_cli.storyboard.files import FILMS, suffix
        from sora_cli.storyboard.given import Given, given

        if second := next((word for word in words if suffix(word) in FILMS and Path(word).is_file()), ""):
            hint = "name one film, and put what it is to show in quotes"
            raise RequestError(f"PROMPT: {second} is a film, and one film is changed at a time", hint=hint)
        options = sampling(self.steps, self.option)
        named = {name: given(f"--{name}", getattr(self, name)) for name in ("engine", "seed", "takes", "avoid")}
        return written({"prompt": Given(" ".join(words), "PROMPT"), "options": options or None, **named})


def extend(
    film: Film,
    prompt: Annotated[list[str], typer.Argument(metavar="PROMPT...", help="What happens next, in quotes or not.")],
    output: NewFilm,
    duration: Length = None,
    before: Annotated[bool, typer.Option("--before", help="Make what comes before the film, up to its start.")] = False,
    *,
    take: TakeOptions,
    owner: OwnerOptions,
    release: ReleaseOptions,
    reporting: ReportOptions,
    limits: LimitOptions,
) -> None:
    """Make a film longer, at its end or before its start."""
    from sora_cli.flows import edit
    from sora_cli.flows import extend as flow

    with working(reporting, limits) as (report, studio):
        out, kind = edit.target(output, f"{film.stem}-longer", release.deliver)
        options = edit_options(report, studio.cancel, owner, release, kind)
        shot = {**take.shot(prompt), **written({"duration": duration})}
        made = flow.extend(film, shot, out, options, studio=studio, before=before)
    show_made(made, as_json=reporting.as_json)


class PartOptions(Struct, frozen=True):
    """What of a film is made anew."""

    start: Annotated[
        str, typer.Option("--from", metavar="TIME", help="Begin here, at 1.5s or 36f; else at its start.")
    ] = ""
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="End here; else at its end.")] = ""
    region: Annotated[
        str, typer.Option(metavar="X,Y,W,H", help="Change this part: left, top, width and height, from 0 to 1.")
    ] = ""
    mask: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Change what is white in this picture, or film of the same length."),
    ] = None
    replace: Annotated[
        str,
        typer.Option(
            metavar="WORDS", help="Change what these words name, by its colour: the red ball; or a point, X,Y."
        ),
    ] = ""
    segmenter: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL",
            help="With --replace: find it by this model, which is on this machine; twice for one that finds by words "
            "and one that follows.",
        ),
    ] = None
    outpaint: Annotated[str, typer.Option(metavar="SHAPE", help="Add borders, for this shape: 16:9, 9:16, 1:1.")] = ""
    relight: Annotated[str, typer.Option(metavar="WORDS", help="Show all of it in another light: sunset.")] = ""
    restyle: Annotated[str, typer.Option(metavar="WORDS", help="Show all of it in another style: ink drawing.")] = ""
    instruct: Annotated[
        bool, typer.Option("--instruct", help="Let PROMPT say what to do with all of it: turn the ball into a star.")
    ] = False
    strength: Annotated[
        float | None,
        typer.Option(
            metavar="LEVEL", help="Go this far from what was, with --relight or --restyle: 0.05 to 1. Default: 0.7."
        ),
    ] = None


def edit(
    film: Film,
    prompt: Annotated[
        list[str], typer.Argument(metavar="PROMPT...", help="What is there then, in quotes or not; or what to do.")
    ],
    output: NewFilm,
    show_mask: Annotated[
        bool, typer.Option("--show-mask", help="Write a PNG that shows what would be made anew in red; make nothing.")
    ] = False,
    *,
    part: PartOptions,
    take: TakeOptions,
    owner: OwnerOptions,
    release: ReleaseOptions,
    reporting: ReportOptions,
    limits: LimitOptions,
) -> None:
    """Make a part of a film's picture anew; the rest stays."""
    from sora_cli.flows import edit as tools
    from sora_cli.flows import repaint as flow

    with working(reporting, limits) as (report, studio):
        asked = flow.Asked(**asdict(part))
        shot = take.shot(prompt)
        out, kind = (Path(output), "web") if show_mask else tools.target(output, f"{film.stem}-edited", release.deliver)
        options = edit_options(report, studio.cancel, owner, release, kind)
        if show_mask:
            made = tools.Edited(mask=flow.show_mask(film, shot, asked, out, options))
        else:
            made = flow.repaint(film, shot, asked, out, options, studio=studio)
    show_made(made, as_json=reporting.as_json)
