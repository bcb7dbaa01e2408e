"""Commands that change what is there: extend."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from sora_cli.cli import complete
from sora_cli.cli.films import edit_options, show_made
from sora_cli.cli.make import written
from sora_cli.cli.options import LimitOptions, NewFilm, OwnerOptions, ReleaseOptions, ReportOptions
from sora_cli.cli.session import pairs, working

Film = Annotated[Path, typer.Argument(metavar="FILM", help="A film, made by sora or not; it is not changed.")]


@dataclass(frozen=True, slots=True)
class TakeOptions:
    """How the takes of a change are made."""

    engine: Annotated[
        str | None,
        typer.Option(
            "--engine",
            "--model",
            autocompletion=complete.engines,
            help="A name that `sora models` lists, a hub id or a folder.",
        ),
    ] = None
    seed: Annotated[int | None, typer.Option(help="Same seed, same frames.")] = None
    takes: Annotated[str | None, typer.Option(metavar="COUNT", help="Seeds to try; the best is kept.")] = None
    avoid: Annotated[str | None, typer.Option("--avoid", "--negative", help="What should not be seen.")] = None
    steps: Annotated[str | None, typer.Option(metavar="COUNT", help="Sampling steps of the engine.")] = None
    option: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="An option of the engine.")] = None

    def shot(self, words: list[str]) -> dict[str, object]:
        """The shot of a storyboard with this prompt, as plain data."""
        options = {**({"steps": self.steps} if self.steps else {}), **pairs(self.option, "--option")}
        named = {name: getattr(self, name) for name in ("engine", "seed", "takes", "avoid")}
        return written({"prompt": " ".join(words), "options": options or None, **named})


def extend(
    film: Film,
    prompt: Annotated[list[str], typer.Argument(metavar="PROMPT...", help="What happens next, in quotes or not.")],
    output: NewFilm,
    duration: Annotated[str | None, typer.Option("-d", "--duration", help="4s, 1500ms, 0:20, 48f or seconds.")] = None,
    before: Annotated[bool, typer.Option("--before", help="Make what comes before the film, up to its start.")] = False,
    *,
    take: TakeOptions,
    owner: OwnerOptions,
    release: ReleaseOptions,
    reporting: ReportOptions,
    limits: LimitOptions,
) -> None:
    """Make a film longer: go on where it ends, or lead up to where it begins."""
    from sora_cli.flows import edit
    from sora_cli.flows import extend as flow

    with working(reporting, limits) as (report, studio):
        out, kind = edit.target(output, f"{film.stem}-longer", release.deliver)
        options = edit_options(report, studio.cancel, owner, release, kind)
        shot = {**take.shot(prompt), **written({"duration": duration})}
        made = flow.extend(film, shot, out, options, studio=studio, before=before)
    show_made(made, as_json=reporting.as_json)
