"""Several films of one storyboard, each of some of its shots: all are planned and checked before the first is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from sora_cli.events import FilmEnded, FilmStarted, Note, Report
from sora_cli.flows import film, outputs, places, preflight, subtitles
from sora_cli.flows.batch import AboutFilm
from sora_cli.plan import Plan
from sora_cli.record.sidecar import ReleasedFilm
from sora_cli.store import open_store

if TYPE_CHECKING:
    from sora_cli.flows.film import MakeOptions
    from sora_cli.shoot.studio import Studio
    from sora_cli.storyboard.model import Storyboard

NOTHING: Mapping[Path, outputs.Own] = {}


class Part(Struct, frozen=True):
    """A film of these shots, in this order, and its plan."""

    out: Path
    shots: tuple[str, ...]
    plan: Plan


def planned(
    board: Storyboard,
    wanted: Mapping[Path, Sequence[str]],
    how: MakeOptions,
    *,
    deliver: str = places.WEB,
    also: Mapping[Path, outputs.Own] = NOTHING,
) -> list[Part]:
    """Plan films of a storyboard; `also` is written with them.

    Raises:
        RequestError: something else is where one of them goes.
        StoryboardError, PolicyError, EngineMissing: one of them cannot be made.
    """
    from sora_cli.media.deliveries import delivery

    kind, maker = delivery(deliver), outputs.maker_of(board)
    parts, owns = [], dict(also)
    for out, shots in wanted.items():
        places.check_place(out, kind)
        plan = preflight.plan_of(board, draft=how["draft"], only=shots)
        preflight.require_ready(plan)
        preflight.require_drafts(plan, open_store())
        owns |= {**outputs.of_film(out, kind, maker), **subtitles.of_film(plan, out)}
        parts.append(Part(out, tuple(shots), plan))
    outputs.check(owns, outputs.sources_of(board, how["signer"]), overwrite=how["overwrite"])
    return parts


def films(
    parts: Sequence[Part], *, report: Report, studio: Studio, how: MakeOptions, deliver: str = places.WEB
) -> Iterator[ReleasedFilm]:
    """Make them, one after another; what is told of one is not told again of the next."""
    told = list[Note]()
    for number, part in enumerate(parts, 1):
        own: MakeOptions = {**how, "only": part.shots}
        report(FilmStarted(str(part.out), part.out.stem, number, len(parts)))
        made = film.make(
            part.plan.board,
            part.out,
            report=AboutFilm(str(part.out), report, tuple(told)),
            studio=studio,
            deliver=deliver,
            **own,
        )
        told += [Note.of(remark) for remark in made.remarks]
        report(FilmEnded(str(part.out), "up to date" if made.reused else "made", sum(made.stages.values())))
        yield made
