"""From the cut to the file: a film is finished, checked while it is written, marked, signed and put in place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from sora_cli.events import Report, Silent
from sora_cli.flows import watching
from sora_cli.plan import Plan
from sora_cli.policy import pictures

if TYPE_CHECKING:  # commands that only plan import the flow of films, and no codecs
    from sora_cli.master.picture import Grade
    from sora_cli.media.deliveries import Delivery
    from sora_cli.media.read.shelf import Open
    from sora_cli.media.sheet import ContactSheet
    from sora_cli.media.stream import Master
    from sora_cli.plan.timeline import Cut
    from sora_cli.stamp import Making, Release, Signer
    from sora_cli.stamp.release import Releases


def finished(
    cut: Cut,
    plan: Plan,
    out: Path,
    *,
    loudness: float | None,
    making: Making,
    signer: Signer,
    kind: Delivery,
    unable: str,
    report: Report | None = None,
    grade: Grade | None = None,
    films: Open | None = None,
    sheet: ContactSheet | None = None,
) -> Release:
    """Finish a cut as `finish` does, at this `loudness`, and release it as `released` does."""
    from sora_cli.master.finish import finish

    master = finish(cut, loudness, pixels=kind.made_in, report=report, grade=grade, films=films)
    return released(
        master, plan, out, making=making, signer=signer, kind=kind, unable=unable, report=report, sheet=sheet
    )


def released(
    master: Master,
    plan: Plan,
    out: Path,
    *,
    making: Making,
    signer: Signer,
    kind: Delivery,
    unable: str,
    report: Report | None = None,
    sheet: ContactSheet | None = None,
) -> Release:
    """Release a master of a plan, held to its policy; `unable` says why frames could not be checked.

    A `sheet` takes its pictures meanwhile.

    Raises:
        SoraError: as `release` and `watching.watched` do.
    """
    from sora_cli.stamp.release import Releases

    with Releases() as films:
        write(
            films, master, plan, out, making=making, signer=signer, kind=kind, unable=unable, report=report, sheet=sheet
        )
        pictures.forget()  # signing takes memory for each take of the film
        return next(films.put_in_place())


def write(
    films: Releases,
    master: Master,
    plan: Plan,
    out: Path,
    *,
    making: Making,
    signer: Signer,
    kind: Delivery,
    unable: str,
    report: Report | None = None,
    sheet: ContactSheet | None = None,
) -> None:
    """Write a master of a plan as one of several films, which are released together; else as `released` does it.

    Raises:
        SoraError: as `Releases.write` and `watching.watched` do.
    """
    from sora_cli.stamp.release import ReleaseTarget

    target = ReleaseTarget(out, plan.board.provenance, signer, kind, report or Silent())
    if sheet is not None:
        target = replace(target, watch=sheet.watching)
    films.write(watching.watched(master, plan, unable), target, making, may_leave_unmarked=not plan.board.rules.marked)
